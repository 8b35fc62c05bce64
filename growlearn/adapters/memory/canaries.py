"""Canaries in memory: started, stopped and counted, with entries of the decision log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from growlearn.adapters.memory.alerts import MemoryAlertQueue
from growlearn.adapters.memory.decision_log import append_canary_entry
from growlearn.adapters.memory.model import check_version
from growlearn.adapters.memory.state import StreamState, StreamStates, require_timezone
from growlearn.domain.alert import make_canary_alerts
from growlearn.domain.canary import (
    ANSWER_RETENTION,
    Canary,
    CanaryAnswer,
    CanaryCounts,
    count_labelled,
    find_alias_reason,
    make_canary,
)


class MemoryCanaryRecords:
    """Those of a store, whose lock it shares. See ports.CanaryRecords for each method."""

    def __init__(self, states: StreamStates, alerts: MemoryAlertQueue) -> None:
        self._states = states
        self._alerts = alerts

    def start(
        self, stream: str, version: int | None, share_percent: float, at: datetime, actor: str
    ) -> Canary:
        """Start a canary in place of one that runs; raises NotFound, and GrowLearnError as `make_canary`."""
        with self._states.draft(stream) as state:
            require_timezone(at)
            canary = make_canary(state.stream, len(state.canaries) + 1, version, share_percent, at, actor)
            check_version(state, canary.version)
            _stop(state, None, f"replaced: {canary.describe()}", at, actor)
            state.canaries.append(canary)
            append_canary_entry(state, canary)
            return canary

    def stop(self, stream: str, number: int | None, reason: str, at: datetime, actor: str) -> Canary | None:
        """Stop the canary of that number, or the running one; None where it does not run."""
        with self._states.draft(stream) as state:
            require_timezone(at)
            stopped = _stop(state, number, reason, at, actor)
            self._alerts.record(() if stopped is None else make_canary_alerts(stopped))
            return stopped

    def of_stream(self, stream: str) -> Sequence[Canary]:
        """All canaries of a stream, oldest first."""
        with self._states.lock:
            state = self._states.find(stream)
            return () if state is None else tuple(state.canaries)

    def running(self) -> Sequence[Canary]:
        """At most one a stream, by stream."""
        with self._states.lock:
            states = self._states.list_all()
            return tuple(canary for state in states for canary in state.canaries if canary.is_running)

    def add_counts(
        self, canary: Canary, counts: CanaryCounts, answers: Sequence[CanaryAnswer], at: datetime
    ) -> None:
        """Add counts, and answers that wait for labels; nothing happens where the stream is deleted."""
        with self._states.lock:
            known = {(each.number, each.started_at) for each in self.of_stream(canary.stream)}
            if (canary.number, canary.started_at) not in known:
                return
            with self._states.draft(canary.stream) as state:
                _add_counts(state, canary.number, counts)
                _remove_expired(state, at)
                for answer in answers:
                    state.canary_answers.setdefault((canary.number, answer.row_id), answer)

    def count_labels(self, stream: str, labels: Mapping[str, str], at: datetime) -> int:
        """Count the answers whose labels are given, by row id, once; returns how many."""
        with self._states.draft(stream) as state:
            require_timezone(at)
            _remove_expired(state, at)
            return sum(_count_labels(state, canary, labels) for canary in tuple(state.canaries))


def end_canary_of_moved_alias(state: StreamState, at: datetime, actor: str) -> None:
    """Stop a running canary whose champion or challenger is another now."""
    for running in [canary for canary in state.canaries if canary.is_running]:
        reason = find_alias_reason(running, state.stream)
        if reason is not None:
            _stop(state, running.number, reason, at, actor)


def _stop(state: StreamState, number: int | None, reason: str, at: datetime, actor: str) -> Canary | None:
    for index, running in enumerate(state.canaries):
        if running.is_running and number in (None, running.number):
            state.canaries[index] = stopped = running.stop(reason, at, actor)
            append_canary_entry(state, stopped)
            return stopped
    return None


def _add_counts(state: StreamState, number: int, counts: CanaryCounts) -> None:
    old = state.canaries[number - 1]
    state.canaries[number - 1] = replace(old, counts=old.counts + counts)


def _remove_expired(state: StreamState, at: datetime) -> None:
    kept = {key: one for key, one in state.canary_answers.items() if one.at >= at - ANSWER_RETENTION}
    state.canary_answers = kept


def _count_labels(state: StreamState, canary: Canary, labels: Mapping[str, str]) -> int:
    keys = [(canary.number, row_id) for row_id in labels]
    waiting = {key: state.canary_answers[key] for key in keys if key in state.canary_answers}
    answers = [one for one in waiting.values() if (one.champion, one.version) != (None, None)]
    for key, one in waiting.items():  # its id stays: it is counted once, also if asked for again
        state.canary_answers[key] = replace(one, champion=None, version=None)
    _add_counts(state, canary.number, count_labelled(answers, labels))
    return len(answers)
