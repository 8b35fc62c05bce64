"""Examples to store: each leaves no field at its default where another value could be lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.environment import TrainingEnvironment
from growlearn.domain.evaluation import Evaluation, GateResult, TaskReplacement, TaskScore
from growlearn.domain.growth import BranchInit, Epoch, GrowthPlan, GrowthResult, ProbeScore
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, Job, RetainPerClass, Schedule, SourceConfig
from growlearn.domain.lineage import (
    BranchRecord,
    BranchState,
    BranchWeights,
    Manifest,
    Task,
    TaskHead,
    Version,
)
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection, PairedComparison
from growlearn.domain.refinement_score import LossChange, RefinementScore
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import Claim, Verdict, Window, WindowState

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

JOB = Job(
    name="digits",
    source=SourceConfig(url="/data/ziffern-äöü", pattern="*.parquet", min_file_age_s=0.1),
    schema=Schema(
        inputs={
            "z": InputColumn(type=InputType.NUMBER),
            "image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8)),
            "a": InputColumn(type=InputType.CATEGORY),
        },
        label="y",
        task="regime",
    ),
    schedule=Schedule(cron="0 3 * * 0"),
    holdout=HoldoutFiles(url="/data/test"),
    retain=RetainPerClass(per_class=50),
)
"""A job that leaves no key at its default where another value could be lost."""

_TEST_RESULT = DriftTestResult(
    detector="output-ks", task="task-1", name="7", statistic=0.1 + 0.2, p_value=1e-300,
    threshold=0.005, reference_rows=200, window_rows=100, effect_size=0.7 / 3,
)  # fmt: skip
REPORT = DriftReport(
    verdict=Verdict.DRIFT,
    task="task-2",
    reason="output 7 moved: KS 0.30, p < 0.005",
    alpha=0.05,
    test_results=(
        _TEST_RESULT,
        replace(_TEST_RESULT, name="column age", statistic=0.25, effect_size=-1e-300),
    ),
    correct=90,
    labelled_rows=100,
)

MANIFEST = Manifest(
    stream="digits",
    schema=JOB.schema,
    model=ModelConfig(embed_dim=32, num_heads=2),
    branches=(BranchWeights(id="b1", parent=None, stem="b1", sha256="1" * 64),),
    tasks=(TaskHead(name="task-1", classes=(0, 1, "1", "zwei"), lineage=("b1",), sha256="2" * 64),),
)

PLAN = GrowthPlan(
    stream="digits", window="w1", task="task-2", classes=(0, "0", "null"), parent_manifest=MANIFEST,
    parent_version=1, parent_task="task-1", lineage=("b1",), init=BranchInit.RESIDUAL,
    init_head_from_parent=True, new_branches=("b2",), train="3" * 64, validation="4" * 64,
    holdout="5" * 64, growth=GrowthConfig(epochs=3), seed=2**63 - 1,
    probe_scores=(ProbeScore(task=None, lineage=(), accuracy=1 / 3),),
)  # fmt: skip

CONSOLIDATION = ConsolidationPlan(
    stream="digits", window="w3", parent_manifest=MANIFEST, parent_version=1,
    task_data=(TaskData(task="task-1", train="3" * 64, validation="4" * 64, holdout="5" * 64),),
    new_branches=("b2",), growth=GrowthConfig(epochs=3), max_accuracy_drop=0.1 + 0.2, seed=2**63 - 1,
)  # fmt: skip
"""A plan that has a window of its own, w3."""

FULL = Window(
    stream="digits", number=3, state=WindowState.GROWING, source="consolidation", discovered_at=AT,
    updated_at=AT, verdict=Verdict.FULL, reason="1 branch of at most 1",
)  # fmt: skip
"""That window, as it is opened."""

_EPOCH = Epoch(epoch=1, train_loss=float("inf"), validation_loss=2.25, validation_accuracy=0.5, seconds=1.5)
RESULT = GrowthResult(
    branches=(BranchWeights(id="b2", parent="b1", stem="b2", sha256="6" * 64),),
    branch_parameters=(12345,), head="7" * 64, initial_head="8" * 64, lineage=("b1", "b2"),
    epochs=(_EPOCH,), best_epoch=1, initial_loss=float("inf"), best_loss=2.25, prefix_losses=(2.5, 2.25),
    train_rows=80, validation_rows=20, seconds=3.5, peak_memory_bytes=2**33, threads=2, seed=7,
    environment=TrainingEnvironment(
        growlearn="0.1.0", commit=None, code_sha256="a" * 64, python="3.11.9",
        packages={"torch": "2.13.0+cpu", "numpy": "2.4.6"}, packages_sha256="b" * 64, platform="Linux",
        cpu="EPYC", cpu_capability="AVX2", threads=2, device="cpu",
    ),
    check_logits="9" * 64, replaced_tasks=("task-1",),
)  # fmt: skip
"""A growth whose training diverged once: its losses are not all finite."""

_LOSS_CHANGE = LossChange(
    rows=9, loss_before=0.1 + 0.2, loss_after=0.25, p_decrease=1e-9, p_increase=1.0,
    accuracy_before=7 / 9, accuracy_after=8 / 9, p_accuracy_drop=0.5,
)  # fmt: skip
EVALUATION = Evaluation(
    task="task-2",
    task_scores=(
        TaskScore(task="task-2", correct=19, rows=20, logits_sha256="6" * 64),
        TaskScore(task="task-1", correct=7, rows=9),
    ),
    initial=TaskScore(task="task-2", correct=2, rows=20),
    chance_level=1 / 3,
    single_task=TaskScore(task="task-2", correct=18, rows=20),
    routed=(TaskScore(task="task-2", correct=17, rows=20), TaskScore(task="task-1", correct=6, rows=9)),
    replacement=TaskReplacement(
        tasks=("task-1",), windows=("w2",), task_scores=(TaskScore(task="task-2", correct=30, rows=31),)
    ),
    refinement=RefinementScore(earlier=_LOSS_CHANGE, new=None, both=_LOSS_CHANGE, alpha=0.05),
)

_CANDIDATES = tuple(
    Candidate(
        kind=kind, task_score=TaskScore(task="task-1", correct=correct, rows=10, logits_sha256="5" * 64),
        parameters=100, branches=1, seconds=2.5,
    )
    for kind, correct in ((CandidateKind.NEW_HEAD, 7), (CandidateKind.BRANCH, 8))
)  # fmt: skip
_COMPARISON = PairedComparison(
    smaller=CandidateKind.NEW_HEAD, larger=CandidateKind.BRANCH, only_larger_correct=2,
    only_smaller_correct=1, rows=10, difference=0.1, low=-0.2, high=0.4, p_value=0.5, outperformed=False,
)  # fmt: skip
MODEL_SELECTION = ModelSelection(
    candidates=_CANDIDATES, comparisons=(_COMPARISON,), alpha=0.05, selected=CandidateKind.NEW_HEAD
)

_GATE = GateResult(gate="gain", value=0.85, threshold=0.0, passed=True, reason="gained 0.85")
GATES = (_GATE, replace(_GATE, gate="forgetting", value=-0.0, passed=False))

VERSION = Version(
    stream="digits", number=1, parent=None, window="w1", branches=("b1", "b2"), tasks=("task-1",),
    parameters=2**40, average_accuracy=0.1 + 0.2, manifest=MANIFEST, created_at=AT,
)  # fmt: skip

BRANCH = BranchRecord(
    stream="digits", id="b1", parent=None, stem="b1", task="task-1", window="w1", version=1,
    parameters=12345, sha256="1" * 64, state=BranchState.ACCEPTED, created_at=AT,
)  # fmt: skip

TASK = Task(
    stream="digits", name="task-1", classes=(0, 1, "zwei"), lineage=("b1",), head="2" * 64,
    holdout="3" * 64, reference_rows="4" * 64, window="w1", version=1,
)  # fmt: skip

ADA = Claim(stream="digits", window="w1", worker="ada", number=1)
"""The first claim of w1."""
