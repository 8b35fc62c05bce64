"""The whole loop in memory where labels come after their rows, on real handwritten digits."""

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
from growlearn.app.views import status_view, windows_view
from growlearn.cycle import run_stream
from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.job import (
    GrowthSpec,
    Job,
    LabelSpec,
    ModelSpec,
    PromoteAfter,
    RegistrySpec,
    SourceSpec,
    WorthSpec,
)
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.watch import Carried
from tests.unit.in_memory import ports_around

DAY_S = 86_400.0
JOB = Job(
    name="digits",
    source=SourceSpec(url="memory"),
    schema=Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 8, 8))}, key="id"),
    model=ModelSpec(width=16, heads=2, patch=2),
    growth=GrowthSpec(epochs=4, batch_size=16, validation=0.2),
    drift=DriftSpec(alpha=0.001),
    worth=WorthSpec(rivals=()),  # each drift gets its branch
)
FIRST, DRIFTED, LATER = range(300), range(300, 600), range(600, 900)


class World:
    """A stream with a key and everything around it; row i of the digits has the key i."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        bunch = load_digits()
        order = np.random.default_rng(0).permutation(len(bunch.target))
        self.images: npt.NDArray[np.uint8] = (bunch.images[order] * 15.9375).astype(np.uint8)
        self.labels: list[int] = bunch.target[order].tolist()
        self.clock, self.store, self.source = ManualClock(), MemoryStore(), MemorySource()
        self.artifacts = MemoryArtifacts()
        self.ports = ports_around(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def rows(self, which: range, *, labelled: int = 0, turned: bool = True) -> None:
        """Drop a file of rows, the first so many of them with their labels."""
        images = self.images[which] if not turned else 255 - self.images[which]
        known = [self.labels[i] if n < labelled else None for n, i in enumerate(which)]
        columns = {"image": pa.array(images.reshape(len(which), -1).tolist()), "id": list(which)}
        self.drop(f"rows {which}", {**columns, "label": pa.array(known, pa.int64())})

    def tell(self, which: range, turn: int = 0) -> None:
        """Drop a file of labels, each `turn` higher than it is, modulo ten."""
        labels = [(self.labels[i] + turn) % 10 for i in which]
        self.drop(f"labels {which}", {"id": list(which), "label": labels})

    def drop(self, name: str, columns: dict[str, object]) -> None:
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        self.source.put(f"{len(self.source.files()):03} {name}.parquet", sink.getvalue())

    def run(self, worker: str = "worker-1") -> tuple[Window, ...]:
        return run_stream("digits", replace(self.ports, worker=worker), lambda _: None).windows

    def learn_first(self) -> None:
        self.rows(FIRST, labelled=300, turned=False)
        self.run()

    @property
    def states(self) -> list[tuple[str, str | None]]:
        return [(w.state.value, w.verdict and w.verdict.value) for w in self.store.windows("digits")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_drifted_window_waits_for_its_labels_and_is_grown_once_they_come(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    (waits,) = world.run()
    assert (waits.state, waits.verdict) == (WindowState.WAITING, Verdict.DRIFT)
    assert (waits.reason or "").endswith("; waits for labels: no row has a label yet")
    assert world.store.count_pending("digits") == 0
    world.clock.advance(3 * DAY_S)
    world.tell(DRIFTED)
    (grown,) = world.run()

    assert (grown.id, grown.state, grown.verdict, grown.task) == (
        "w2", WindowState.PROMOTED, Verdict.DRIFT, "task-2",
    )  # fmt: skip
    assert [branch.window for branch in world.store.branches("digits")] == ["w1", "w2"]
    assert [(join.window, join.labels) for join in world.store.label_joins("digits")] == [("w2", 300)]


def test_labels_for_half_of_the_rows_will_do(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.run()
    world.tell(DRIFTED[:150])
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 150)
    champion = world.store.stream("digits").champion

    world.tell(DRIFTED[150:])

    assert world.run() == ()
    window = world.store.window("digits", "w2")
    assert (window.state, window.labelled) == (WindowState.PROMOTED, 300)
    assert world.store.stream("digits").champion == champion


def test_too_few_labels_are_waited_on_and_counted(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.run()
    world.tell(DRIFTED[:20])
    assert world.run() == ()
    window = world.store.window("digits", "w2")
    assert (window.state, window.labelled, window.wanted, window.lacking) == (
        WindowState.WAITING, 20, 59, 39,
    )  # fmt: skip
    view = status_view(world.store, "digits", world.clock.now())["streams"][0]
    assert (view["state"], view["waiting"], view["lacking"]) == ("waiting for labels", 1, 39)
    (view,) = windows_view(world.store, "digits", "w2")["windows"]
    assert (view["state"], view["labelled"], view["lacking"]) == ("waiting", 20, 39)


def test_a_stable_window_gets_its_labels_and_stays_settled(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED, turned=False)
    world.run()
    before = world.store.window("digits", "w2")
    assert (before.verdict, before.state) == (Verdict.STABLE, WindowState.SETTLED)
    world.tell(DRIFTED)
    assert world.run() == ()
    after = world.store.window("digits", "w2")
    assert replace(before, snapshot=after.snapshot, labelled=300) == after
    assert after.snapshot != before.snapshot


def test_windows_behind_one_that_waits_go_on_and_those_of_its_regime_follow_it(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.rows(LATER)
    world.rows(range(900, 1100), turned=False)
    world.run()
    assert world.states[1:] == [("waiting", "drift"), ("waiting", "drift"), ("settled", "stable")]

    world.tell(DRIFTED)
    handled = world.run()

    assert [window.id for window in handled] == ["w2", "w3"]
    assert world.states[1:] == [("promoted", "drift"), ("settled", "stable"), ("settled", "stable")]
    assert world.store.window("digits", "w3").task == "task-2"


def test_labels_of_a_later_window_alone_are_learned_and_the_earlier_one_is_known_then(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.rows(LATER)
    world.run()
    world.tell(LATER)
    world.run()
    assert world.states[1:] == [("settled", "known task"), ("promoted", "drift")]
    assert len(world.store.branches("digits")) == 2


def test_the_first_windows_of_a_stream_may_wait_too(world: World) -> None:
    world.rows(FIRST, turned=False)
    world.rows(DRIFTED, turned=False)
    world.run()
    assert world.states == [("waiting", "first"), ("waiting", "first")]
    world.tell(FIRST)
    world.run()
    assert world.states == [("promoted", "first"), ("settled", "stable")]


def test_labels_that_came_before_their_rows_are_there_when_these_are_judged(world: World) -> None:
    world.learn_first()
    world.tell(DRIFTED)
    assert world.run() == ()
    assert status_view(world.store, "digits", world.clock.now())["streams"][0]["early_labels"] == 300
    world.rows(DRIFTED)
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 300)


def test_a_window_that_waits_in_vain_is_settled_with_the_reason_and_takes_labels_still(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, replace(JOB, labels=LabelSpec(wait="2d")))
    world.learn_first()
    world.rows(DRIFTED)
    world.run()
    world.clock.advance(2 * DAY_S)
    assert world.run() == ()
    world.clock.advance(1)
    (settled,) = world.run()
    assert settled.state is WindowState.SETTLED
    assert "; not grown: no labels within 2d: no row has a label yet" in (settled.reason or "")
    world.tell(DRIFTED)
    assert world.run() == ()
    assert world.store.window("digits", "w2").labelled == 300


def test_a_share_of_labels_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, labels=LabelSpec(wait="2d", share=0.9)))
    world.learn_first()
    world.rows(DRIFTED, labelled=100)
    (waits,) = world.run()
    assert (waits.state, waits.lacking) == (WindowState.WAITING, 170)
    assert "100 of 300 rows have labels, less than 90% (labels.share)" in (waits.reason or "")
    world.clock.advance(2 * DAY_S + 1)
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 100)


def test_a_window_whose_columns_were_changed_while_it_waited_stops_nobody(world: World) -> None:
    world.rows(FIRST, turned=False)
    world.run()
    other = Schema(inputs={"x": Input(type=InputType.NUMBER)}, key="id")
    world.store.apply(replace(JOB, schema=other, labels=LabelSpec(wait="1s")), world.clock.now())
    world.clock.advance(2)
    (settled,) = world.run()
    assert (settled.state, settled.verdict) == (WindowState.SETTLED, Verdict.CANNOT_JUDGE)
    assert "its rows were stored under other columns" in (settled.reason or "")


def test_a_window_all_of_whose_rows_have_a_label_does_not_wait(world: World) -> None:
    world.rows(FIRST[:20], labelled=20, turned=False)
    (settled,) = world.run()
    assert settled.state is WindowState.SETTLED
    world.clock.advance(31 * DAY_S)
    world.rows(DRIFTED[:20], labelled=20)
    (settled,) = world.run()
    assert "no labels within" not in (settled.reason or "")


def test_without_a_key_nothing_waits(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, schema=replace(JOB.schema, key=None)))
    world.learn_first()
    world.rows(DRIFTED)
    (settled,) = world.run()
    assert settled.state is WindowState.SETTLED
    assert "not grown: no row has a label yet" in (settled.reason or "")


def test_labels_that_only_name_one_class_are_waited_on_further(world: World) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.run()
    world.drop("labels", {"id": list(DRIFTED[:100]), "label": [7] * 100})
    (waits,) = world.run()
    assert (waits.state, waits.labelled, waits.lacking) == (WindowState.WAITING, 100, 12)
    assert world.run() == ()  # the same is not tried again
    assert "every row has the label 7" in (world.store.window("digits", "w2").reason or "")


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("name", ["record_ingest", "wake", "advance"])
@pytest.mark.parametrize("done", [False, True])
def test_killed_before_or_after_a_write_it_ends_the_same_once(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, done: bool
) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    world.run()
    world.tell(DRIFTED)
    write: Callable[..., object] = getattr(world.store, name)

    def killed(*arguments: object) -> object:
        if done:
            write(*arguments)
        raise _KilledError

    with monkeypatch.context() as patched:
        patched.setattr(world.store, name, killed)
        with pytest.raises(_KilledError):
            world.run()
    world.clock.advance(120)
    world.run("worker-2")
    assert world.states == [("promoted", "first"), ("promoted", "drift")]
    assert [branch.id for branch in world.store.branches("digits")] == ["b1", "b2"]
    assert [(join.window, join.labels) for join in world.store.label_joins("digits")] == [("w2", 300)]


def test_labels_that_come_while_the_window_is_sent_to_wait_are_not_lost_on_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.learn_first()
    world.rows(DRIFTED)
    advance = world.store.advance

    def beside(transition: object) -> Window:
        if getattr(transition, "target", None) is WindowState.WAITING:
            world.tell(DRIFTED)
            assert run_stream("digits", replace(world.ports, worker="other"), lambda _: None).windows == ()
        return advance(transition)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "advance", beside)
    world.run()
    assert world.states == [("promoted", "first"), ("promoted", "drift")]


def test_labels_of_settled_windows_tell_that_the_relation_moved(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, drift=DriftSpec(decision="anytime", alpha=0.01)))
    world.learn_first()
    world.rows(range(300, 600), turned=False)
    (stable,) = world.run()
    assert (stable.verdict, stable.labelled) == (Verdict.STABLE, 0)
    world.tell(range(300, 600), turn=3)
    world.rows(range(600, 900), turned=False)
    (moved,) = world.run()
    assert (moved.verdict, moved.state) == (Verdict.DRIFT, WindowState.WAITING)
    report = world.store.record("digits", moved.id).report
    assert report is not None
    assert report.kind is DriftKind.RELATION
    world.tell(range(600, 900), turn=3)
    (grown,) = world.run()
    assert (grown.id, grown.state) == (moved.id, WindowState.REJECTED)
    assert "gates failed: routing: " in (grown.reason or "")  # no row could say which labels it wants


def test_labels_that_come_late_and_are_right_alarm_nobody_and_are_read_once(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, drift=DriftSpec(decision="anytime", alpha=0.01)))
    world.learn_first()
    rows = []
    for start in (300, 500, 700):
        which = range(start, start + 200)
        world.rows(which, turned=False)
        (window,) = world.run()
        assert window.verdict in (Verdict.STABLE, Verdict.WARN)
        report = world.store.record("digits", window.id).report
        assert report is not None
        assert report.evidence is not None
        risk = Carried.from_json(report.evidence).risk
        rows.append(0 if risk is None else risk.rows)
        world.tell(which)
    assert rows == [0, 200, 400]


def test_labels_that_come_late_end_a_trial_that_waited_for_them(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, registry=RegistrySpec(promote=PromoteAfter(after=1))))
    world.learn_first()
    world.rows(DRIFTED, labelled=300)
    world.rows(LATER)
    world.run()
    assert world.store.stream("digits").champion == 1
    world.tell(LATER)
    assert world.run() == ()
    stream = world.store.stream("digits")
    assert (stream.champion, stream.challenger) == (2, None)
