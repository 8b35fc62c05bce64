"""The device that a plan is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.growth import GrowthPlan

if TYPE_CHECKING:
    import torch

DEVICE_SETTING = "GROWLEARN_DEVICE"


def open_plan_device(plan: GrowthPlan | ConsolidationPlan, process: str) -> torch.device:
    """The device that a plan's job asks for, of those that `process` names; this process then computes on it.

    Raises GrowLearnError where this machine has no such device.
    """
    from growlearn.network.devices import choose_device, prepare_device  # noqa: PLC0415 - torch only where used

    key = f"growth.device of stream {plan.stream!r}"
    device = choose_device(plan.growth.device, process, key, DEVICE_SETTING)
    prepare_device(device)
    return device
