"""The tables of checks: a new one is a function in a file of its own and one line here.

A check yields findings under its function's own name, changes nothing, and may raise: that becomes a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from growlearn.app.doctor.artifacts import artifacts
from growlearn.app.doctor.clock import clock
from growlearn.app.doctor.database import database
from growlearn.app.doctor.disk import disk
from growlearn.app.doctor.finding import Finding
from growlearn.app.doctor.mlflow import mlflow
from growlearn.app.doctor.outbox import outbox
from growlearn.app.doctor.packages import packages, python
from growlearn.app.doctor.premises import Premises, Record
from growlearn.app.doctor.schedules import schedules
from growlearn.app.doctor.sources import sources
from growlearn.app.doctor.torchvision import torchvision
from growlearn.app.doctor.windows import windows

OF_THE_INSTALLATION: tuple[Callable[[], Iterable[Finding]], ...] = (python, packages, torchvision)
"""What needs nothing."""

OF_THE_PREMISES: tuple[Callable[[Premises], Iterable[Finding]], ...] = (disk, database, mlflow)
"""What needs settings that can be read."""

OF_THE_RECORD: tuple[Callable[[Record], Iterable[Finding]], ...] = (
    clock,
    windows,
    outbox,
    artifacts,
    schedules,
    sources,
)
"""What needs a database at our newest tables."""
