"""Serving closes the loop: drifted rows are asked over HTTP, labelled by id, and the next version answers."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest

from tests import warm_processes
from tests.command_line import call

JOB = """\
name: blobs
schedule: {every: 1s}
source: {type: folder, url: incoming, min_file_age_s: 0}
schema:
  inputs:
    x: {type: number}
    y: {type: number}
  id_column: id
windowing: {rows: 240}
serving: {request_log: {flush_rows: 60, flush_every: 2s}}
model: {embed_dim: 8, num_heads: 2}
growth: {epochs: 15, batch_size: 32, learning_rate: 0.02, validation_fraction: 0.3}
baseline_comparison: {baselines: []}
drift: {alpha: 0.001}
holdout: {fraction: 0.3}
"""


def clouds(seed: int, *, drifted: bool) -> dict[str, Any]:
    """Two clouds of 240 points; once they have drifted, they lie elsewhere and across each other."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 240)
    x, y = rng.normal(0, 0.5, 240) + 3 * label, rng.normal(0, 0.5, 240)
    return {"x": y + 6, "y": x - 3, "label": label} if drifted else {"x": x, "y": y, "label": label}


@contextmanager
def service(home: Any) -> Iterator[Callable[[], str]]:
    """`growlearn up` in a process of its own; gives what it has said so far."""
    said = home.folder / "up.log"
    with said.open("w") as log:
        process = warm_processes.start_process(
            ["growlearn", "up"],
            cwd=home.folder,
            env=home.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield said.read_text
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, said.read_text()
        finally:
            process.kill()
            process.wait()


def wait_for(what: Callable[[], Any], said: Callable[[], str]) -> Any:
    deadline = time.monotonic() + 150
    while not (found := what()):
        assert time.monotonic() < deadline, said()
        time.sleep(0.5)  # other processes: there is no clock to inject
    return found


@pytest.mark.timeout(420)
def test_served_rows_grow_the_version_that_serves_next(make_home: Callable[[str], Any]) -> None:
    home = make_home("served")
    home.environment |= {"GROWLEARN_API_PORT": "0", "GROWLEARN_THREADS": "1", "GROWLEARN_POLL_S": "0.5"}
    (home.folder / "blobs.yaml").write_text(JOB)
    home.drop_table("1.parquet", clouds(1, drifted=False) | {"id": [f"first-{row}" for row in range(240)]})
    home.growlearn("run", "blobs.yaml")
    created = call(home.folder, home.environment, ("keys", "create", "me", "--role", "operator"))

    drifted = clouds(2, drifted=True)
    truth = drifted.pop("label").tolist()
    rows = [{"x": float(x), "y": float(y)} for x, y in zip(*drifted.values(), strict=True)]
    for row in range(0, 240, 2):  # every second caller has an id of its own
        rows[row]["id"] = row
    with service(home) as said:
        url = wait_for(lambda: re.search(r"HTTP API +(\S+)", said()), said)[1]
        headers = {"Authorization": f"Bearer {created.out.split()[0]}"}
        with httpx.Client(base_url=f"{url}/streams/blobs/", headers=headers, timeout=60) as client:

            def windows() -> list[tuple[str, str, str]]:
                listed = client.get("windows").raise_for_status().json()["windows"]
                return [(window["id"], window["state"], window["verdict"]) for window in listed]

            def predict(part: list[dict[str, Any]]) -> Any:
                return client.post("predict", json={"rows": part}).raise_for_status().json()

            before = [predict(rows[start : start + 60]) for start in range(0, 240, 60)]
            ids = [each["id"] for answer in before for each in answer["predictions"]]
            assert ({answer["version"] for answer in before}, ids[::2]) == ({1}, list(range(0, 240, 2)))
            wait_for(lambda: windows()[1:] == [("w2", "awaiting_labels", "drift")], said)

            labels = [{"id": row_id, "label": label} for row_id, label in zip(ids, truth, strict=True)]
            for start in (0, 120):
                client.post("labels", json={"labels": labels[start : start + 120]}).raise_for_status()
            new = [{"x": row["x"], "y": row["y"]} for row in rows]
            wait_for(lambda: predict(new[:1])["version"] == 2, said)
            after = [predict(new)]
            assert windows()[:2] == [("w1", "promoted", "first"), ("w2", "promoted", "drift")]
            branches = client.get("lineage").raise_for_status().json()["branches"]
            assert [(branch["window"], branch["version"]) for branch in branches] == [("w1", 1), ("w2", 2)]
            metrics = httpx.get(url.removesuffix("/api/v1") + "/metrics", headers=headers).text
            assert "growlearn_logged_rows_total" in metrics

    def count_right(answers: list[Any]) -> int:
        predictions = [each["prediction"] for answer in answers for each in answer["predictions"]]
        return sum(map(int.__eq__, predictions, truth))

    assert count_right(before) < 180
    assert count_right(after) > 220
    grown = home.json("windows", "blobs")["windows"][1]
    assert (grown["labelled"], grown["rows"]) == (240, 240)
