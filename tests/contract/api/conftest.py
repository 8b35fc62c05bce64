"""The HTTP API over a stream of three versions: in memory, and in SQLite with files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits
from starlette.testclient import TestClient

from growlearn.adapters.db.api_records import open_db_api_records
from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.api_records import MemoryApiRecords
from growlearn.app.api.build import build_asgi_app
from growlearn.app.api.context import ApiContext
from growlearn.app.api.keys import create_key
from growlearn.domain.api_key import Role
from growlearn.domain.job import BaselineComparisonConfig, SourceConfig
from growlearn.ports import ApiRecords, Store
from growlearn.settings import read_settings
from tests.unit.api_context import make_api_context
from tests.unit.consolidated import JOB, World
from tests.unit.in_memory import make_ports

API = "/api/v1"
DIGITS = f"{API}/streams/digits"


@dataclass
class Api:
    """A client of one API process, and what is behind it."""

    client: TestClient
    context: ApiContext
    world: World
    source: Path
    log: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, role: str | None = "admin", **options: Any) -> Any:
        """The response to a request with the key of a role."""
        headers = dict(options.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of a listing."""
        response = self.send("GET", path, "viewer", **options)
        assert response.status_code == 200, response.text
        return response.json()

    def predict(self, rows: list[dict[str, Any]], **options: Any) -> Any:
        """The response to rows to predict."""
        return self.send("POST", f"{DIGITS}/predict", "viewer", json={"rows": rows, **options})


def digit_rows(*indices: int, **extra: Any) -> list[dict[str, Any]]:
    """Digits of the data set as rows of JSON."""
    images = (load_digits().images * 15.9375).astype("uint8")
    return [{"image": images[index].reshape(-1).tolist(), **extra} for index in indices]


def _grow(folder: Path, store: Store | None) -> World:
    folder.mkdir()
    (folder / "incoming").mkdir()
    job = replace(
        JOB,
        baseline_comparison=BaselineComparisonConfig(baselines=()),
        source=SourceConfig(url=str(folder / "incoming"), min_file_age_s=0),
    )
    world = World(folder, job)
    if store is not None:
        world.store = store  # type: ignore[assignment]
        world.ports = make_ports(folder, world.clock, store, world.artifacts, world.source)
        store.apply(job, world.clock.now())
    world.send("a", "b")
    world.run()
    return world


@pytest.fixture(scope="session", params=["memory", "sqlite"])
def grown_api(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, ApiRecords]]:
    folder = tmp_path_factory.mktemp("api") / request.param
    if request.param == "memory":
        yield _grow(folder, None), MemoryApiRecords()
        return
    url = f"sqlite:///{folder.parent / 'growlearn.db'}"
    upgrade_database(url)
    with open_db_store(url) as store:
        records = open_db_api_records(url)
        yield _grow(folder, store), records
        records.close()


@pytest.fixture
def make_api(grown_api: tuple[World, ApiRecords], tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """An API process over the grown stream; settings by keyword."""
    world, records = grown_api
    opened: list[TestClient] = []

    def make(**settings: Any) -> Api:
        log: list[tuple[str, dict[str, object]]] = []
        environ = {f"GROWLEARN_{key.upper()}": str(value) for key, value in settings.items()}
        read = read_settings({"GROWLEARN_POLL_S": "0.05", **environ}, tmp_path)

        def write(event: str, fields: dict[str, object]) -> None:
            log.append((event, fields))

        context = make_api_context(read, world.store, records, world.artifacts, write)
        client = TestClient(build_asgi_app(context, write), raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        api = Api(client, context, world, Path(world.store.stream("digits").job.source.url), log)
        now = context.clock.now()
        for role in Role:
            key, token = create_key(records, f"a {role}", role, now)
            api.tokens |= {role.value: token, f"{role} id": key.id}
        _, api.tokens["expired"] = create_key(records, "old", Role.ADMIN, now, now)
        revoked, api.tokens["revoked"] = create_key(records, "gone", Role.ADMIN, now)
        records.revoke_key(revoked.id, now + timedelta(seconds=1))
        api.tokens["unknown"] = "glk_unknown"
        return api

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """One with default settings."""
    return make_api()
