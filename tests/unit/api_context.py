"""The context of an API process over a store."""

from __future__ import annotations

import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api.access import Access
from growlearn.app.api.context import ApiContext
from growlearn.app.api.links import OneTimeLinks
from growlearn.app.api.served_models import Log, ServedModels
from growlearn.domain.execution import Execution
from growlearn.ports import ApiRecords, Artifacts, Store
from growlearn.settings import Settings


def make_api_context(
    settings: Settings,
    store: Store,
    records: ApiRecords,
    artifacts: Artifacts | None = None,
    log: Log = lambda *_: None,
) -> ApiContext:
    """Its files in memory unless they are given; a clock that stands still."""
    stored, clock = artifacts or MemoryArtifacts(), ManualClock()
    models = ServedModels(
        store,
        stored,
        log,
        execution=Execution.LOOP,
        device=torch.device("cpu"),
        threads=torch.get_num_threads(),
        max_models=settings.api_max_models,
    )
    return ApiContext(
        settings=settings, store=store, records=records, artifacts=stored, clock=clock,
        access=Access(records, clock, settings.api_requests_per_s), models=models, links=OneTimeLinks(),
    )  # fmt: skip
