"""The tables of checks: a new check is a function in a file of its own and one line here.

A check yields findings under its function's name and changes nothing; an exception becomes a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from growlearn.app.doctor.artifacts import artifacts
from growlearn.app.doctor.clock import clock
from growlearn.app.doctor.context import CheckContext, StoreContext
from growlearn.app.doctor.database import database
from growlearn.app.doctor.device import device
from growlearn.app.doctor.disk import disk
from growlearn.app.doctor.finding import Finding
from growlearn.app.doctor.mlflow import mlflow
from growlearn.app.doctor.outbox import outbox
from growlearn.app.doctor.packages import packages, python
from growlearn.app.doctor.permissions import permissions
from growlearn.app.doctor.processes import processes
from growlearn.app.doctor.registry import registry
from growlearn.app.doctor.schedules import schedules
from growlearn.app.doctor.sources import sources
from growlearn.app.doctor.torchvision import torchvision
from growlearn.app.doctor.webhook import webhook
from growlearn.app.doctor.windows import windows

INSTALLATION_CHECKS: tuple[Callable[[], Iterable[Finding]], ...] = (python, packages, torchvision)
"""Checks that need no settings."""

SETTINGS_CHECKS: tuple[Callable[[CheckContext], Iterable[Finding]], ...] = (
    disk,
    permissions,
    device,
    database,
    mlflow,
)
"""Checks that need valid settings."""

STORE_CHECKS: tuple[Callable[[StoreContext], Iterable[Finding]], ...] = (
    clock,
    processes,
    windows,
    outbox,
    webhook,
    registry,
    artifacts,
    schedules,
    sources,
)
"""Checks that need a database with the newest tables."""
