"""How far the targets of training are smoothed."""

from __future__ import annotations

from growlearn.domain.growth import ALONE, GrowthPlan

_SMOOTHING = 0.05


def label_smoothing(plan: GrowthPlan) -> float:
    """The share of each target that all classes have alike (Szegedy et al. 2016).

    Validation rows choose an epoch by the loss, which punishes a confident network before its accuracy stops
    rising; with smoothed targets it trains on (docs/adr/0023). Not for images, nor for a branch that is
    trained through a frozen answer, on which it was not measured. The temperature undoes what smoothing does
    to probabilities.
    """
    manifest = plan.parent_manifest
    is_joined = plan.combination != ALONE
    return 0.0 if is_joined or manifest.model.trains_on_pixels(manifest.schema) else _SMOOTHING
