"""Keys and answered requests: the same from every implementation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from growlearn.adapters.db.api_records import open_db_api_records
from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.domain.api_key import ApiKey, ApiRequest, Role, hash_token
from growlearn.domain.errors import NotFound
from growlearn.ports import ApiRecords

AT = datetime(2026, 1, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = ApiKey(id="k1", name="ada", role=Role.OPERATOR, token_sha256=hash_token("secret"), created_at=AT)
REQUEST = ApiRequest(key="a" * 64, request_sha256="b" * 64, started_at=AT)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ApiRecords]:
    if request.param == "memory":
        yield MemoryApiRecords()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'growlearn.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    upgrade_database(url)
    opened = open_db_api_records(url)
    yield opened
    opened.close()


def test_a_key_is_found_by_its_hash_alone(records: ApiRecords) -> None:
    later = replace(KEY, id="a0", token_sha256=hash_token("other"), created_at=AT + MINUTE, expires_at=AT)
    for key in (later, KEY):
        records.add_key(key)

    assert records.find_key(hash_token("secret")) == KEY
    assert records.find_key("secret") is None
    assert records.keys() == (KEY, later)


def test_a_key_is_revoked_once(records: ApiRecords) -> None:
    records.add_key(KEY)

    assert records.revoke_key("k1", AT).revoked_at == AT
    assert records.revoke_key("k1", AT + MINUTE).revoked_at == AT
    assert not records.keys()[0].is_valid(AT + MINUTE)
    with pytest.raises(NotFound, match="there is no key 'k2'"):
        records.revoke_key("k2", AT)


def test_a_request_is_claimed_once_and_then_has_its_answer(records: ApiRecords) -> None:
    again = replace(REQUEST, request_sha256="c" * 64, started_at=AT + MINUTE)

    assert records.claim_request(REQUEST, AT) is None
    assert records.claim_request(again, AT) == REQUEST
    records.finish_request(REQUEST.key, 202, '{"ü": 1}')
    assert records.claim_request(again, AT + 2 * MINUTE) == replace(REQUEST, status=202, body='{"ü": 1}')


def test_a_request_whose_process_died_is_taken_over(records: ApiRecords) -> None:
    again = replace(REQUEST, request_sha256="c" * 64, started_at=AT + MINUTE)
    records.claim_request(REQUEST, AT)

    assert records.claim_request(again, AT + MINUTE) is None
    assert records.claim_request(REQUEST, AT) == again


def test_dropped_and_old_requests_are_forgotten(records: ApiRecords) -> None:
    records.claim_request(REQUEST, AT)
    records.drop_request(REQUEST.key)
    assert records.claim_request(REQUEST, AT) is None
    records.prune_requests(AT)
    assert records.claim_request(REQUEST, AT) == REQUEST
    records.prune_requests(AT + MINUTE)
    assert records.claim_request(REQUEST, AT) is None
