"""A store's health, checked without changing it."""

from __future__ import annotations

import socket

from growlearn.adapters.db.engine import connect_readonly
from growlearn.adapters.mlflow.client import get_tracking_sqlite_path, lock_tracking_store, open_client
from growlearn.adapters.mlflow.health import find_server_error, get_expected_revision, read_store_revision


def test_a_server_that_is_there_answers(server_uri: str) -> None:
    assert find_server_error(server_uri) is None


def test_a_server_that_is_not_there_is_silent_for_a_reason() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        reason = find_server_error(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert reason is not None
    assert "refused" in reason


def test_a_store_that_was_just_made_is_at_the_newest_revision(sqlite_uri: str) -> None:
    with lock_tracking_store(get_tracking_sqlite_path(sqlite_uri)):
        open_client(sqlite_uri)
    engine = connect_readonly(sqlite_uri)
    assert read_store_revision(engine) == get_expected_revision()
    engine.dispose()
