"""The table of drift detectors by name; one file holds one detector."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from growlearn.drift.detectors.finding import Detector
from growlearn.drift.detectors.output_ks import output_ks

DETECTORS: Mapping[str, Detector] = MappingProxyType({"output-ks": output_ks})
