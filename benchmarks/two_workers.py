"""Two workers of one thread each: branches spread over them, against one worker and against two pipelines.

Width 192, 8 branches of 2 layers, 32 images, one answer and one training step each. The pipelines,
torch.distributed.pipelining and FairScale's Pipe, run a ViT of the same 16 layers in two stages of 8, with
the best of 1, 2, 4 and 8 micro-batches. All sides take turns in the same two processes (FairScale's two
workers are threads of the first). FairScale is optional: pip install -e '.[benchmarks]'.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from branch_parallel import BranchShard, gather_features, launch_workers, train_step
from deep_and_wide import BRANCHES, Deep, deep, images, parameters, spec_of, stages, wide
from results import publish
from torch import Tensor, distributed, nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.ingest.rows import Rows
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.network import GrowingNetwork

WIDTH, ROWS, PIECES = 192, 32, (1, 2, 4, 8)
ONE, ONE_VIT, TWO = "one worker, branches", "one worker, ViT", "two workers, branches spread"
PIPELINING, FAIRSCALE = "torch.distributed.pipelining", "FairScale Pipe"

Way = Callable[[], Any]


def main() -> None:
    """Run both workers, then print the table of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, nargs=2, default=(11, 5), help="of answers and of steps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        launch_workers(measure, 2, 1, str(Path(folder) / "times"), tuple(options.repeats))
        times = json.loads((Path(folder) / "times").read_text())
    table = ["| | way | median ms | two spread workers are faster by |", "| --- | --- | --- | --- |"]
    for what, medians in times.items():
        mine = medians[TWO]
        for name, median in medians.items():
            table.append(f"| {what} | {name} | {median * 1e3:.1f} | {median / mine:.2f} |")
    rows = images(ROWS)
    publish(
        "two_workers",
        "Two workers against one, and against pipelines",
        table,
        f"Width {WIDTH}, {ROWS} images of 49 tokens, one thread a worker, "
        f"{parameters(wide(spec_of(WIDTH), rows)):,} parameters "
        f"(ViT {parameters(deep(spec_of(WIDTH), rows)):,}); a step is forward, backward and AdamW, ours "
        f"on the mean loss of all 8 prefixes; medians of {options.repeats[0]} answers and "
        f"{options.repeats[1]} steps, all ways in turn{_without_fairscale()}",
    )


def _without_fairscale() -> str:
    return "" if _fairscale() else "; FairScale's rows are missing: pip install -e '.[benchmarks]'"


def _fairscale() -> Any:
    try:
        from fairscale.nn import Pipe  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return Pipe


def measure(out: str, repeats: tuple[int, int]) -> None:
    """What each of the two processes does; the first writes the medians."""
    rank = distributed.get_rank()
    rows = images(ROWS)
    vit, ours = deep(spec_of(WIDTH), rows), wide(spec_of(WIDTH), rows)
    inputs = vit.stem.encode(rows)
    targets = torch.tensor([int(label) for label in rows.labels])
    answers, steps = _ours(ours, inputs, targets)
    for more in (
        _vit_alone(vit, inputs, targets),
        _pipelining(rows, inputs, targets),
        _pipe(rows, inputs, targets),
    ):
        answers |= more[0]
        steps |= more[1]
    found = {"answer": _in_turn(answers, repeats[0]), "training step": _in_turn(steps, repeats[1])}
    if rank == 0:
        Path(out).write_text(json.dumps(found), encoding="utf-8")
    distributed.barrier()
    sys.stdout.flush()
    os._exit(0)  # FairScale's threads never end


def _in_turn(ways: Mapping[str, Way], repeats: int) -> dict[str, float]:
    """Medians in seconds, from the moment both workers are ready until both are done."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            distributed.barrier()
            started = time.perf_counter()
            way()
            took = torch.tensor([time.perf_counter() - started])
            distributed.all_reduce(took, distributed.ReduceOp.MAX)
            if repeat >= 1:  # the first turn only warms up
                times[name].append(float(took))
    return _best(times)


def _best(times: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each way; of ways that differ in the number of micro-batches alone, the best one's."""
    medians: dict[str, float] = {}
    chosen: dict[str, str] = {}
    for name, row in times.items():
        kind, _, pieces = name.partition(" x ")
        median = statistics.median(row)
        if median < medians.get(kind, float("inf")):
            medians[kind], chosen[kind] = median, pieces
    return {
        f"{kind}, {chosen[kind]} micro-batches" if chosen[kind] else kind: s for kind, s in medians.items()
    }


def _only_first(way: Way) -> Way:
    """Done by the first worker while the other waits."""
    return way if distributed.get_rank() == 0 else lambda: None


