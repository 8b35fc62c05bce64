"""Branch growth for anyone's Avalanche script: `from growlearn.avalanche import BranchGrowth`.

Import it before Avalanche itself: it works around a torchvision whose operators do not load.
"""

from __future__ import annotations

from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.adapters.avalanche.strategy import BranchGrowth
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig

__all__ = ["BranchGrowth", "GrowingClassifier", "GrowthConfig", "ModelConfig"]
