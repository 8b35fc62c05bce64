"""Branch growth against Avalanche's own strategies: same rows, same size of network, same seconds.

Ours runs first; each baseline then trains for as many seconds an experience as ours took, on a network
that has as many parameters from the start as ours has at the end. Learning rates and what else a strategy
asks for are chosen on validation rows of seed 0. Finished runs are kept in a file of JSON lines, so that
an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
from avalanche_streams import PROBE_ROWS, STREAMS, TASKS, Sizes, benchmark
from baselines import CLOCKS, KINDS, NEEDS_IDS, Budget, counting, model_for, strategy_for
from results import publish

from growlearn.avalanche import BranchGrowth, GrowthConfig, ModelConfig

OURS = "GrowLearn"
METHODS = (OURS, *KINDS)
RATES = (1e-3, 3e-3)
TITLES = {
    "split": "Split Fashion-MNIST, five tasks of two classes",
    "domains": "Five domains of Fashion-MNIST",
}
CHOSEN_WITHOUT_IDS = ("Replay 2,000", "DER++ 2,000", "GDumb 2,000")
"""Where the choices are made: memories are for streams without task ids, the others for those with."""


@dataclass(frozen=True)
class Case:
    """One training of one method."""

    method: str
    stream: str
    ids: bool
    seed: int
    choice: dict[str, float]
    part: str  # validation or test


@dataclass(frozen=True)
class Setting:
    """What all cases share."""

    model: ModelConfig
    epochs: int
    sizes: Sizes
    clock: str


class Record:
    """Results by case, in a file of JSON lines."""

    def __init__(self, path: Path, setting: Setting) -> None:
        self._path, self._setting = path, setting
        lines = path.read_text().splitlines() if path.exists() else []
        self._results = {line["key"]: line["result"] for line in map(json.loads, lines)}

    def result(self, case: Case) -> dict[str, Any]:
        """The kept result of a case, or a new one."""
        key = self._key(case)
        if key not in self._results:
            budget = None if case.method == OURS else self.result(self._timekeeper(case))
            self._results[key] = run(case, self._setting, budget)
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "result": self._results[key]}) + "\n")
            done = self._results[key]
            print(
                f"{case.part} {case.stream} {'ids' if case.ids else 'no ids'} seed {case.seed} "
                f"{case.method} {case.choice}: {done['accuracy']:.2%} "
                f"in {sum(done['seconds']):.1f} s, {done['steps']} steps",
                flush=True,
            )
        return self._results[key]

    def _key(self, case: Case) -> str:
        return json.dumps([asdict(case), asdict(self._setting)], sort_keys=True)

    def _timekeeper(self, case: Case) -> Case:
        """Our own run on the same rows, whose seconds a baseline gets; at whatever rate there is one."""
        ours = [replace(case, method=OURS, choice={"learning_rate": rate}) for rate in RATES]
        return next((each for each in ours if self._key(each) in self._results), ours[0])


def run(case: Case, setting: Setting, ours: dict[str, Any] | None) -> dict[str, Any]:
    """Train experience after experience; answer probes on the way and the wanted rows at the end."""
    torch.manual_seed(case.seed)
    streams = benchmark(case.stream, case.ids, case.seed, setting.sizes).streams
    if ours is None:
        growth = GrowthConfig(init="warm_start", patience=setting.epochs, seed=case.seed, **case.choice)
        strategy = BranchGrowth(
            model=setting.model, growth=growth, train_epochs=setting.epochs, evaluator=counting()
        )
        budget = None
    else:
        budget = Budget(case.choice["learning_rate"], setting.clock)
        model = model_for(case.method, case.ids, setting.model, ours["parameters"])
        strategy = strategy_for(case.method, model, case.choice, budget)
    seconds, matrix, now = [], [], CLOCKS[setting.clock]
    for number, experience in enumerate(_experiences(case, streams["train"])):
        started = now()
        if budget is not None and ours is not None:
            budget.begin(sum(ours["seconds"]) if case.method == "Joint" else ours["seconds"][number])
        strategy.train(experience, eval_streams=[])
        if budget is not None:
            budget.end()
        seconds.append(now() - started)
        if case.part == "test" and case.method != "Joint":
            matrix.append(_accuracies(strategy, streams["probe"], "probe", number + 1))
    found = _accuracies(strategy, streams[case.part], case.part, TASKS)
    return {
        "accuracy": statistics.fmean(found),
        "accuracies": found,
        "forgetting": _forgetting(matrix),
        "seconds": seconds,
        "steps": 0 if budget is None else budget.steps,
        "parameters": sum(parameter.numel() for parameter in strategy.model.parameters()),
    }


def _experiences(case: Case, stream: Any) -> list[Any]:
    """One experience at a time; all of them together for the joint training."""
    return [list(stream)] if case.method == "Joint" else list(stream)


def _accuracies(strategy: Any, stream: Any, name: str, tasks: int) -> list[float]:
    """Accuracy on the first so many test experiences."""
    results = strategy.eval(list(stream)[:tasks])
    found = {key: value for key, value in results.items() if f"Acc_Exp/eval_phase/{name}_stream" in key}
    return [next(value for key, value in found.items() if key.endswith(f"Exp{n:03d}")) for n in range(tasks)]


def _forgetting(matrix: list[list[float]]) -> float | None:
    """Best past minus current accuracy, mean over all tasks but the last; None for the joint training."""
    if not matrix:
        return None
    last = len(matrix) - 1
    return statistics.fmean(max(row[j] for row in matrix[j:]) - matrix[last][j] for j in range(last))


def choose(record: Record, method: str, stream: str) -> dict[str, float]:
    """The best choice on validation rows of seed 0: the rate first, then what else there is."""
    ids = method not in CHOSEN_WITHOUT_IDS
    extra = {} if method == OURS else KINDS[method][2]
    first = {name: values[0] for name, values in extra.items()}
    tried = [{"learning_rate": rate, **first} for rate in RATES]
    best = _best(record, method, stream, ids, tried)
    more = [{**best, **dict(zip(extra, values, strict=True))} for values in product(*extra.values())]
    return _best(record, method, stream, ids, more)


def _best(
    record: Record, method: str, stream: str, ids: bool, tried: list[dict[str, float]]
) -> dict[str, float]:
    cases = [Case(method, stream, ids, 0, choice, "validation") for choice in tried]
    return max(cases, key=lambda case: record.result(case)["accuracy"]).choice


def cells(record: Record, choices: dict[str, dict[str, float]], stream: str, seeds: range) -> Iterator[str]:
    """The table of one stream, a row a method."""
    yield f"## {TITLES[stream]}"
    yield ""
    head = (
        "task id given",
        "to Joint",
        "no task id",
        "to Joint",
        "forgetting",
        "without id",
        "s",
        "parameters",
    )
    yield "| strategy | " + " | ".join(head) + " |"
    yield "| --- |" + " --- |" * len(head)
    means = {
        (method, ids): mean_of(record, method, stream, ids, choices[method], seeds)
        for method, ids in product(METHODS, (True, False))
        if ids or method not in NEEDS_IDS
    }
    for method in METHODS:
        row = [method]
        for ids in (True, False):
            found = means.get((method, ids))
            row += ["-", "-"] if found is None else [
                f"{found['accuracy']:.2%} ± {found['spread'] * 100:.2f}",
                f"{(found['accuracy'] - means['Joint', ids]['accuracy']) * 100:+.2f}",
            ]  # fmt: skip
        for ids in (True, False):
            found = means.get((method, ids))
            row.append("-" if found is None or found["forgetting"] is None else f"{found['forgetting']:.2%}")
        both = [means[method, ids] for ids in (True, False) if (method, ids) in means]
        row.append(" / ".join(f"{found['seconds']:.1f}" for found in both))
        row.append(" / ".join(f"{found['parameters']:,}" for found in both))
        yield "| " + " | ".join(row) + " |"
    yield ""


def mean_of(
    record: Record, method: str, stream: str, ids: bool, choice: dict[str, float], seeds: range
) -> dict[str, Any]:
    """Means over seeds."""
    found = [record.result(Case(method, stream, ids, seed, choice, "test")) for seed in seeds]
    forgetting = [each["forgetting"] for each in found]
    return {
        "accuracy": statistics.fmean(each["accuracy"] for each in found),
        "spread": statistics.stdev([each["accuracy"] for each in found]) if len(found) > 1 else 0.0,
        "forgetting": None if None in forgetting else statistics.fmean(forgetting),
        "seconds": statistics.fmean(sum(each["seconds"]) for each in found),
        "parameters": found[0]["parameters"],
    }


def main() -> None:
    """Choose, run every seed, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows-per-task", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=6, help="of ours; the baselines get its seconds")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu where others use the machine")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("avalanche-baselines-run"))
    options = parser.parse_args()
    for noise in ("No loggers specified", "Call to deprecated function update"):
        warnings.filterwarnings("ignore", noise)
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    sizes = Sizes(options.rows_per_task, options.rows_per_task // 4)
    setting = Setting(ModelConfig(embed_dim=options.width), options.epochs, sizes, options.clock)
    record = Record(options.folder / "runs.jsonl", setting)
    choices = {stream: {m: choose(record, m, stream) for m in METHODS} for stream in STREAMS}
    for seed in range(options.seeds):  # seed by seed, so that a part of the benchmark is one of all methods
        for stream in STREAMS:
            list(cells(record, choices[stream], stream, range(seed, seed + 1)))
    table = [
        line for stream in STREAMS for line in cells(record, choices[stream], stream, range(options.seeds))
    ]
    publish(
        "avalanche_baselines",
        "Branch growth against Avalanche's strategies, equal size and equal seconds",
        table,
        f"mean ± standard deviation of {options.seeds} seeds on the data set's own 10,000 test rows, "
        f"{options.rows_per_task} training rows a task; forgetting (best past minus current, with and "
        f"without task ids) on {PROBE_ROWS} test rows a task; training seconds "
        f"({options.clock} clock, {options.threads} threads) and parameters with ids / without. "
        "Baselines: our stem and branches side by side, all trained, one cycle of the rate over each "
        "experience's seconds, batches of 128 (half from memory where there is one); PNN is Avalanche's "
        "two-layer perceptron of about as many parameters, its indexing by a set and its ignored adapter "
        "mended, DER++ with the task told to its memory. Chosen on validation rows of seed 0: "
        + "; ".join(f"{stream}: {_told(choices[stream])}" for stream in STREAMS),
    )


def _told(choices: dict[str, dict[str, float]]) -> str:
    return ", ".join(
        f"{method} " + " ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in choice.items())
        for method, choice in choices.items()
    )


if __name__ == "__main__":
    main()
