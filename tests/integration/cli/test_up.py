"""The service: it notices files by itself, stops when asked, and shares its work with others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from tests.unit.adapters.webhook.receiver import run_receiver


@contextmanager
def running(place: Any, *commands: str) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [place.start(command) for command in commands]
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


def wait_until(true: Callable[[], bool], what: str, limit_s: float = 90) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come about in {limit_s} s"
        time.sleep(0.5)  # other processes: there is no clock to inject


def ends(place: Any) -> list[tuple[str, str]]:
    windows = place.growlearn("windows", "blobs", "--json").json["windows"]
    return [(window["id"], window["state"]) for window in windows]


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=60)


def long_training(place: Any) -> None:
    """A stream with one window whose growth lasts long enough to be interrupted."""
    job = place.folder / "blobs.yaml"
    job.write_text(job.read_text().replace("epochs: 15", "epochs: 60, patience: 60"))
    place.growlearn("apply", "blobs.yaml")
    place.drop("1.parquet", turned=False, seed=1)


def test_up_handles_what_is_dropped_and_stops_when_asked(place: Any) -> None:
    """Whatever becomes of its webhook, which never answers."""
    with run_receiver() as receiver:
        receiver.delay_s = 600
        variables = {"GROWLEARN_WEBHOOK_URL": receiver.url}
        telling = replace(place, environment=place.environment | variables)
        out, err = handle_two_windows(place, telling)
        assert receiver.received
    assert "blobs w1, 240 rows, first (task-1), promoted" in out
    assert "blobs w2, 240 rows, stable (task-1), nothing grown" in out
    errors = [line for line in err.splitlines() if " error: " in line]
    assert [line for line in errors if " error: the webhook: " not in line] == []


def handle_two_windows(place: Any, telling: Any) -> tuple[str, str]:
    with running(telling, "up") as (service,):
        place.growlearn("apply", "blobs.yaml")
        place.drop("1.parquet", turned=False, seed=1)
        wait_until(lambda: ends(place) == [("w1", "promoted")], "the first window's promotion")
        place.drop("2.parquet", turned=False, seed=2)
        wait_until(lambda: ends(place)[1:] == [("w2", "skipped")], "the end of the second window")
        wait_until(
            lambda: all(
                v["mlflow_version"] for v in place.growlearn("versions", "blobs", "--json").json["versions"]
            ),
            "the registration of the version",
        )
        out, err = stop(service, signal.SIGTERM)
        assert service.returncode == 0, err
    return out, err


def test_two_schedulers_and_two_workers_do_everything_once(place: Any) -> None:
    """And tell it once, to a webhook, and in a log of JSON."""
    place.growlearn("apply", "blobs.yaml")
    for number in range(1, 4):
        place.drop(f"{number}.parquet", turned=False, seed=number)
    with run_receiver() as receiver:
        variables = {"GROWLEARN_LOG_FORMAT": "json", "GROWLEARN_WEBHOOK_URL": receiver.url}
        telling = replace(place, environment=place.environment | variables)
        with running(telling, "scheduler", "scheduler", "worker", "worker") as processes:
            expected = [("w1", "promoted"), ("w2", "skipped"), ("w3", "skipped")]
            wait_until(lambda: ends(place) == expected, "the end of three windows")
            wait_until(lambda: bool(receiver.received), "the request of the webhook")
            outputs = [stop(process, signal.SIGTERM) for process in processes]
        alerts = [json.loads(body) for _, _, body in receiver.received]
    assert [(alert["kind"], alert["window"], alert["version"]) for alert in alerts] == [
        ("promotion", "w1", 1)
    ]
    lines = [json.loads(line) for out, err in outputs for line in (out + err).splitlines()]
    windows = {line["window"]: line for line in lines if "nothing grown" in line["event"]}
    assert {window: line["stream"] for window, line in windows.items()} == {"w2": "blobs", "w3": "blobs"}
    assert all(line["claim"] >= 1 for line in windows.values())
    branches = place.growlearn("lineage", "blobs", "--json").json["branches"]
    assert [branch["id"] for branch in branches] == ["b1"]


def test_a_service_manager_that_signals_every_process_costs_no_try(place: Any) -> None:
    """systemd sends SIGTERM to the training process too; the next to run ends what was begun."""
    # A training that is forked by the tests would not be in the group of the service.
    place = replace(place, environment=place.environment | {"TESTS_COLD": "training"})
    long_training(place)
    with running(place, "up") as (service,):
        wait_until(lambda: ends(place) == [("w1", "growing")], "the growth of the first window")
        os.killpg(service.pid, signal.SIGTERM)
        _out, err = service.communicate(timeout=60)
    assert (service.returncode, " error: " in err) == (0, False), err
    (window,) = place.growlearn("windows", "blobs", "--json").json["windows"]
    assert window["state"] == "growing"
    assert "failed" not in window["reason"]
    done = place.growlearn("run", "blobs")
    assert (done.code, ends(place)) == (0, [("w1", "promoted")]), done.err