def _optimizer(*modules: nn.Module) -> torch.optim.Optimizer:
    """Steps of a size that leaves the weights nearly as they are."""
    return torch.optim.AdamW(nn.ModuleList(modules).parameters(), lr=1e-6)


def _ours(network: GrowingNetwork, inputs: Any, targets: Tensor) -> tuple[dict[str, Way], dict[str, Way]]:
    rank, world = distributed.get_rank(), distributed.get_world_size()
    branches = [branch for branch in network.branches.values() if isinstance(branch, ResidualBranch)]
    stem, head = network.root_stem, network.head("all")
    assert isinstance(head, Head)
    share = BranchShard(stem, branches[rank::world], head, BRANCHES)
    own, every = _optimizer(stem, *share.branches, head), _optimizer(network)

    def pooled() -> Tensor:
        z = stem(inputs)  # [B, T, D]
        return torch.stack([z.mean(1), *(branch.pooled(z) for branch in branches)], dim=1)

    def step_alone() -> None:
        logits = head.prefix_logits(pooled(), BRANCHES)  # [n, B, C]
        loss = torch.stack([F.cross_entropy(prefix, targets) for prefix in logits]).mean()
        _step(loss, every, network)

    answers: dict[str, Way] = {
        ONE: _only_first(torch.no_grad()(lambda: head(pooled()))),
        TWO: torch.no_grad()(lambda: head(gather_features(share, stem(inputs)))),
    }
    return answers, {ONE: _only_first(step_alone), TWO: lambda: train_step(share, inputs, targets, own)}


def _vit_alone(vit: Deep, inputs: Any, targets: Tensor) -> tuple[dict[str, Way], dict[str, Way]]:
    optimizer = _optimizer(vit)
    answers: dict[str, Way] = {ONE_VIT: _only_first(torch.no_grad()(lambda: vit(inputs)))}
    steps = {ONE_VIT: _only_first(lambda: _step(F.cross_entropy(vit(inputs), targets), optimizer, vit))}
    return answers, steps


def _step(loss: Tensor, optimizer: torch.optim.Optimizer, module: nn.Module) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()


def _pipelining(rows: Rows, inputs: Any, targets: Tensor) -> tuple[dict[str, Way], dict[str, Way]]:
    rank = distributed.get_rank()
    mine = stages(spec_of(WIDTH), rows)[rank]
    optimizer, (pixels,) = _optimizer(mine), inputs.values()
    arguments = (pixels,) if rank == 0 else ()
    goal = {} if rank == 0 else {"target": targets}

    def stage() -> PipelineStage:
        return PipelineStage(mine, rank, 2, torch.device("cpu"))

    def answer(schedule: ScheduleGPipe) -> Way:
        return torch.no_grad()(lambda: schedule.eval(*arguments))

    def step(schedule: Any) -> Way:
        def run() -> None:
            optimizer.zero_grad(set_to_none=True)
            schedule.step(*arguments, **goal)
            optimizer.step()

        return run

    answers = {f"{PIPELINING} x {pieces}": answer(ScheduleGPipe(stage(), pieces)) for pieces in PIECES}
    steps = {
        f"{PIPELINING}, {kind.__name__} x {pieces}": step(kind(stage(), pieces, loss_fn=F.cross_entropy))
        for kind in (ScheduleGPipe, Schedule1F1B)
        for pieces in PIECES
        if kind is ScheduleGPipe or pieces >= 2
    }
    return answers, steps


def _pipe(rows: Rows, inputs: Any, targets: Tensor) -> tuple[dict[str, Way], dict[str, Way]]:
    pipe = _fairscale()
    if pipe is None:
        return {}, {}
    if distributed.get_rank() != 0:
        names = [f"{FAIRSCALE} x {pieces}" for pieces in PIECES]
        return {name: lambda: None for name in names}, {name: lambda: None for name in names}
    (pixels,) = inputs.values()

    def whole(pieces: int) -> nn.Module:
        # Nothing is computed twice to save memory: that would only make it slower.
        parts = nn.Sequential(*stages(spec_of(WIDTH), rows))
        made: nn.Module = pipe(
            parts, balance=[1, 1], devices=["cpu", "cpu"], chunks=pieces, checkpoint="never"
        )
        return made

    answers = {f"{FAIRSCALE} x {pieces}": _piped(whole(pieces).eval(), pixels) for pieces in PIECES}
    steps = {f"{FAIRSCALE} x {pieces}": _piped_step(whole(pieces), pixels, targets) for pieces in PIECES}
    return answers, steps


def _piped(whole: nn.Module, pixels: Tensor) -> Way:
    way: Way = torch.no_grad()(lambda: whole(pixels))
    return way


def _piped_step(whole: nn.Module, pixels: Tensor, targets: Tensor) -> Way:
    optimizer = _optimizer(whole)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(whole(pixels), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return run


if __name__ == "__main__":
    main()
