"""From an evaluated candidate to the champion, a challenger, or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import GateConfig, RegistryConfig
from growlearn.domain.lineage import BranchState, Manifest
from growlearn.domain.window import Verdict, WindowState
from growlearn.network.model import weights
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, NO_BASELINES, World


def test_a_candidate_that_fails_a_gate_is_rejected(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(JOB, gates=GateConfig(max_parameters=10)))
    window = world.send("1.parquet", digits[0][:400], digits[1][:400])
    assert window.state is WindowState.REJECTED
    assert world.store.stream("digits").champion is None
    assert not world.store.versions("digits")
    assert [branch.state for branch in world.store.branches("digits")] == [BranchState.REJECTED]


def test_a_manual_promotion_waits_as_challenger_and_is_the_parent_of_growth(
    tmp_path: Path, digits: Digits
) -> None:
    world = World(tmp_path, replace(JOB, registry=RegistryConfig(promote="manual")))
    assert world.send("1.parquet", digits[0][:400], digits[1][:400]).state is WindowState.PENDING_APPROVAL
    stream = world.store.stream("digits")
    assert (stream.champion, stream.challenger, stream.parent_version) == (None, 1, 1)
    assert world.send("2.parquet", digits[0][400:700], digits[1][400:700]).verdict is Verdict.STABLE


def test_a_candidate_with_a_changed_frozen_branch_never_becomes_champion(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits
    world = World(tmp_path, replace(JOB, baseline_comparison=NO_BASELINES))
    world.send("1.parquet", images[:400], labels[:400])
    build_manifest = GrowthResult.build_manifest

    def build_changed(result: GrowthResult, plan: GrowthPlan) -> Manifest:
        """The candidate with its frozen root branch trained a little, as a bug would."""
        manifest = build_manifest(result, plan)
        if not plan.parent_manifest.branches:
            return manifest
        root = weights.load_weights(world.artifacts.get(manifest.branches[0].sha256))
        root["branch.layers.0.mlp_out.bias"][0] += 1e-3
        changed = replace(manifest.branches[0], sha256=world.artifacts.put(weights.dump_weights(root)))
        return replace(manifest, branches=(changed, *manifest.branches[1:]))

    monkeypatch.setattr(GrowthResult, "build_manifest", build_changed)
    window = world.send("2.parquet", 255 - images[400:800], labels[400:800])
    assert (window.verdict, window.state) == (Verdict.DRIFT, WindowState.REJECTED)
    assert "no longer equal bit for bit on cpu: 'task-1'" in (window.reason or "")
    assert world.store.stream("digits").champion == 1
