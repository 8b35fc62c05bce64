"""Branch growth beside Avalanche's own strategies, each on all rows.

Split Fashion-MNIST, 12,000 rows a task, without task ids and, if asked for, with them. Every method trains
the same network (a stem, a branch, a head; growth and PNN one a task) by the same learning rates: one cycle,
which a plateau of the validation loss ends. Learning rate and what else a strategy asks for are chosen on
seed 0, by its accuracy on validation rows after training on a tenth of the rows. Finished runs are kept as
JSON lines, so that an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from avalanche_streams import ALL_ROWS, NUM_TASKS, make_streams
from baselines import BASELINES, NEEDS_IDS, Baseline, make_evaluator, make_strategy
from results import publish

from growlearn.avalanche import BranchGrowth, GrowthConfig, ModelConfig

OURS = "GrowLearn"
METHODS = {OURS: Baseline(BranchGrowth), **BASELINES}
LEARNING_RATES = (1e-3, 3e-3)


@dataclass(frozen=True)
class Case:
    """One training of one method: its rows a task, and which rows it is scored on."""

    method: str
    ids: bool
    seed: int
    rows: int
    scored_on: str  # choice or test
    choice: dict[str, float]
    epochs: int


class Runs:
    """Results by case, in a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._results: dict[str, dict[str, Any]] = {
            line["case"]: line["result"] for line in map(json.loads, lines)
        }

    def get(self, case: Case) -> dict[str, Any]:
        """The kept result of a case, or a new one."""
        key = json.dumps(asdict(case), sort_keys=True)
        if key not in self._results:
            self._results[key] = result = run(case)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"case": key, "result": result}) + "\n")
            print(f"{key}: {result['accuracy']:.2%} in {result['cpu_s']:.0f} s", flush=True)
        return self._results[key]


def run(case: Case) -> dict[str, Any]:
    """Train experience after experience, and answer the rows that are scored at the end."""
    torch.manual_seed(case.seed)
    streams = make_streams(ids=case.ids, seed=case.seed, rows=case.rows)
    options = {name: value for name, value in case.choice.items() if name != "learning_rate"}
    training = GrowthConfig(
        init="warm_start", epochs=case.epochs, learning_rate=case.choice["learning_rate"], seed=case.seed
    )
    if case.method == OURS:
        strategy = BranchGrowth(growth=training, evaluator=make_evaluator())
    else:
        strategy = make_strategy(case.method, ModelConfig(), training, options, streams)
    experiences = list(streams["train" if case.method == OURS else "fit"])
    started = time.process_time()
    for experience in [experiences] if case.method == "Joint" else experiences:
        strategy.train(experience, eval_streams=[])
    cpu_s = time.process_time() - started
    accuracies = _compute_accuracies(strategy, streams[case.scored_on], case.scored_on)
    return {
        "accuracy": statistics.fmean(accuracies),
        "accuracies": accuracies,
        "cpu_s": cpu_s,
        "steps": strategy.clock.train_iterations,
        "parameters": sum(parameter.numel() for parameter in strategy.model.parameters()),
    }


def _compute_accuracies(strategy: Any, stream: Any, name: str) -> list[float]:
    results = strategy.eval(stream)
    values = {key: value for key, value in results.items() if f"Acc_Exp/eval_phase/{name}_stream" in key}
    return [
        next(value for key, value in values.items() if key.endswith(f"Exp{number:03d}"))
        for number in range(NUM_TASKS)
    ]


def choose(runs: Runs, method: str, epochs: int, rows: int) -> dict[str, float]:
    """The best choice of seed 0: the learning rate first, then what else there is.

    A strategy with a memory chooses without task ids, where it needs the memory; the others with them.
    """
    baseline = METHODS[method]
    first = {name: values[0] for name, values in baseline.choices.items()}

    def accuracy(choice: dict[str, float]) -> float:
        ids = not baseline.memory_rows
        return float(runs.get(Case(method, ids, 0, rows, "choice", choice, epochs))["accuracy"])

    best = max(({"learning_rate": rate, **first} for rate in LEARNING_RATES), key=accuracy)
    others = product(*baseline.choices.values())
    return max(
        ({**best, **dict(zip(baseline.choices, values, strict=True))} for values in others), key=accuracy
    )


