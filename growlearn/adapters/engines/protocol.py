"""What an engine and its child process say to each other: one JSON document a line.

To the child: the plan. From the child: progress lines, then one result or one failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pydantic import ConfigDict, TypeAdapter

from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.growth import GrowthResult, Progress


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why the child could not grow the plan; `passing` where the same may succeed later."""

    failed: str
    cure: str | None = None
    passing: bool = False


Line: TypeAlias = Progress | GrowthResult | ConsolidationResult | Failure
# A diverged loss is NaN, which plain JSON cannot say.
LINE: TypeAdapter[Line] = TypeAdapter(Line, config=ConfigDict(ser_json_inf_nan="strings"))
