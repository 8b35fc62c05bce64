"""What the routes of one API process share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from growlearn.app.api.access import Access
from growlearn.app.api.links import OneTimeLinks
from growlearn.app.api.served_models import ServedModels
from growlearn.ports import ApiRecords, Artifacts, Clock, Store
from growlearn.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ApiContext:
    """The record, the files, and what this process holds open.

    `stopping` is set when the server begins to stop: answers without an end of their own end then.
    """

    settings: Settings
    store: Store
    records: ApiRecords
    artifacts: Artifacts
    clock: Clock
    access: Access
    links: OneTimeLinks
    models: ServedModels
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
