"""A store's condition, asked without changing it."""

from __future__ import annotations

import socket

from growlearn.adapters.db.engine import connect_to_look
from growlearn.adapters.mlflow.client import open_client
from growlearn.adapters.mlflow.condition import newest_revision, revision_in, why_silent


def test_a_server_that_is_there_answers(server_uri: str) -> None:
    assert why_silent(server_uri) is None


def test_a_server_that_is_not_there_is_silent_for_a_reason() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        reason = why_silent(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert reason is not None
    assert "refused" in reason


def test_a_store_that_was_just_made_is_at_the_newest_revision(sqlite_uri: str) -> None:
    open_client(sqlite_uri)
    engine = connect_to_look(sqlite_uri)
    assert revision_in(engine) == newest_revision()
    engine.dispose()
