"""A stream that reaches its branch budget, from the command line, in SQLite and MLflow."""

from __future__ import annotations

from typing import Any

import mlflow
import pandas as pd
import pytest

FULL = """\
retain: all
consolidation: {target_branches: 1, max_accuracy_drop: 0.2}
"""


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")  # MLflow's, of its own hints
def test_a_full_model_is_consolidated_shown_exported_and_left_again(place: Any) -> None:
    job = place.folder / "blobs.yaml"
    budget = job.read_text().replace("num_heads: 2}", "num_heads: 2, max_branches: 2}")
    job.write_text(budget + FULL)
    place.drop("1.parquet", turned=False, seed=1)
    place.drop("2.parquet", turned=True, seed=2)
    done = place.growlearn("run", "blobs.yaml")
    assert done.code == 0, done.err
    windows = place.growlearn("windows", "blobs", "--json").json["windows"]
    assert [(w["state"], w["verdict"], w["source"][-13:]) for w in windows][2:] == [
        ("promoted", "full", "consolidation")
    ]
    branches = place.growlearn("lineage", "blobs", "--json").json["branches"]
    assert [(b["id"], b["task"], b["version"]) for b in branches] == [
        ("b1", "task-1", 1),
        ("b2", "task-2", 2),
        ("b3", "task-1, task-2", 3),
    ]
    last = place.growlearn("versions", "blobs", "--json").json["versions"][-1]
    assert (last["branches"], last["mlflow_version"]) == (["b3"], "3")

    exported = place.growlearn("export", "blobs", "3", "model")
    assert exported.code == 0, exported.err
    answers = mlflow.pyfunc.load_model(str(place.folder / "model")).predict(
        pd.DataFrame({"x": [0.0, 3.0, 6.0, 6.0], "y": [0.0, 0.0, -3.0, 0.0]})
    )
    assert list(answers["prediction"]) == [0, 1, 0, 1]
    assert list(answers["task"]) == ["task-1", "task-1", "task-2", "task-2"]

    back = place.growlearn("rollback", "blobs")
    assert back.out.splitlines() == [
        "blobs: verified: 2 tasks give their stored logits to the last bit on cpu",
        "blobs: champion version 3 -> version 2",
    ]
    asked = place.growlearn("consolidate", "blobs")
    assert (asked.code, asked.out.startswith("blobs: w4 opened, 2 branches of at most 2")) == (0, True), (
        asked.err
    )
