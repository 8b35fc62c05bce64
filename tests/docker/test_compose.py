"""compose.yaml: by the specification's schema, hardened, started in order, and free of passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE = DOCKER / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
ONCE = ("migrate", "buckets")


def test_it_fits_the_schema_of_the_specification(check: Callable[..., str]) -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_all_parts_are_there() -> None:
    assert {"postgres", "mlflow", "minio", "migrate", "scheduler", "worker", "api"} <= set(SERVICES)
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_as_little_as_possible(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_reached_from_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ONCE])
def test_a_service_that_lasts_starts_again_and_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert "healthcheck" in service or service["image"].startswith("${GROWLEARN_IMAGE")  # the image's own


@pytest.mark.parametrize(("name", "writes"), [("scheduler", False), ("worker", False), ("api", True)])
def test_only_the_api_writes_into_the_folders_of_streams(name: str, writes: bool) -> None:
    (data,) = [volume for volume in SERVICES[name]["volumes"] if volume["target"] == "/data"]
    assert data.get("read_only", False) is not writes


@pytest.mark.parametrize("name", ["scheduler", "worker", "api"])
def test_a_process_waits_for_its_tables_and_its_bucket_but_not_for_mlflow(name: str) -> None:
    waits = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
    assert waits == {
        "postgres": "service_healthy",
        "migrate": "service_completed_successfully",
        "buckets": "service_completed_successfully",
    }


def test_every_password_comes_from_the_environment_file() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    secrets = re.findall(r"^\s+\w*(?:PASSWORD|SECRET_ACCESS_KEY): (.*)$", text, re.MULTILINE)
    secrets += re.findall(r"://growlearn:([^@]*)@", text)
    assert len(secrets) == 6
    assert {re.sub(r"\{\w+:", "{NAME:", secret) for secret in secrets} == {"${NAME:?set it in .env}"}


def test_the_example_names_what_must_be_set_and_sets_nothing() -> None:
    text = (DOCKER / ".env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["POSTGRES_PASSWORD=", "MINIO_PASSWORD="]
    read = set(re.findall(r"\$\{(\w+):", COMPOSE.read_text(encoding="utf-8")))
    assert {name for name in read if name not in text} == set()
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*(?==)", text)) <= read
