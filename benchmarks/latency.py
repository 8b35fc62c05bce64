"""Answering time of 8 branches of 2 layers against a ViT of the same 16 layers, for one row and for 256.

Both have the same stem, layers and head, and take the mean over tokens before the last linear map. From
encoded images to logits, all ways in turn, one process. Compiled rows need a C++ compiler.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from deep_and_wide import Deep, deep, images, parameters, spec_of, wide
from results import publish
from torch import Tensor

from growlearn.domain.execution import Execution
from growlearn.ingest.rows import Rows
from growlearn.network.model.execution.choice import AutoExecutor
from growlearn.network.model.network import GrowingNetwork

WIDTH = 64
RUNS = (8, 16, 32, 256)  # rows at a time, of which the ViT takes the fastest
VIT, VIT_RUNS, COMPILED, VIT_COMPILED = "ViT", "ViT, {} rows at a time", "stacked, compiled", "ViT, compiled"

Way = Callable[[], Tensor]


def main() -> None:
    """Measure both batch sizes with one and two threads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, nargs=2, default=(300, 50), help="for 1 row and for 256")
    parser.add_argument("--threads", type=int, nargs="*", default=(1, 2))
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    rows = images(256)
    vit, ours = deep(spec_of(WIDTH), rows).eval(), wide(spec_of(WIDTH), rows).eval()
    compiled = not options.no_compile and shutil.which("c++") is not None
    table = ["| rows | threads | way | median ms | times as fast as ViT |", "| --- | --- | --- | --- | --- |"]
    with torch.no_grad():
        for count, repeats in zip((1, 256), options.repeats, strict=True):
            few = rows.take(np.arange(count))
            for threads in options.threads:
                torch.set_num_threads(threads)
                ways, choice = ways_of(vit, ours, few, compiled and count == 1)
                table += report(count, threads, in_turn(ways, repeats), choice)
    publish(
        "latency",
        "Answering time against a ViT of equal size",
        table,
        f"Width {WIDTH}, 49 tokens, {parameters(ours):,} parameters (ViT {parameters(vit):,}), random "
        f"weights, from encoded images to logits; medians of {options.repeats[0]} repeats for one row and "
        f"{options.repeats[1]} for 256, all ways in turn; the ViT at 256 rows runs as many at a time as is "
        "fastest for it; compiled is compared with compiled",
    )


def ways_of(vit: Deep, ours: GrowingNetwork, rows: Rows, compiled: bool) -> tuple[dict[str, Way], str]:
    """Every way to answer these rows, and the plan that growlearn's own measurement picks for them."""
    inputs = vit.stem.encode(rows)
    run = 1 if len(rows) == 1 else min(RUNS, key=lambda run: median_s(lambda: vit.in_runs(inputs, run), 3))
    name = VIT if len(rows) <= run else VIT_RUNS.format(run)
    ways: dict[str, Way] = {name: lambda: vit.in_runs(inputs, run)}
    answers = {how: answer_by(ours, how, rows) for how in ("loop", "stacked")}
    ways |= {how: partial(answer, inputs) for how, answer in answers.items()}
    ours.set_execution(Execution.AUTO, rows.take(np.arange(1)))
    assert isinstance(ours.executor, AutoExecutor)
    choice = ours.executor.names[0 if len(rows) == 1 else 1]
    if compiled:
        torch._dynamo.reset()
        ways[VIT_COMPILED] = partial(torch.compile(vit, dynamic=False), inputs)
        ways[COMPILED] = partial(torch.compile(answers["stacked"], dynamic=False), inputs)
    expected = answers["loop"](inputs)
    for name, way in ways.items():
        if not name.startswith("ViT"):
            assert (way() - expected).abs().max() < 1e-5, name
    return ways, choice


def answer_by(ours: GrowingNetwork, how: str, rows: Rows) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """Encoded images -> logits by a plan."""
    ours.set_execution(Execution(how), rows)
    plan, lineage, head = ours.executor, ours.lineages[0], ours.head("all")
    stem, owner = ours.root_stem, ours.get_stem_id(lineage)

    def answer(inputs: Mapping[str, Tensor]) -> Tensor:
        z = stem(dict(inputs))  # [B, T, D]
        logits: Tensor = head(torch.stack([z.mean(1), *plan({owner: z}, lineage)], dim=1))
        return logits

    return answer


def in_turn(ways: Mapping[str, Way], repeats: int) -> dict[str, float]:
    """Median time of each way in seconds; they take turns, so that a busy moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 2):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if repeat >= 2:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(row) for name, row in times.items()}


def median_s(way: Way, repeats: int) -> float:
    """Median time of one way alone."""
    return in_turn({"": way}, repeats)[""]


def report(rows: int, threads: int, medians: Mapping[str, float], choice: str) -> list[str]:
    """Lines of the table; all against the first, the ViT, but compiled against compiled."""
    plain = next(iter(medians.values()))
    lines = []
    for name, median in medians.items():
        base = medians[VIT_COMPILED] if name in (COMPILED, VIT_COMPILED) else plain
        note = ", chosen by measurement" if name == choice else ""
        lines.append(f"| {rows} | {threads} | {name}{note} | {median * 1e3:.2f} | {base / median:.2f} |")
    print("\n".join(lines), flush=True)
    return lines


if __name__ == "__main__":
    main()
