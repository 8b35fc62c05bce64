"""The canaries of a stream in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from growlearn import __version__
from growlearn.adapters.memory.state import StreamState, require_version
from growlearn.domain.canary import (
    ANSWER_RETENTION,
    Canary,
    CanaryAnswer,
    CanaryCounts,
    count_labelled,
    find_alias_reason,
    make_canary,
)
from growlearn.domain.decision_log import make_canary_entry


def start_canary(
    state: StreamState, version: int | None, share_percent: float, at: datetime, actor: str
) -> Canary:
    """Start a canary in place of one that runs; raises NotFound, and GrowLearnError as `make_canary`."""
    canary = make_canary(state.stream, len(state.canaries) + 1, version, share_percent, at, actor)
    require_version(state, canary.version)
    stop_canary(state, None, f"replaced: {canary.describe()}", at, actor)
    state.canaries.append(canary)
    _log(state, canary)
    return canary


def stop_canary(
    state: StreamState, number: int | None, reason: str, at: datetime, actor: str
) -> Canary | None:
    """Stop the canary of that number, or the running one; None where it does not run."""
    for index, running in enumerate(state.canaries):
        if running.is_running and number in (None, running.number):
            state.canaries[index] = stopped = running.stop(reason, at, actor)
            _log(state, stopped)
            return stopped
    return None


def end_canary_of_moved_alias(state: StreamState, at: datetime, actor: str) -> None:
    """Stop a running canary whose champion or challenger is another now."""
    for running in [canary for canary in state.canaries if canary.is_running]:
        reason = find_alias_reason(running, state.stream)
        if reason is not None:
            stop_canary(state, running.number, reason, at, actor)


def _log(state: StreamState, canary: Canary) -> None:
    state.decision_log.append(make_canary_entry(canary, state.stream.job, __version__))


def add_canary_counts(
    state: StreamState, number: int, counts: CanaryCounts, answers: Sequence[CanaryAnswer], at: datetime
) -> None:
    """Add counts and answers that wait for labels."""
    _add_counts(state, number, counts)
    _remove_expired(state, at)
    for answer in answers:
        state.canary_answers.setdefault((number, answer.row_id), answer)


def _add_counts(state: StreamState, number: int, counts: CanaryCounts) -> None:
    old = state.canaries[number - 1]
    state.canaries[number - 1] = replace(old, counts=old.counts + counts)


def _remove_expired(state: StreamState, at: datetime) -> None:
    kept = {key: one for key, one in state.canary_answers.items() if one.at >= at - ANSWER_RETENTION}
    state.canary_answers = kept


def count_canary_labels(state: StreamState, labels: Mapping[str, str], at: datetime) -> int:
    """Count the answers whose labels are given, by row id, once; returns how many."""
    _remove_expired(state, at)
    num_labelled = 0
    for canary in tuple(state.canaries):
        keys = [(canary.number, row_id) for row_id in labels]
        waiting = {key: state.canary_answers[key] for key in keys if key in state.canary_answers}
        answers = [one for one in waiting.values() if (one.champion, one.version) != (None, None)]
        for key, one in waiting.items():  # its id stays: it is counted once, also if asked for again
            state.canary_answers[key] = replace(one, champion=None, version=None)
        _add_counts(state, canary.number, count_labelled(answers, labels))
        num_labelled += len(answers)
    return num_labelled
