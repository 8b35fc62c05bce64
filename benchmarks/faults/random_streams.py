"""Random streams of every input type through the whole loop, in memory: nothing may break it.

Each stream draws its columns, its job's policies and ten windows, whose classes come and go, whose inputs
shift and whose labels are missing in part. Between windows a person rolls back, promotes or consolidates.
After every step the record must not contradict itself, every decision can be explained, and the champion
answers a row alike alone, among others, by another executor and by fewer branches. What goes wrong is
printed with the seed that repeats it: `--first SEED --streams 1`.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from ruamel.yaml import YAML

sys.path.append(str(Path(__file__).parents[1]))

from in_memory_stream import InMemoryStream
from results import publish

from growlearn.app.decisions import decide_promotion, decide_rollback, store_decision
from growlearn.app.jobfile import read_job
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows
from growlearn.ingest.table_rows import read_table_rows
from growlearn.network.truncation import truncate_model
from growlearn.pipeline.consolidation import request_consolidation
from growlearn.pipeline.run import run_stream
from growlearn.registry.consistency import find_contradictions, load_stream_rows
from growlearn.registry.decision_report import explain_version, explain_window
from growlearn.registry.version_tree import get_version
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

Points = npt.NDArray[np.float64]
Draw = np.random.Generator
NAME, WINDOWS, LABELS = "stream", 10, "pqrst"
_WORDS = ("sun", "rain", "fog", "snow", "drizzle", "wind", "storm", "cloud", "heat", "frost")


def _words(draw: Draw, points: Points) -> list[Any]:
    counts = draw.integers(1, 6, len(points))
    starts = np.abs(points[:, 0] * 2).astype(int)
    return [
        " ".join(_WORDS[(start + i) % 10] for i in range(count))
        for start, count in zip(starts, counts, strict=True)
    ]


def _token_ids(draw: Draw, points: Points) -> list[Any]:
    counts = draw.integers(1, 7, len(points))
    starts = np.abs(points[:, 0] * 2).astype(int)
    return [[int(start + i) % 12 for i in range(count)] for start, count in zip(starts, counts, strict=True)]


def _images(draw: Draw, points: Points) -> list[Any]:
    slopes = 128 + 20 * points[:, :1] + np.arange(64) * points[:, 1:]
    return list(np.clip(slopes + draw.normal(0, 20, slopes.shape), 0, 255).astype(int).tolist())


def _steps(draw: Draw, points: Points) -> list[Any]:
    series = np.repeat(points[:, None], 6, axis=1)  # [N, 6, 2]
    return list((series + draw.normal(0, 0.3, series.shape)).tolist())


def _with_gaps(draw: Draw, values: list[Any]) -> list[Any]:
    missing = draw.random(len(values)) < 0.05
    return [None if gap else value for value, gap in zip(values, missing, strict=True)]


def _dates(_: Draw, points: Points) -> list[Any]:
    days = np.abs(points[:, 1] * 40).astype(int) % 360
    return [f"2026-{1 + day // 30:02}-{1 + day % 28:02}" for day in days]


COLUMNS: dict[str, tuple[dict[str, Any], Callable[[Draw, Points], list[Any]]]] = {
    "number": ({}, lambda draw, points: _with_gaps(draw, points[:, 0].tolist())),
    "category": (
        {},
        lambda draw, points: _with_gaps(draw, [f"k{int(abs(y * 2)) % 7}" for y in points[:, 1]]),
    ),
    "boolean": ({}, lambda _, points: (points[:, 0] > 0).tolist()),
    "datetime": ({}, _dates),
    "text": ({}, _words),
    "tokens": ({"vocabulary": 12, "length": 5}, _token_ids),
    "series": ({"shape": [6, 2]}, _steps),
    "image": ({"shape": [1, 8, 8]}, _images),
}
"""The keys of each input type, and what draws its cells from points [N, 2]."""


@dataclass
class World:
    """Where the rows come from: which labels there are now, around which centers, and how far shifted."""

    centers: Points
    labels: list[str] = field(default_factory=lambda: list(LABELS[:3]))
    shift: Points = field(default_factory=lambda: np.zeros(2))

    def change(self, draw: Draw) -> None:
        """Other labels, or another place, in four windows of ten each."""
        if draw.random() < 0.4:
            count = int(draw.integers(2, 5))
            self.labels = sorted(map(str, draw.choice(list(LABELS), count, replace=False)))
        if draw.random() < 0.4:
            self.shift = draw.normal(0, 4, 2)


def main() -> None:
    """Run the streams one by one; exit with 1 where one of them broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--minutes", type=float, help="stop after the stream that is running then")
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    counts, started_s = Counter[str](), time.monotonic()
    for seed in range(options.first, options.first + options.streams):
        if options.minutes is not None and time.monotonic() > started_s + options.minutes * 60:
            break
        counts += run_one(seed)
    if not options.no_table:
        _publish(counts)
    sys.exit(counts["faults"] > 0)


