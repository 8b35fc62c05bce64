"""The whole loop in memory, on real handwritten digits."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.cycle import run_stream
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.domain.job import GateSpec, GrowthSpec, Job, ModelSpec, RegistrySpec, SourceSpec
from growlearn.domain.lineage import BranchState, Manifest
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Alias, Message, MessageKind, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.growth.model import weights
from growlearn.ports import Engine, Report
from growlearn.registry.matrix import matrix_for
from growlearn.registry.outbox import deliver
from growlearn.registry.promotion import rollback
from growlearn.steps import MOST_FAILURES
from tests.unit.in_memory import ports_around

Images = npt.NDArray[np.uint8]

JOB = Job(
    name="digits",
    source=SourceSpec(url="memory"),
    schema=Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 8, 8))}),
    model=ModelSpec(width=16, heads=2, patch=2),
    growth=GrowthSpec(epochs=6, batch_size=16, validation=0.2),
    drift=DriftSpec(alpha=0.01),
    holdout=0.15,
)
TASKED = replace(JOB, schema=replace(JOB.schema, task="task"))


def parquet(images: Images, labels: list[int | None], task: str | None = None) -> bytes:
    columns = {
        "image": pa.array(images.reshape(len(images), -1).tolist()),
        "label": pa.array(labels, pa.int64()),
    }
    if task is not None:
        columns["task"] = pa.array([task] * len(images))
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.fixture(scope="module")
def digits() -> tuple[Images, list[int | None]]:
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return (bunch.images[order] * 15.9375).astype(np.uint8), bunch.target[order].tolist()


class World:
    """A stream and everything around it, in memory."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.artifacts = MemoryArtifacts()
        self.source = MemorySource()
        self.ports = ports_around(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def run(self) -> tuple[Window, ...]:
        return run_stream("digits", self.ports, lambda _: None).windows

    def send(self, name: str, images: Images, labels: list[int | None], task: str | None = None) -> Window:
        self.source.put(name, parquet(images, labels, task))
        (window,) = self.run()
        return window


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_stream_without_a_task_column_lives_its_story(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    turned = np.rot90(images, axes=(1, 2)).copy()

    first = world.send("1.parquet", images[:450], labels[:450])
    assert (first.verdict, first.state, first.task) == (Verdict.FIRST, WindowState.PROMOTED, "task-1")
    stable = world.send("2.parquet", images[450:700], labels[450:700])
    assert (stable.verdict, stable.state) == (Verdict.STABLE, WindowState.SETTLED)
    drifted = world.send("3.parquet", turned[700:1150], labels[700:1150])
    assert (drifted.verdict, drifted.state) == (Verdict.DRIFT, WindowState.PROMOTED)
    back = world.send("4.parquet", images[1150:1400], labels[1150:1400])
    assert (back.verdict, back.task, back.state) == (Verdict.KNOWN_TASK, "task-1", WindowState.SETTLED)

    for window, probed in (("w1", ["task-1"]), ("w3", ["task-1", "task-2"])):
        result = world.store.record("digits", window).result
        assert result is not None
        assert result.circumstances is not None
        assert result.circumstances.threads == result.threads
        assert result.probes is not None
        stored = weights.load(world.artifacts.get(result.probes))
        assert sorted(stored) == [f"{kind}.{task}" for kind in ("logits", "routing") for task in probed]

    matrix = matrix_for(world.store, "digits", world.store.stream("digits").champion)
    assert matrix.tasks == ("task-1", "task-2")
    assert matrix.forgetting == 0
    assert [b.id for b in world.store.branches("digits")] == ["b1", "b2"]
    tracker = MemoryTracker()
    assert deliver(world.store, tracker, world.clock) > 0
    assert tracker.aliases["digits"][Alias.CHAMPION] == "2"


def test_a_task_column_decides(tmp_path: Path, digits: tuple[Images, list[int | None]]) -> None:
    images, labels = digits
    world = World(tmp_path, TASKED)
    low = np.array([label is not None and label < 5 for label in labels])
    few = np.flatnonzero(low)
    world.send("1.parquet", images[few[:300]], [labels[i] for i in few[:300]], "low")
    again = world.send("2.parquet", images[few[300:500]], [labels[i] for i in few[300:500]], "low")
    assert (again.verdict, again.state) == (Verdict.KNOWN_TASK, WindowState.SETTLED)
    many = np.flatnonzero(~low)[:300]
    new = world.send("3.parquet", images[many], [labels[i] for i in many], "high")
    assert (new.verdict, new.task, new.state) == (Verdict.NEW_TASK, "high", WindowState.PROMOTED)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([None] * 300, "no row has a label yet"), ([7] * 300, "nothing to tell apart")],
)
def test_a_window_that_cannot_be_grown_from_is_settled_with_the_reason(
    world: World, digits: tuple[Images, list[int | None]], labels: list[int | None], reason: str
) -> None:
    window = world.send("1.parquet", digits[0][:300], labels)
    assert window.state is WindowState.SETTLED
    assert reason in (window.reason or "")
    assert world.send("2.parquet", digits[0][300:700], digits[1][300:700]).state is WindowState.PROMOTED


