"""The decision log in memory: written with the decision."""

from __future__ import annotations

from datetime import datetime

from growlearn import __version__
from growlearn.adapters.memory.state import StreamState
from growlearn.domain.canary import Canary
from growlearn.domain.decision_log import (
    compute_job_digest,
    make_alias_entry,
    make_canary_entry,
    make_job_entry,
    make_pause_entry,
    make_transition_entry,
)
from growlearn.domain.stream import AliasChange, Transition


def append_job_entry(state: StreamState, at: datetime, actor: str) -> None:
    """Add the stream's job to the decision log, unless the latest entry has the same one."""
    digests = [entry.job_digest for entry in state.decision_log if entry.job is not None]
    if digests[-1:] != [compute_job_digest(state.stream.job)]:
        state.decision_log.append(make_job_entry(state.stream.job, at, actor, __version__))


def append_pause_entry(state: StreamState, paused: bool, at: datetime, actor: str) -> None:
    """Add that a person paused or resumed the stream."""
    state.decision_log.append(make_pause_entry(state.stream.job, paused, at, actor, __version__))


def append_transition_entry(state: StreamState, transition: Transition) -> None:
    """Add a transition of a window."""
    state.decision_log.append(make_transition_entry(transition, state.stream.job, __version__))


def append_alias_entry(state: StreamState, changes: tuple[AliasChange, ...]) -> None:
    """Add alias changes made by a person."""
    state.decision_log.append(make_alias_entry(changes, state.stream.job, __version__))


def append_canary_entry(state: StreamState, canary: Canary) -> None:
    """Add that a canary was started or stopped."""
    state.decision_log.append(make_canary_entry(canary, state.stream.job, __version__))
