"""The context of an API process over a store, its files in memory."""

from __future__ import annotations

import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.api.access import Access
from growlearn.app.api.context import ApiContext
from growlearn.app.api.links import OneTimeLinks
from growlearn.app.api.served_models import ServedModels
from growlearn.domain.execution import Execution
from growlearn.ports import ApiRecords, Store
from growlearn.settings import Settings


def make_api_context(settings: Settings, store: Store, records: ApiRecords) -> ApiContext:
    """At most two models in memory, and no limit of requests."""
    artifacts, clock = MemoryArtifacts(), ManualClock()
    models = ServedModels(
        store,
        artifacts,
        lambda *_: None,
        execution=Execution.LOOP,
        device=torch.device("cpu"),
        threads=1,
        max_models=2,
    )
    return ApiContext(
        settings=settings, store=store, records=records, artifacts=artifacts, clock=clock,
        access=Access(records, clock, 0), models=models, links=OneTimeLinks(),
    )  # fmt: skip