def test_one_row_is_settled_and_the_stream_goes_on(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    assert world.send("1.parquet", digits[0][:1], digits[1][:1]).state is WindowState.SETTLED
    assert world.send("2.parquet", digits[0][1:400], digits[1][1:400]).state is WindowState.PROMOTED


def test_a_candidate_that_fails_a_gate_is_rejected_and_forgotten(
    tmp_path: Path, digits: tuple[Images, list[int | None]]
) -> None:
    world = World(tmp_path, replace(JOB, gates=GateSpec(max_parameters=10)))
    window = world.send("1.parquet", digits[0][:400], digits[1][:400])
    assert window.state is WindowState.REJECTED
    assert world.store.stream("digits").champion is None
    assert not world.store.versions("digits")
    assert [b.state for b in world.store.branches("digits")] == [BranchState.REJECTED]


def test_a_manual_promotion_waits_as_challenger_and_is_grown_from(
    tmp_path: Path, digits: tuple[Images, list[int | None]]
) -> None:
    world = World(tmp_path, replace(JOB, registry=RegistrySpec(promote="manual")))
    assert world.send("1.parquet", digits[0][:400], digits[1][:400]).state is WindowState.HELD
    stream = world.store.stream("digits")
    assert (stream.champion, stream.challenger, stream.base) == (None, 1, 1)
    assert world.send("2.parquet", digits[0][400:700], digits[1][400:700]).verdict is Verdict.STABLE


def test_a_candidate_whose_frozen_branch_was_touched_never_becomes_champion(
    tmp_path: Path, digits: tuple[Images, list[int | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.send("1.parquet", images[:400], labels[:400])
    whole = GrowthResult.manifest_of

    def thawed(result: GrowthResult, plan: GrowthPlan) -> Manifest:
        """The candidate with its frozen root branch trained a little, as a bug would."""
        manifest = whole(result, plan)
        if not plan.base.branches:
            return manifest
        root = weights.load(world.artifacts.get(manifest.branches[0].sha256))
        root["branch.layers.0.mlp_out.bias"][0] += 1e-3
        touched = replace(manifest.branches[0], sha256=world.artifacts.put(weights.dump(root)))
        return replace(manifest, branches=(touched, *manifest.branches[1:]))

    monkeypatch.setattr(GrowthResult, "manifest_of", thawed)
    window = world.send("2.parquet", 255 - images[400:800], labels[400:800])
    assert (window.verdict, window.state) == (Verdict.DRIFT, WindowState.REJECTED)
    assert "no longer answered bit for bit: 'task-1'" in (window.reason or "")
    assert world.store.stream("digits").champion == 1


class Interfering:
    """An engine during whose training somebody does something."""

    def __init__(self, engine: Engine, what: Callable[[], None]) -> None:
        self.engine = engine
        self.what = what

    def run(self, plan: GrowthPlan, report: Report) -> GrowthResult:
        self.what()
        return self.engine.run(plan, report)

    def consolidate(self, plan: ConsolidationPlan, report: Report) -> ConsolidationResult:
        self.what()
        return self.engine.consolidate(plan, report)


def test_a_candidate_of_a_base_that_was_rolled_back_meanwhile_is_rejected(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])

    def roll_back() -> None:
        stream, versions = world.store.stream("digits"), world.store.versions("digits")
        if stream.base == 1:
            return  # done at the first training of the window
        moves, base = rollback(stream, versions, 1, "ann", "bad labels", world.clock.now())
        world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    world.ports = replace(world.ports, engine=Interfering(world.ports.engine, roll_back))
    turned = np.rot90(images, axes=(1, 2)).copy()
    window = world.send("3.parquet", turned[800:1200], labels[800:1200])
    assert window.state is WindowState.REJECTED
    assert "grown from version 2, but growth goes on from version 1 by now" in (window.reason or "")
    stream = world.store.stream("digits")
    assert (stream.champion, stream.base, len(world.store.versions("digits"))) == (1, 1, 2)


def test_a_window_whose_training_fails_again_and_again_is_given_up_and_the_stream_goes_on(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    engine = world.ports.engine

    def out_of_memory() -> None:
        raise GrowLearnError("the training process ended with status -9")

    world.ports = replace(world.ports, engine=Interfering(engine, out_of_memory))
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(GrowLearnError, match="status -9"):
            world.run()
        world.clock.advance(120)
    (window,) = world.run()
    assert window.state is WindowState.REJECTED
    assert (
        window.reason == "given up after 5 tries; growing failed: the training process ended with status -9"
    )
    world.ports = replace(world.ports, engine=engine)
    assert world.send("2.parquet", images[300:700], labels[300:700]).state is WindowState.PROMOTED


def test_a_disk_that_is_away_during_training_is_never_held_against_the_window(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    engine = world.ports.engine

    def away() -> None:
        raise Unavailable("artifacts cannot be written: No space left on device")

    world.ports = replace(world.ports, engine=Interfering(engine, away))
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    for _ in range(MOST_FAILURES + 1):
        with pytest.raises(Unavailable, match="No space left"):
            world.run()
        world.clock.advance(120)
    world.ports = replace(world.ports, engine=engine)
    (window,) = world.run()
    assert window.state is WindowState.PROMOTED


def test_a_plan_whose_base_was_rolled_back_before_training_is_not_trained(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])
    trained: list[int] = []

    def away() -> None:
        trained.append(1)
        raise Unavailable("no disk")

    world.ports = replace(world.ports, engine=Interfering(world.ports.engine, away))
    turned = np.rot90(images, axes=(1, 2)).copy()
    world.source.put("3.parquet", parquet(turned[800:1200], labels[800:1200]))
    with pytest.raises(Unavailable):
        world.run()
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = rollback(stream, versions, 1, "ann", "bad labels", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    world.clock.advance(120)
    (window,) = world.run()
    assert window.state is WindowState.REJECTED
    assert "growth goes on from version 1 by now" in (window.reason or "")
    assert trained == [1]


def test_a_label_of_too_few_rows_opens_no_task(world: World, digits: tuple[Images, list[int | None]]) -> None:
    images, labels = digits
    world.send("1.parquet", images[:450], labels[:450])
    odd = world.send("2.parquet", images[450:700], [99, *labels[451:700]])
    assert (odd.verdict, odd.state) == (Verdict.STABLE, WindowState.SETTLED)
    assert (odd.reason or "").endswith("; too few rows to speak for a class: 99")


class _StopError(Exception):
    pass


def test_work_can_be_left_before_any_file_window_or_epoch(
    world: World, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    world.source.put("2.parquet", parquet(images[300:600], labels[300:600]))
    stages: list[str] = []
    run_stream("digits", world.ports, lambda progress: stages.append(progress.stage))
    assert list(dict.fromkeys(stages)) == ["reading files", "windows", "training"]
    assert (stages.count("reading files"), stages.count("windows")) == (2, 2)

    def stop(_: Progress) -> None:
        raise _StopError

    world.source.put("3.parquet", parquet(images[600:900], labels[600:900]))
    with pytest.raises(_StopError):
        run_stream("digits", world.ports, stop)
    assert len(world.store.windows("digits")) == 2


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("moment", range(8))
def test_killed_before_any_move_the_window_is_taken_up_where_it_stood(
    tmp_path: Path,
    digits: tuple[Images, list[int | None]],
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    images, labels = digits
    files = {
        "1.parquet": parquet(images[:300], labels[:300]),
        "2.parquet": parquet(255 - images[300:600], labels[300:600]),
    }
    undisturbed, disturbed = World(tmp_path / "a"), World(tmp_path / "b")
    for name, content in files.items():
        undisturbed.source.put(name, content)
        disturbed.source.put(name, content)
    undisturbed.run()

    moves = iter(range(100))
    advance: Callable[[Transition], Window] = disturbed.store.advance

    def killed(transition: Transition) -> Window:
        if next(moves) == moment:
            raise _KilledError
        return advance(transition)

    monkeypatch.setattr(disturbed.store, "advance", killed)
    with pytest.raises(_KilledError):
        disturbed.run()
    disturbed.clock.advance(120)
    disturbed.run()
    assert _outcome(disturbed) == _outcome(undisturbed)


def _outcome(world: World) -> object:
    windows = [(w.id, w.state, w.verdict, w.task, w.snapshot) for w in world.store.windows("digits")]
    branches = [(b.id, b.parent, b.sha256, b.state) for b in world.store.branches("digits")]
    champion = world.store.stream("digits").champion
    return windows, branches, champion, matrix_for(world.store, "digits", champion)