def run_one(seed: int) -> Counter[str]:
    """Live a stream; what was done in it, by name, and `faults`: 1 where it broke."""
    draw, counts = np.random.default_rng(seed), Counter(streams=1)
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        job = draw_job(draw, Path(folder))
    try:
        live(InMemoryStream(job), draw, counts)
    except Exception:  # whatever it is: it is what is looked for
        counts["faults"] += 1
        print(f"seed {seed}: {job}", flush=True)
        traceback.print_exc(limit=-9)
    print(f"seed {seed}: {', '.join(f'{count} {name}' for name, count in counts.items())}", flush=True)
    return counts


def draw_job(draw: Draw, folder: Path) -> Job:
    """A job of one to three columns, with policies drawn at random."""
    columns = [str(kind) for kind in draw.choice(list(COLUMNS), int(draw.integers(1, 4)), replace=False)]
    retain = draw.choice(np.array(["none", "all", {"per_class": 20}], object))
    job: dict[str, Any] = {
        "name": NAME,
        "source": {"type": "folder", "url": str(folder)},
        "schema": {"inputs": {kind: {"type": kind, **COLUMNS[kind][0]} for kind in columns}},
        "growth": {"epochs": int(draw.integers(1, 3)), "batch_size": 32, "augmentation": "none"},
        "refine": {
            "when": str(draw.choice(["worthwhile", "every_window"])),
            "min_rows": int(draw.integers(20, 60)),
        },
        "metric": str(draw.choice(["accuracy", "macro_f1", "log_loss", "roc_auc"])),
        "retain": retain,
        "model": {
            "max_branches": int(draw.choice([5, 32])),
            "max_lineage_length": draw.choice(np.array(["auto", 1, 2, 3], object)),
        },
        "drift": {"decision_rule": str(draw.choice(["any", "sequential"]))},
        "gates": {
            "replace_task_after": 2,
            "max_routed_accuracy_drop": float(draw.choice([0.1, 1.0])),
            "max_negative_flip_rate": 1.0,
        },
        "registry": {"model": NAME, "promote": str(draw.choice(["auto", "auto", "manual"]))},
    }
    if draw.random() < 0.3:
        job["schema"]["task"] = "task"
    if retain != "none":
        job["consolidation"] = {"target_branches": 2}
    if draw.random() < 0.3:
        job["class_weight"] = "balanced"
    with (folder / "job.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(job, file)
    return read_job(folder / "job.yaml", folder)


def live(stream: InMemoryStream, draw: Draw, counts: Counter[str]) -> None:
    """Ten windows; a person decides after some of them, and all is checked after each step."""
    world = World(draw.normal(0, 3, (len(LABELS), 2)))
    for number in range(WINDOWS):
        world.change(draw)
        content = draw_window(draw, world, stream.job)
        window = stream.deliver(f"{number:03}.parquet", content)
        counts["windows"] += 1
        counts[window.state.value] += 1
        check(stream, draw, content)
        act = draw.choice(np.array([roll_back, promote, consolidate, None, None], object))
        if act is not None:
            try:
                act(stream, draw)
                counts[act.__name__] += 1
            except GrowLearnError:
                counts["refused"] += 1  # in one sentence, as there may be nothing to decide
            check(stream, draw, content)


def draw_window(draw: Draw, world: World, job: Job) -> bytes:
    """40 to 130 rows as Parquet; in one window of five half of the labels are missing."""
    num_rows = int(draw.integers(40, 130))
    numbers = draw.integers(0, len(world.labels), num_rows)
    centers = world.centers[[LABELS.index(world.labels[number]) for number in numbers]]
    points = centers + world.shift + draw.normal(0, 1, (num_rows, 2))
    columns: dict[str, Any] = {name: COLUMNS[name][1](draw, points) for name in job.schema.inputs}
    missing = draw.random(num_rows) < (0.5 if draw.random() < 0.2 else 0.0)
    labels = [None if gap else world.labels[number] for number, gap in zip(numbers, missing, strict=True)]
    columns["label"] = pa.array(labels, pa.string())
    if job.schema.task is not None:
        columns["task"] = [str(draw.choice(["u", "v"]))] * num_rows
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def roll_back(stream: InMemoryStream, draw: Draw) -> None:
    """Return to a version drawn at random."""
    _decide(stream, partial(decide_rollback, stream.store, NAME, _draw_version(stream, draw)))


def promote(stream: InMemoryStream, draw: Draw) -> None:
    """Promote a version drawn at random."""
    _decide(stream, partial(decide_promotion, stream.store, NAME, _draw_version(stream, draw)))


def consolidate(stream: InMemoryStream, _: Draw) -> None:
    """Ask for fewer branches, and let it be done."""
    request_consolidation(NAME, stream.store, stream.ports.clock.now())
    run_stream(NAME, stream.ports, lambda _: None)


def _decide(stream: InMemoryStream, decide: Callable[..., Any]) -> None:
    store_decision(stream.store, decide("a person", "", stream.ports.clock.now()))


def _draw_version(stream: InMemoryStream, draw: Draw) -> int:
    return int(draw.integers(1, len(stream.store.versions(NAME)) + 2))  # the last of them does not exist


def check(stream: InMemoryStream, draw: Draw, content: bytes) -> None:
    """Check the record, the reasons of the last decisions, and the champion's answers to a file."""
    store, versions = stream.store, stream.store.versions(NAME)
    problems = list(find_contradictions(load_stream_rows(store, store.stream(NAME))))
    assert not problems, problems
    for window in store.windows(NAME)[-2:]:
        assert explain_window(store, NAME, window.id)
    champion = store.stream(NAME).champion
    if champion is not None:
        assert explain_version(store, NAME, versions[-1].number)
        check_answers(get_version(versions, champion).manifest, stream, draw, content)


def check_answers(manifest: Manifest, stream: InMemoryStream, draw: Draw, content: bytes) -> None:
    """A row has one answer, alone or among others, by each executor; fewer branches answer too."""
    read = stream.artifacts.get
    rows, _ = read_table_rows({"rows.parquet": content}, manifest.schema, for_prediction=True)
    unknown = find_unknown_task_rows(rows, manifest)
    rows = rows.take(np.setdiff1d(np.arange(len(rows)), list(unknown)))
    if len(rows) == 0:
        return
    whole = _answer(Predictor(manifest, read), rows)
    some = draw.permutation(len(rows))[: 1 + len(rows) // 3]
    for execution in (Execution.LOOP, Execution.STACKED):
        answers = _answer(Predictor(manifest, read, execution), rows.take(some))
        assert np.allclose(answers, whole[some], atol=1e-4), f"{execution} answers otherwise"
    if len(manifest.branches) > 1:
        count = int(draw.integers(1, len(manifest.branches)))
        try:
            fewer = truncate_model(manifest, count, stream.artifacts)
        except GrowLearnError:
            return  # no task reads those branches
        known = np.setdiff1d(np.arange(len(rows)), list(find_unknown_task_rows(rows, fewer)))
        if len(known) > 0:
            _answer(Predictor(fewer, read), rows.take(known))


def _answer(predictor: Predictor, rows: Rows) -> Points:
    """Probabilities of every class [N, K], which sum to 1."""
    probabilities = predictor.answer(rows, proba=True).class_probabilities
    assert np.allclose(probabilities.sum(1), 1, atol=1e-4)
    return probabilities


def _publish(counts: Counter[str]) -> None:
    names = {
        "streams": "streams",
        "windows": "windows",
        "promoted": "promoted by the gates",
        "pending_approval": "left to a person",
        "rejected": "rejected by the gates",
        "roll_back": "rollbacks",
        "promote": "promotions by a person",
        "consolidate": "consolidations",
        "refused": "requests refused with a reason",
        "faults": "streams that broke",
    }
    table = ["| what | number |", "| --- | --- |"]
    table += [f"| {title} | {counts[name]:,} |" for name, title in names.items()]
    note = (
        "Random streams of one to three of eight input types, 40 to 129 rows a window, two epochs at most; "
        "checked after every step: the record, the reasons, the champion's answers alone and among others, "
        "by two executors and with fewer branches"
    )
    command = f"faults/random_streams.py --streams {counts['streams']}"
    publish("random_streams", "Random streams", table, note, command)


if __name__ == "__main__":
    main()
