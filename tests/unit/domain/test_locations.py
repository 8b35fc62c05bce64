"""What is a path and what a URL, and that no character of a path is read as anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.locations import get_local_path, get_sqlite_file
from tests.odd_names import ODD_NAMES

NAMES = st.text(st.sampled_from("ab%4120?#:&=+@;[] ~\u00e4\u6625"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)


@given(NAMES, NAMES)
def test_a_path_is_itself_whatever_its_name_holds(folder: str, name: str) -> None:
    assert get_local_path(f"/{folder}/{name}") == f"/{folder}/{name}"
    assert get_sqlite_file(f"sqlite:////{folder}/{name}/growlearn.db") == Path(
        f"/{folder}/{name}/growlearn.db"
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_relative_path_is_itself_too(name: str) -> None:
    assert get_local_path(name) == name
    assert get_sqlite_file(f"sqlite:///{name}/growlearn.db") == Path(name, "growlearn.db")


@pytest.mark.parametrize(
    "url", ["s3://bucket/home%41", "memory://a?b", "simplecache::s3://bucket", "zip://in::s3://bucket/a.zip"]
)
def test_a_url_of_another_file_system_is_no_path(url: str) -> None:
    assert get_local_path(url) is None
    assert get_sqlite_file(url) is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///srv/data", "/srv/data"),
        ("file:/srv/data", "/srv/data"),
        ("local:///srv/a b?#::c", "/srv/a b?#::c"),
        ("file:///100%d", "/100%d"),
        ("file:relative", "file:relative"),
    ],
)
def test_a_file_url_gives_its_path(url: str, path: str) -> None:
    assert get_local_path(url) == path


@pytest.mark.parametrize("url", ["file:///srv/home%41", "file:///srv/a%20b"])
def test_a_file_url_that_programs_read_differently_is_refused(url: str) -> None:
    with pytest.raises(GrowLearnError, match=r"can be read in two ways.*write the path alone"):
        get_local_path(url)


def test_a_file_url_with_a_host_is_refused() -> None:
    with pytest.raises(GrowLearnError, match=r"names no file of this computer \(write file:///path"):
        get_local_path("file://srv/data")


@pytest.mark.parametrize("url", ["memory://a::b/c", "s3://bucket/a::b", "zip://in::/tmp/a.zip"])
def test_a_url_whose_name_fsspec_would_cut_off_is_refused(url: str) -> None:
    with pytest.raises(GrowLearnError, match=r"'::' in a name.*rename that folder"):
        get_local_path(url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite+pysqlite:///:memory:", "in memory"),
        ("sqlite://host/growlearn.db", "names a host"),
        ("sqlite:///growlearn.db?timeout=3", r"ends in options, '\?timeout=3'"),
        ("sqlite:///file:growlearn.db?mode=ro&uri=true", "ends in options"),
    ],
)
def test_a_sqlite_url_that_names_no_file_says_so(url: str, complaint: str) -> None:
    with pytest.raises(GrowLearnError, match=complaint):
        get_sqlite_file(url)


def test_a_server_has_no_sqlite_file() -> None:
    assert get_sqlite_file("postgresql://ann:a%40b@host/growlearn") is None
    assert get_sqlite_file("https://mlflow.example") is None
