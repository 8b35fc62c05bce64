"""The table of drift detectors by name; one file holds one detector."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from growlearn.drift.detectors.finding import Detector, Finding
from growlearn.drift.sample import Sample

_NAMES = (
    "output-ks",
    "feature-mmd",
    "classifier",
    "columns",
    "label-shift",
    "error-adwin",
    "error-page-hinkley",
    "error-kswin",
    "never",
    "periodic",
)
"""Detector `a-b` is the function `a_b` of the module `a_b`."""


def _on_first_use(name: str) -> Detector:
    """The detector, its module loaded only when it runs: reading a job file needs the names alone."""
    module = name.replace("-", "_")

    def detect(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
        found: Detector = getattr(import_module(f"{__name__}.{module}"), module)
        return found(reference, query, alpha)

    return detect


DETECTORS: Mapping[str, Detector] = MappingProxyType({name: _on_first_use(name) for name in _NAMES})
