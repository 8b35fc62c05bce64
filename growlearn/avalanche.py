"""Branch growth for anyone's Avalanche script: `from growlearn.avalanche import BranchGrowth`.

Import it before Avalanche itself: it mends a torchvision that cannot find its own operators.
"""

from __future__ import annotations

from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.adapters.avalanche.strategy import BranchGrowth
from growlearn.domain.job import GrowthSpec, ModelSpec

__all__ = ["BranchGrowth", "GrowingClassifier", "GrowthSpec", "ModelSpec"]
