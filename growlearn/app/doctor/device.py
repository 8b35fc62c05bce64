"""Checks that this machine has the device of the settings."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.finding import Finding, ok_finding


def device(context: CheckContext) -> Iterator[Finding]:
    """Which device this process computes on, and which others the machine has."""
    from growlearn.adapters.engines.plan_device import DEVICE_SETTING
    from growlearn.network.devices import describe_device, list_devices, resolve_device

    chosen = resolve_device(context.settings.device, DEVICE_SETTING)
    others = [name for name in list_devices() if name != str(chosen)]
    note = f"; there is also {', '.join(others)}" if others else ""
    yield ok_finding("device", f"{chosen} ({describe_device(chosen)}){note}")
