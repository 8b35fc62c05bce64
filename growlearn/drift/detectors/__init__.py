"""The table of drift detectors by name; one file holds one detector."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from growlearn.drift.detectors.result import Detector, DetectorResult
from growlearn.drift.sample import Sample

_NAMES = (
    "output-ks",
    "mmd",
    "classifier-two-sample",
    "per-column",
    "label-shift",
    "error-adwin",
)
"""Detector `a-b` is the function `a_b` of the module `a_b`."""


def _load_lazily(name: str) -> Detector:
    """The detector; its module is loaded when it runs, because reading a job file needs the names alone."""
    module = name.replace("-", "_")

    def detect(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
        detector: Detector = getattr(import_module(f"{__name__}.{module}"), module)
        return detector(reference, query, alpha)

    return detect


DETECTORS: Mapping[str, Detector] = MappingProxyType({name: _load_lazily(name) for name in _NAMES})
