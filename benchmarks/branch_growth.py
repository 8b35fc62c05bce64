"""Growth on arrays, straight through the training loop: what the other benchmarks share."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fashion_mnist
import numpy as np

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import TaskScore
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.paired_tests import select_smallest_adequate
from growlearn.growth.candidates import plan_candidates
from growlearn.growth.plan import ParentModel, SplitData, empty_manifest, plan_growth
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, from_parquet, hash_rows, object_column, split_rows
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.model_cache import ModelCache
from growlearn.ports import Artifacts

SCHEMA = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 28, 28))})


def make_rows(images: fashion_mnist.Array, labels: fashion_mnist.Array) -> Rows:
    """Arrays as rows."""
    inputs = {"image": images[:, None]}
    return Rows(inputs, object_column([int(label) for label in labels]), None, hash_rows(inputs, SCHEMA))


class GrowingModel:
    """One stream's model, grown task by task in memory."""

    def __init__(self, model: ModelConfig, growth: GrowthConfig, schema: Schema = SCHEMA) -> None:
        self.job = Job(
            name="model", source=SourceConfig(url="memory"), schema=schema, model=model, growth=growth
        )
        self.artifacts: Artifacts = MemoryArtifacts()
        self.manifest: Manifest = empty_manifest(self.job)
        self.plans: list[GrowthPlan] = []
        self.results: list[dict[CandidateKind, GrowthResult]] = []
        self.selections: list[ModelSelection] = []
        self.route = True  # whether the router learns the tasks

    def plan(self, task: str, rows: Rows) -> GrowthPlan:
        """Plan a task, parents scored as in production."""
        at, grown = datetime.now(UTC), len(self.manifest.branches)
        window = Window(
            stream="model",
            number=grown + 1,
            state=WindowState.JUDGED,
            source=task,
            discovered_at=at,
            updated_at=at,
        )
        classes = tuple(sorted(set(rows.labels)))
        parts = replace(
            split_rows(rows, 0.0, self.job.growth.validation_fraction), holdout=rows.take(np.arange(1))
        )
        ground = SplitData(parts, classes)
        base = ParentModel(self.manifest, grown or None)
        store_rows = ModelCache(self.artifacts).store_rows
        return plan_growth(self.job, window, task, ground, base, grown, store_rows, self.load)

    def grow(self, task: str, rows: Rows) -> GrowthResult:
        """Plan, train every branch that the product would, and keep the one that its rule selects.

        The rule reads the validation rows here: a benchmark's growths have no hold-out.
        """
        planned = replace(self.plan(task, rows), train_router=self.route)
        plans = plan_candidates(planned, (CandidateKind.FINE_TUNE,))
        results = {}
        for kind, plan in plans.items():
            with tempfile.TemporaryDirectory() as scratch:
                results[kind] = train_branch(plan, self.artifacts, Path(scratch), lambda _: None)
        alone = (
            results[CandidateKind.AVERAGE].leave_out_frozen() if CandidateKind.AVERAGE in results else None
        )
        if alone is not None:
            plans[CandidateKind.FINE_TUNE] = replace(plans[CandidateKind.AVERAGE], combinations=())
            results[CandidateKind.FINE_TUNE] = alone
        selection = self._select(plans, results)
        first = next(iter(results.values()))  # the router is trained with it
        plan, result = plans[selection.selected], results[selection.selected]
        result = replace(result, router=first.router)
        self.manifest = result.build_manifest(plan)
        self.plans.append(plan)
        self.results.append(results)
        self.selections.append(selection)
        return result

    def _select(
        self, plans: Mapping[CandidateKind, GrowthPlan], results: Mapping[CandidateKind, GrowthResult]
    ) -> ModelSelection:
        candidates, correct = [], {}
        for kind, plan in plans.items():
            rows = from_parquet(self.artifacts.get(plan.validation), self.job.schema)
            logits = self.load(results[kind].build_manifest(plan)).logits(rows, plan.task)
            correct[kind] = np.array(plan.classes, dtype=object)[logits.argmax(1)] == rows.labels
            score = TaskScore(task=plan.task, correct=int(correct[kind].sum()), rows=len(rows))
            candidates.append(
                Candidate(
                    kind=kind, task_score=score, parameters=results[kind].parameters,
                    branches=len(results[kind].lineage), seconds=results[kind].seconds,
                    validation_loss=results[kind].validation_loss, init=plan.init,
                    combination=results[kind].combination,
                )
            )  # fmt: skip
        return select_smallest_adequate(candidates, correct, self.job.baseline_comparison.alpha)

    def load(self, manifest: Manifest) -> GrowingNetwork:
        """The network of a manifest."""
        return load_network(manifest, self.artifacts.get)

    def accuracy(self, task: str, rows: Rows) -> float:
        """Accuracy on rows of a task."""
        classes = np.array(self.manifest.task(task).classes)
        guesses = classes[self.load(self.manifest).logits(rows, task).argmax(1)]
        return float((guesses == rows.labels).mean())
