"""What the routes of one API process share."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.app.api.access import Access
from growlearn.app.api.links import OneTimeLinks
from growlearn.app.api.served_models import ServedModels
from growlearn.ports import ApiRecords, Artifacts, Clock, Store
from growlearn.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ApiContext:
    """The record, the files, and what this process holds open."""

    settings: Settings
    store: Store
    records: ApiRecords
    artifacts: Artifacts
    clock: Clock
    access: Access
    links: OneTimeLinks
    models: ServedModels
