"""Sixteen branches distilled into four: what each of sixteen tasks loses, by seed.

Sixteen windows, each with rows of its own: four groups of classes that are hard to tell apart or easy, each
as is, rotated by 90 degrees, inverted, and with permuted pixels. The test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import fashion_mnist
import numpy as np
import torch
from branch_growth import GrowingModel, make_rows
from results import publish

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import ConsolidationConfig, GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.growth.distillation import consolidate_branches
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows
from growlearn.registry.json_codec import from_json, to_json

GROUPS = ((0, 6), (2, 4), (1, 3, 8), (5, 7, 9))
DOMAINS = ("as is", "rotated", "inverted", "permuted")


@dataclass(frozen=True)
class Grown:
    """A model as it grows, task after task, and the seconds it took."""

    manifest: Manifest
    plans: tuple[GrowthPlan, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """Accuracy by task on test rows before and after, parameters, and seconds of each side."""

    before: dict[str, float]
    after: dict[str, float]
    parameters: tuple[int, int]
    seconds: tuple[float, float]

    def losses(self) -> dict[str, float]:
        """What each task lost, in points."""
        return {task: 100 * (self.before[task] - self.after[task]) for task in self.before}


def main() -> None:
    """Grow and consolidate with each seed; print and keep the table."""
    spec = ConsolidationConfig()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1000, help="of each task")
    parser.add_argument("--growth-epochs", type=int, default=GrowthConfig().max_epochs)
    parser.add_argument("--epochs", type=int, default=spec.epochs, help="of the consolidation")
    parser.add_argument("--branches", type=int, default=spec.target_branches, help="that are left")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, help="a folder for unfinished work, taken up there by the next run"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = [measure(seed, options, (options.keep or Path(scratch))) for seed in range(options.seeds)]
    publish(
        "consolidation",
        f"{len(GROUPS) * len(DOMAINS)} branches distilled into {options.branches}",
        table(outcomes),
        f"{options.rows} rows a task, all of them kept, width {ModelConfig().embed_dim}, "
        f"growth {options.growth_epochs} and consolidation {options.epochs} epochs, {options.seeds} seeds, "
        f"{options.threads} threads; accuracy on the data set's own test rows, losses in points",
    )


def table(outcomes: list[Outcome]) -> list[str]:
    """A row a task, means over seeds, and the whole below."""
    lines = [
        "| task | 16 branches | consolidated | lost, mean | lost, by seed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task in outcomes[0].before:
        lost = [outcome.losses()[task] for outcome in outcomes]
        before = statistics.fmean(outcome.before[task] for outcome in outcomes)
        after = statistics.fmean(outcome.after[task] for outcome in outcomes)
        by_seed = ", ".join(f"{points:+.2f}" for points in lost)
        lines.append(f"| {task} | {before:.2%} | {after:.2%} | {statistics.fmean(lost):+.2f} | {by_seed} |")
    before = statistics.fmean(share for outcome in outcomes for share in outcome.before.values())
    after = statistics.fmean(share for outcome in outcomes for share in outcome.after.values())
    lines.append(f"| mean | {before:.2%} | {after:.2%} | {100 * (before - after):+.2f} | |")
    worst = ", ".join(f"{max(outcome.losses().values()):+.2f}" for outcome in outcomes)
    lines.append(f"| worst task | | | | {worst} |")
    grown, left = (statistics.fmean(outcome.parameters[side] for outcome in outcomes) for side in (0, 1))
    lines.append(f"| parameters | {grown:,.0f} | {left:,.0f} | | |")
    return lines


def measure(seed: int, options: argparse.Namespace, keep: Path) -> Outcome:
    """Grow the sixteen tasks, consolidate, and ask both models for every task's test rows."""
    folder = keep / f"{options.rows}-{options.growth_epochs}-{options.epochs}-{options.branches}-seed-{seed}"
    done = folder / "outcome.json"
    if done.exists():
        kept: Outcome = from_json(done.read_bytes(), Outcome)
        return kept
    model = GrowingModel(ModelConfig(), GrowthConfig(epochs=options.growth_epochs, seed=seed))
    model.artifacts = FileArtifacts(folder / "artifacts")
    grown = grow_all(model, options.rows, folder)
    test = tasks(fashion_mnist.load("t10k"), None, seed)
    before, size = measure_accuracy(model, test)
    plan = ConsolidationPlan(
        stream="model",
        window="w17",
        parent_manifest=model.manifest,
        parent_version=16,
        task_data=tuple(
            TaskData(task=each.task, train=each.train, validation=each.validation, holdout=each.holdout)
            for each in grown.plans
        ),
        new_branches=tuple(f"b{17 + i}" for i in range(options.branches)),
        growth=replace(model.job.growth, epochs=options.epochs, patience=options.epochs),
        max_accuracy_drop=ConsolidationConfig().max_accuracy_drop,
        seed=seed,
    )
    result = consolidate_branches(
        plan, model.artifacts, folder, lambda progress: print(f"seed {seed}: {progress}", flush=True)
    )
    model.manifest = result.build_manifest(plan)
    after, smaller = measure_accuracy(model, test)
    seconds = sum(epoch.seconds for epoch in result.epochs)
    outcome = Outcome(before, after, (size, smaller), (grown.seconds, seconds))
    done.write_bytes(to_json(outcome, Outcome))
    print(f"seed {seed}: lost {outcome.losses()}, {result.branches}, {result.heads}", flush=True)
    return outcome


