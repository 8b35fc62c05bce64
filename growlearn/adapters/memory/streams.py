"""Streams and their ticks in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from growlearn.adapters.memory.decision_log import append_job_entry, append_pause_entry
from growlearn.adapters.memory.state import StreamState, StreamStates
from growlearn.domain.job import Job
from growlearn.domain.stream import Stream


def set_job(states: StreamStates, job: Job, at: datetime, actor: str) -> Stream:
    """Create the stream of this job, or give an existing one the new job."""
    state = states.find(job.name)
    if state is None:
        state = StreamState(Stream(job=job, created_at=at))
        states.add(state)
    else:
        state.stream = replace(state.stream, job=job)
    append_job_entry(state, at, actor)
    return state.stream


def pause_or_resume(state: StreamState, paused: bool, at: datetime, actor: str) -> bool:
    """Pause or resume a stream; False where it is so already."""
    if paused is (state.stream.paused_at is not None):
        return False
    state.stream = replace(state.stream, paused_at=at if paused else None)
    append_pause_entry(state, paused, at, actor)
    return True


def claim_new_ticks(states: StreamStates, due: Mapping[str, datetime]) -> frozenset[str]:
    """Claim the ticks of many streams; returns those whose tick nobody else has claimed."""
    claimed = set()
    for name, due_at in due.items():
        state = states.find(name)
        if state is not None and due_at not in state.ticks:
            state.ticks.append(due_at)
            claimed.add(name)
    return frozenset(claimed)
