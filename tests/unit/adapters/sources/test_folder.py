"""The folder source on a real disk: patterns, settling, links."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.sources import open_source
from growlearn.domain.errors import GrowLearnError, InvalidFile, JobError, TemporarilyUnreadable
from growlearn.domain.job import SourceConfig
from growlearn.domain.window import SourceFile

NOBODY = 65534
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in [1]"  # brackets mean something in a file pattern, not in a folder's name
    path.mkdir()
    return path


@pytest.fixture
def put(folder: Path) -> Callable[..., Path]:
    def write(name: str, content: bytes = b"x", at: float = LONG_AGO) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    return write


def names(folder: Path, pattern: str = "*", settle_s: float = 1.0) -> list[str]:
    return [str(Path(file.url).relative_to(folder)) for file in listing(folder, pattern, settle_s)]


def listing(folder: Path, pattern: str = "*", settle_s: float = 1.0) -> Sequence[SourceFile]:
    spec = SourceConfig(url=str(folder), pattern=pattern, min_file_age_s=settle_s)
    return open_source(spec, ManualClock()).files()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a.csv", "b.parquet"]),
        ("*.parquet", ["b.parquet"]),
        ("**/*.parquet", ["b.parquet", "one/c.parquet", "one/two/d.parquet"]),
        ("**", ["a.csv", "b.parquet", "one/c.parquet", "one/two/d.parquet"]),
        ("one/*", ["one/c.parquet"]),
        ("[ab].*", ["a.csv", "b.parquet"]),
    ],
)
def test_the_pattern_picks_files_and_two_stars_reach_into_folders(
    put: Callable[..., Path], folder: Path, pattern: str, expected: list[str]
) -> None:
    for name in ("b.parquet", "a.csv", "one/c.parquet", "one/two/d.parquet"):
        put(name)
    assert names(folder, pattern) == expected


@pytest.mark.parametrize(
    "name",
    [
        ".a.csv",
        "_SUCCESS",
        "a.tmp",
        "a.parquet.part",
        "a.csv.crdownload",
        "a.TMP",
        "_temporary/a.csv",
        ".x/a.csv",
        "Thumbs.db",
        "desktop.ini",
        "__MACOSX/a.csv",
        "@eaDir/a.csv",
        "a.csv:Zone.Identifier",
    ],
)
def test_hidden_and_unfinished_files_are_left_alone(
    put: Callable[..., Path], folder: Path, name: str
) -> None:
    put(name)
    put("good.csv")
    assert names(folder, "**") == ["good.csv"]


def test_a_file_touched_within_the_settling_time_is_left_for_the_next_tick(
    put: Callable[..., Path], folder: Path
) -> None:
    clock = ManualClock()
    put("a.csv", at=(clock.now() - timedelta(seconds=0.5)).timestamp())
    source = open_source(SourceConfig(url=str(folder), min_file_age_s=1.0), clock)
    assert source.files() == ()
    clock.advance(0.5)
    assert len(source.files()) == 1


def test_a_file_dated_in_the_future_waits_until_then_and_is_named(
    put: Callable[..., Path], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    put("a.csv", at=(clock.now() + timedelta(days=1)).timestamp())
    source = open_source(SourceConfig(url=str(folder)), clock)
    assert source.files() == source.files() == ()
    (warning,) = caplog.messages  # said once
    assert "a.csv is dated 2026-01-02 00:00:00 UTC, in the future, and waits until then" in warning
    clock.advance(86_401)
    assert len(source.files()) == 1


def test_a_clock_a_little_ahead_is_no_news(
    put: Callable[..., Path], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put("a.csv", at=ManualClock().now().timestamp() + 30)
    assert names(folder) == []
    assert not caplog.messages


def test_without_settling_time_every_file_is_ready(put: Callable[..., Path], folder: Path) -> None:
    put("a.csv", at=ManualClock().now().timestamp())
    assert names(folder, settle_s=0) == ["a.csv"]


def test_a_missing_folder_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match=r"nowhere does not exist \(create it, or correct source.url"):
        listing(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GrowLearnError, match="file is not a folder"):
        listing(tmp_path / "file")


def test_a_missing_remote_folder_names_the_cure() -> None:
    source = open_source(SourceConfig(url="memory://nowhere-at-all/in"), ManualClock(), ["memory"])
    with pytest.raises(
        GrowLearnError, match=r"does not exist \(create it, its bucket first, or correct source.url"
    ):
        source.files()


@pytest.mark.parametrize("url", ["nosuchthing://bucket/in", "dropbox://in"])
def test_a_url_nothing_can_open_is_told(url: str) -> None:
    with pytest.raises(GrowLearnError, match=f"{url} cannot be opened: "):
        open_source(SourceConfig(url=url), ManualClock(), ["nosuchthing", "dropbox"])


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("http://example.com/in", "http"),
        ("reference://in", "reference"),
        ("simplecache::s3://bucket/in", "simplecache"),
        ("zip://a.csv::s3://bucket/in.zip", "zip"),
        ("MEMORY://in", "memory"),
        ("s3://bucket/in.zip::http://example.com", "http"),
    ],
)
def test_only_protocols_that_the_operator_allows_are_opened(url: str, protocol: str) -> None:
    with pytest.raises(JobError, match=f"protocol {protocol} is not allowed here .*one of s3, gs, abfs"):
        open_source(SourceConfig(url=url), ManualClock())


def test_an_unknown_kind_of_source_names_the_nearest() -> None:
    with pytest.raises(JobError, match=r"'image_folders' is unknown; .*\(did you mean 'image-folder'\?\)"):
        open_source(SourceConfig(url="x", type="image_folders"), ManualClock())


def test_an_impossible_pattern_is_told(folder: Path) -> None:
    with pytest.raises(JobError, match=r"source.pattern .* is no file pattern"):
        open_source(SourceConfig(url=str(folder), pattern="a**.csv"), ManualClock())


class TestLinks:
    def test_a_link_out_of_the_folder_is_listed_as_refused_and_never_opened(
        self, folder: Path, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret.csv"
        secret.write_bytes(b"secret")
        (folder / "a.csv").symlink_to(secret)
        source = open_source(SourceConfig(url=str(folder), min_file_age_s=0), ManualClock())
        (file,) = source.files()
        assert file.reject_reason == "is a symbolic link that leads out of the folder"
        with pytest.raises(InvalidFile, match="leads out of the folder"):
            source.read(file)

    def test_a_file_swapped_for_such_a_link_after_listing_is_not_opened(
        self, put: Callable[..., Path], folder: Path, tmp_path: Path
    ) -> None:
        path = put("a.csv")
        source = open_source(SourceConfig(url=str(folder), min_file_age_s=0), ManualClock())
        (file,) = source.files()
        (tmp_path / "secret.csv").write_bytes(b"s")
        path.unlink()
        path.symlink_to(tmp_path / "secret.csv")
        with pytest.raises(InvalidFile, match="leads out of the folder"):
            source.read(file)

    def test_a_link_that_takes_a_place_between_check_and_opening_leads_nowhere(
        self, put: Callable[..., Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("one/a.csv")
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "a.csv").write_bytes(b"secret")
        source = open_source(SourceConfig(url=str(folder), pattern="**", min_file_age_s=0), ManualClock())
        (file,) = source.files()
        is_relative_to = Path.is_relative_to

        def swap_after_check(path: Path, *others: Any) -> bool:
            is_inside = is_relative_to(path, *others)
            if not (folder / "one").is_symlink():
                (folder / "one").rename(tmp_path / "aside")
                (folder / "one").symlink_to(outside)
            return is_inside

        monkeypatch.setattr(Path, "is_relative_to", swap_after_check)
        with pytest.raises((InvalidFile, TemporarilyUnreadable)):
            source.read(file)

    def test_a_pipe_that_takes_the_place_of_a_file_does_not_block(
        self, put: Callable[..., Path], folder: Path
    ) -> None:
        path = put("a.csv")
        source = open_source(SourceConfig(url=str(folder), min_file_age_s=0), ManualClock())
        (file,) = source.files()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(InvalidFile, match="is not a regular file"):
            source.read(file)

    def test_a_linked_folder_outside_is_refused_and_not_entered(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.csv").write_bytes(b"x")
        (folder / "other").symlink_to(tmp_path / "other")
        assert [(Path(f.url).name, f.reject_reason is not None) for f in listing(folder, "**", 0)] == [
            ("other", True)
        ]

    def test_a_link_within_the_folder_is_a_file_like_any_other(
        self, put: Callable[..., Path], folder: Path
    ) -> None:
        put("a.csv", b"content")
        (folder / "b.csv").symlink_to(folder / "a.csv")
        source = open_source(SourceConfig(url=str(folder)), ManualClock())
        assert [source.read(file) for file in source.files()] == [
            {"a.csv": b"content"},
            {"b.csv": b"content"},
        ]

    @pytest.mark.parametrize("target", ["nothing.csv", "a.csv", "."])
    def test_a_link_to_nothing_to_itself_or_to_its_own_folder_is_left_out(
        self, folder: Path, target: str
    ) -> None:
        (folder / "a.csv").symlink_to(target)
        assert names(folder, "**", settle_s=0) == []

    def test_a_folder_that_is_itself_reached_by_a_link_is_fine(
        self, put: Callable[..., Path], folder: Path, tmp_path: Path
    ) -> None:
        put("a.csv")
        (tmp_path / "link").symlink_to(folder)
        assert names(tmp_path / "link") == ["a.csv"]


def test_a_named_pipe_is_refused_and_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "a.csv")
    (file,) = listing(folder, settle_s=0)
    assert file.reject_reason == "is not a regular file"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read every file, so root becomes another user for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_that_may_not_be_read_says_so() -> None:
    with TemporaryDirectory() as folder:  # unlike `tmp_path`, within reach of every user
        os.chmod(folder, 0o755)
        path = Path(folder, "a.csv")
        path.write_bytes(b"x")
        path.chmod(0)
        source = open_source(SourceConfig(url=folder, min_file_age_s=0), ManualClock())
        (file,) = source.files()
        with (
            as_nobody(),
            pytest.raises(InvalidFile, match=r"a.csv cannot be read: Permission denied \(fix it"),
        ):
            source.read(file)


def test_a_disk_that_is_away_leaves_the_file_for_the_next_tick(need: Callable[[str, bool], None]) -> None:
    """The first page of a process's memory is a file that is listed and fails as a broken disk does."""
    need("Linux's /proc", Path("/proc/self/mem").exists())
    source = open_source(SourceConfig(url="/proc/self", pattern="mem", min_file_age_s=0), ManualClock())
    (file,) = source.files()
    with pytest.raises(TemporarilyUnreadable, match=r"mem cannot be read just now: Input/output error"):
        source.read(file)


def test_only_the_marks_that_writers_leave_are_hidden_by_an_underscore(
    put: Callable[..., Path], folder: Path
) -> None:
    for name in ("_SUCCESS", "_committed_1", "_noise.csv"):
        put(name)
    assert names(folder) == ["_noise.csv"]


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1/data", "nope://x", "http://127.0.0.1:1/data"])
def test_a_source_that_cannot_be_reached_is_told_in_one_line(url: str) -> None:
    with pytest.raises(GrowLearnError, match=r"cannot be (reached|opened)"):
        open_source(SourceConfig(url=url), ManualClock(), ["ftp", "nope", "http"]).files()