def grow_all(model: GrowingModel, rows: int, folder: Path) -> Grown:
    """Grow every task; after each the model is kept, so that an interrupted run goes on there."""
    kept = folder / "grown.json"
    grown = Grown(model.manifest, (), 0.0)
    if kept.exists():
        grown = from_json(kept.read_bytes(), Grown)
    train = tasks(fashion_mnist.load("train"), rows, model.job.growth.seed)
    for task, window in list(train.items())[len(grown.plans) :]:
        model.manifest = grown.manifest
        started = time.perf_counter()
        plan = replace(model.plan(task, window), train_router=False)  # every task is named here
        with tempfile.TemporaryDirectory() as scratch:
            result = train_branch(plan, model.artifacts, Path(scratch), lambda _: None)
        seconds = time.perf_counter() - started
        print(f"{task}: {plan.init} {plan.parent_task}, {seconds:.1f} s", flush=True)
        grown = Grown(result.build_manifest(plan), (*grown.plans, plan), grown.seconds + seconds)
        kept.write_bytes(to_json(grown, Grown))
    model.manifest = grown.manifest
    return grown


def measure_accuracy(model: GrowingModel, test: dict[str, Rows]) -> tuple[dict[str, float], int]:
    """Accuracy by task, and the parameters of the whole model."""
    network = model.load(model.manifest)
    accuracy = {}
    for task, rows in test.items():
        guesses = np.array(model.manifest.task(task).classes)[network.logits(rows, task).argmax(1)]
        accuracy[task] = float((guesses == rows.labels).mean())
    return accuracy, sum(parameter.numel() for parameter in network.parameters())


def tasks(
    part: tuple[fashion_mnist.Array, fashion_mnist.Array], rows: int | None, seed: int
) -> dict[str, Rows]:
    """Rows by task, domain after domain; where `rows` is given, so many for each, none used twice."""
    images, labels = part
    made = {}
    for place, domain in enumerate(DOMAINS):
        for group in GROUPS:
            own = np.random.default_rng(seed).permutation(np.flatnonzero(np.isin(labels, group)))
            mine = own if rows is None else own[place * rows : (place + 1) * rows]
            name = f"{domain} {'/'.join(map(str, group))}"
            made[name] = make_rows(seen(domain, images[mine]), labels[mine])
    return made


def seen(domain: str, images: fashion_mnist.Array) -> fashion_mnist.Array:
    """Images [N, 28, 28] as a domain shows them."""
    if domain == "rotated":
        return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    if domain == "inverted":
        return 255 - images
    if domain == "permuted":
        order = np.random.default_rng(0).permutation(images[0].size)
        return images.reshape(len(images), -1)[:, order].reshape(images.shape)
    return images


if __name__ == "__main__":
    main()
