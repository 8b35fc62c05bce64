"""What a step checks before it trains a stored plan."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from growlearn.domain.errors import CorruptArtifact
from growlearn.pipeline.transitions import require_recorded_parent
from tests.unit.consolidated import World


def test_a_plan_whose_model_was_changed_is_not_trained(grown: World) -> None:
    """Swapped classes in the plan of an unfinished window would enter the next version."""
    parent = grown.store.versions("digits")[0]
    plan: Any = grown.store.window_record("digits", "w2").plan
    context: Any = SimpleNamespace(parent=parent, parent_manifest=parent.manifest)
    require_recorded_parent(context, plan)
    head = parent.manifest.tasks[0]
    swapped = replace(parent.manifest, tasks=(replace(head, classes=head.classes[::-1]),))
    with pytest.raises(CorruptArtifact, match="the plan of w2 was changed after it was recorded"):
        require_recorded_parent(context, replace(plan, parent_manifest=swapped))