def make_table(
    runs: Runs, choices: dict[str, dict[str, float]], epochs: int, seeds: int, settings: tuple[bool, ...]
) -> Iterator[str]:
    """A row a method: accuracy, distance to joint training and seconds by setting (task ids or none)."""
    means = {
        (method, ids): _mean(runs, method, ids, choices[method], epochs, seeds)
        for ids, method in product(settings, METHODS)
        if ids or method not in NEEDS_IDS
    }
    head = [
        name for ids in settings for name in ("task id given" if ids else "no task id", "to Joint", "CPU s")
    ]
    yield "| strategy | rows stored | " + " | ".join([*head, "parameters"]) + " |"
    yield "| --- |" + " --- |" * (len(head) + 2)
    for method, baseline in METHODS.items():
        told = [mean for ids in settings if (mean := means.get((method, ids))) is not None]
        if not told:
            continue
        row = [method, "all" if method == "Joint" else f"{baseline.memory_rows:,}"]
        for ids in settings:
            mean = means.get((method, ids))
            if mean is None:
                row += ["-", "-", "-"]
                continue
            distance = (mean["accuracy"] - means["Joint", ids]["accuracy"]) * 100
            row += [
                f"{mean['accuracy']:.2%} ± {mean['spread'] * 100:.2f}",
                f"{distance:+.2f}",
                f"{mean['cpu_s']:.0f}",
            ]
        yield "| " + " | ".join([*row, f"{told[-1]['parameters']:,}"]) + " |"


def _mean(
    runs: Runs, method: str, ids: bool, choice: dict[str, float], epochs: int, seeds: int
) -> dict[str, Any]:
    cases = [Case(method, ids, seed, ALL_ROWS, "test", choice, epochs) for seed in range(seeds)]
    results = [runs.get(case) for case in cases]
    accuracies = [result["accuracy"] for result in results]
    return {
        "accuracy": statistics.fmean(accuracies),
        "spread": statistics.stdev(accuracies) if seeds > 1 else 0.0,
        "cpu_s": statistics.fmean(result["cpu_s"] for result in results),
        "parameters": results[0]["parameters"],
    }


def main() -> None:
    """Choose, run seed after seed, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="at most, for each experience")
    parser.add_argument("--ids", action="store_true", help="with task ids too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("avalanche-baselines-run"), metavar="FOLDER")
    options = parser.parse_args()
    for noise in ("No loggers specified", "Call to deprecated function update"):
        warnings.filterwarnings("ignore", noise)
    torch.set_num_threads(options.threads)
    options.keep.mkdir(parents=True, exist_ok=True)
    runs = Runs(options.keep / "runs.jsonl")
    settings = (False, True) if options.ids else (False,)
    methods = [method for method in METHODS if options.ids or method not in NEEDS_IDS]
    choices = {method: choose(runs, method, options.epochs, ALL_ROWS // 10) for method in methods}
    for seeds in range(1, options.seeds + 1):  # seed by seed, so that an interrupted run compares all methods
        table = list(make_table(runs, choices, options.epochs, seeds, settings))
    told = "; ".join(
        f"{method} " + ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in choice.items())
        for method, choice in choices.items()
    )
    publish(
        "avalanche_baselines",
        "Branch growth beside Avalanche's strategies, each on all rows",
        table,
        f"Split Fashion-MNIST, {ALL_ROWS:,} rows a task, the data set's own 10,000 test rows; mean ± "
        f"standard deviation of {options.seeds} seeds; CPU seconds of the whole training, {options.threads} "
        f"thread(s). At most {options.epochs} epochs an experience (GDumb 30 on its memory) on one cycle of "
        "the rate, which ends where the loss on a tenth of the rows stops falling (for a strategy with a "
        "memory, on those of all tasks so far). Chosen on validation rows of seed 0, after training on "
        f"{ALL_ROWS // 10:,} rows a task: {told}",
        f"avalanche_baselines.py --epochs {options.epochs} --seeds {options.seeds}" + " --ids" * options.ids,
    )


if __name__ == "__main__":
    main()
