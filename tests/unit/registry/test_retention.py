"""Whatever happens to a stream, retention removes nothing that a version, a window or an alias needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.app.retention import apply_removals, plan_removals
from growlearn.domain.stream import Alias
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.registry.references import iter_digests, iter_recorded_digests
from tests.unit.registry.stream_life import DAY_S, JOB, Life, needs

ACTIONS = st.one_of(
    st.tuples(st.just("skip")),
    st.tuples(
        st.just("grow"),
        st.sampled_from(
            [WindowState.PROMOTED, WindowState.PROMOTED, WindowState.PENDING_APPROVAL, WindowState.REJECTED]
        ),
        st.booleans(),
        st.sampled_from(["t", "u"]),
    ),
    st.tuples(st.sampled_from(["promote", "rollback"]), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("retain")),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ACTIONS, min_size=3, max_size=14),
    st.sampled_from([None, "5d", "15d"]),
    st.sampled_from([None, 1, 2]),
)
def test_nothing_that_is_needed_is_ever_removed(
    actions: list[tuple[object, ...]], keep: str | None, keep_versions: int | None
) -> None:
    life = Life(replace(JOB, keep=keep, keep_versions=keep_versions))
    ever: set[str] = set()
    for name, *arguments in actions:
        act(life, str(name), *arguments)
        ever |= life.files
    open_window = life.arrive()
    life.retain()
    for number in versions_to_keep(life, keep, keep_versions):
        assert needs(life, number) <= life.files, number
    assert open_window.snapshot in life.files
    for window in windows_untold(life):
        record = life.store.window_record("a", window)
        assert {digest for digest, _ in iter_digests(record, "")} <= life.files
    recorded = {digest for digest, _ in iter_recorded_digests(life.store, life.store.stream("a"))}
    assert recorded - life.files <= life.store.removed_files("a").keys()
    if keep is None and keep_versions is None:
        assert life.files == ever | {str(open_window.snapshot)}


def act(life: Life, name: str, *arguments: Any) -> None:
    if name == "grow":
        ending, told, task = arguments
        life.grow(ending, told=told, task=task)
    elif name == "wait":
        life.clock.advance(arguments[0] * DAY_S)
    elif name in ("promote", "rollback"):
        number = arguments[0]
        # the command proves the version first, and a version that cannot be loaded is never moved to
        if number <= len(life.store.versions("a")) and needs(life, number) <= life.files:
            life.move(name, number)
    else:
        getattr(life, name)()


def versions_to_keep(life: Life, keep: str | None, keep_versions: int | None) -> set[int]:
    stream, versions = life.store.stream("a"), life.store.versions("a")
    kept = {number for number in (stream.champion, stream.challenger, stream.parent_version) if number}
    if keep_versions is not None:
        kept |= {version.number for version in versions[-keep_versions:]}
    if keep is not None:
        since = life.clock.now() - timedelta(days=int(keep.removesuffix("d")))
        kept |= {version.number for version in versions if version.created_at >= since}
    return kept if keep or keep_versions else {version.number for version in versions}


def windows_untold(life: Life) -> list[str]:
    """Windows of versions that MLflow has not been told of."""
    pending = {item.message.window for item in life.store.outbox.pending("a")}
    return [version.window for version in life.store.versions("a") if version.window in pending]


def grown(count: int, **job: object) -> Life:
    life = Life(replace(JOB, **job))  # type: ignore[arg-type]
    for _ in range(count):
        life.grow(WindowState.PROMOTED)
        life.clock.advance(10 * DAY_S)
    return life


def test_old_versions_go_and_the_newest_stay_whole() -> None:
    life = grown(6, keep_versions=2)
    before = life.files
    [removal] = plan_removals(life.store, life.artifacts, life.clock.now())
    assert life.files == before, "planning removes nothing"
    assert removal.retention.kept_versions == (5, 6)
    assert removal.retention.expired_windows == ("w1", "w2", "w3", "w4")
    life.retain()
    assert life.files == before - set(removal.files)
    assert len(removal.files) > 15
    for number in (5, 6):
        assert needs(life, number) <= life.files
    assert not needs(life, 2) <= life.files
    [again] = plan_removals(life.store, life.artifacts, life.clock.now())
    assert (again.files, again.removed_before) == ((), len(removal.files))


def test_age_alone_removes_rows_of_windows_that_led_to_nothing() -> None:
    life = Life(replace(JOB, keep="15d"))
    life.skip()
    life.grow(WindowState.PROMOTED)
    life.clock.advance(20 * DAY_S)
    life.skip()
    life.retain()
    old, _, young = life.store.windows("a")
    assert old.snapshot not in life.files
    assert young.snapshot in life.files
    assert needs(life, 1) <= life.files


def test_without_the_keys_nothing_goes() -> None:
    life = grown(3)
    before = life.files
    life.retain()
    assert life.files == before


def test_what_another_stream_needs_stays() -> None:
    life = grown(4, keep_versions=1)
    other = replace(JOB, name="b")
    life.store.apply(other, life.clock.now())
    shared = str(life.store.windows("a")[0].snapshot)
    now = life.clock.now()
    window = Window(
        stream="b",
        number=1,
        state=WindowState.ACCEPTED,
        source="f",
        discovered_at=now,
        updated_at=now,
        snapshot=shared,
    )
    life.store.record_ingest(
        IngestResult(
            stream="b", file=SourceFile(url="f", fingerprint="1", size_bytes=1), sha256="f" * 64,
            schema="0" * 16, rows=1, windows=(window,), bad_rows=(), at=now,
        )
    )  # fmt: skip
    life.retain()
    assert shared in life.files


def test_a_run_that_was_killed_before_it_removed_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = grown(4, keep_versions=1)
    removals = plan_removals(life.store, life.artifacts, life.clock.now())
    with monkeypatch.context() as patch:
        patch.setattr(life.artifacts, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            apply_removals(life.store, life.artifacts, removals, life.clock.now())
    assert set(removals[0].files) <= life.files
    life.retain()
    assert not set(removals[0].files) & life.files


def test_a_champion_rolled_back_to_while_files_go_keeps_them() -> None:
    """The rollback came after the plan: what is needed is asked again after the files are noted."""
    life = grown(4, keep_versions=1)
    removals = plan_removals(life.store, life.artifacts, life.clock.now())
    life.move("rollback", 2)
    assert life.store.stream("a").champion == 2
    apply_removals(life.store, life.artifacts, removals, life.clock.now())
    assert needs(life, 2) <= life.files
    assert life.store.alias_changes("a")[-1].alias is Alias.CHAMPION


def test_the_version_that_growth_goes_on_from_stays_though_no_alias_stands_on_it() -> None:
    life = grown(2, keep="5d")
    life.move("promote", 1)
    stream = life.store.stream("a")
    assert (stream.champion, stream.challenger, stream.parent_version) == (1, None, 2)
    life.clock.advance(20 * DAY_S)
    life.retain()
    for number in (1, 2):
        assert needs(life, number) <= life.files


def test_what_mlflow_was_not_told_of_a_rejected_window_stays() -> None:
    life = Life(replace(JOB, keep="1d"))
    life.grow(WindowState.PROMOTED)
    life.grow(WindowState.REJECTED)
    life.grow(WindowState.REJECTED, told=False)
    life.clock.advance(3 * DAY_S)
    life.retain()
    records = [life.store.window_record("a", window) for window in ("w2", "w3")]
    told, untold = ({digest for digest, _ in iter_digests(record, "")} for record in records)
    assert untold <= life.files
    assert not told <= life.files
