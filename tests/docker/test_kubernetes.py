"""The manifests: by the schemas of Kubernetes, in its restricted profile, and consistent with each other."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from growlearn.settings import read_settings

FOLDER = Path(__file__).parents[2] / "docker" / "kubernetes"
VERSIONS = ("1.30", "1.35")  # the oldest that these manifests are written for, and a new one


def read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


KUSTOMIZATION = read("kustomization.yaml")[0]
FILES = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
OBJECTS = [(name, manifest) for name in FILES for manifest in read(name)]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for _, manifest in OBJECTS:
        template = manifest.get("spec", {}).get("template")
        if template is not None:
            yield manifest["metadata"]["name"], template["spec"]


PODS = dict(pods())
CONTAINERS = [
    pytest.param(container, id=f"{name}-{container['name']}")
    for name, pod in PODS.items()
    for container in (*pod.get("initContainers", ()), *pod["containers"])
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", [pytest.param(each, id=f"{each['kind']}-{each['metadata']['name']}") for _, each in OBJECTS]
)
def test_a_manifest_fits_the_schema(
    manifest: dict[str, Any], version: str, need: Callable[[str, bool], None]
) -> None:
    package = "kubernetes_validate"
    need("kubernetes-validate: make install", importlib.util.find_spec(package) is not None)
    importlib.import_module(package).validate(manifest, version, strict=True)


def test_all_parts_are_there() -> None:
    kinds = {(manifest["kind"], manifest["metadata"]["name"]) for _, manifest in OBJECTS}
    assert {("Deployment", f"growlearn-{part}") for part in ("scheduler", "worker", "api")} <= kinds
    assert {("Job", "growlearn-migrate"), ("ConfigMap", "growlearn"), ("Service", "growlearn-api")} <= kinds


def test_the_kustomization_names_every_file_but_the_example_of_a_secret() -> None:
    assert sorted(KUSTOMIZATION["resources"]) == [name for name in FILES if name != "secret.example.yaml"]
    assert not any(manifest["kind"] == "Secret" for name, manifest in OBJECTS if "example" not in name)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_in_the_restricted_profile(name: str) -> None:
    context = PODS[name]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == 10001
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert PODS[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PODS)
def test_services_set_no_variables_in_a_pod(name: str) -> None:
    """GROWLEARN_API_PORT, from the service growlearn-api, would stand beside the settings."""
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_may_do_as_little_as_possible(container: dict[str, Any]) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/var/lib/growlearn"}
    assert {name: set(bounds) for name, bounds in container["resources"].items()} == {
        "requests": {"cpu", "memory"},
        "limits": {"cpu", "memory"},
    }
    assert container["image"] == KUSTOMIZATION["images"][0]["name"]


@pytest.mark.parametrize("name", ["growlearn-scheduler", "growlearn-worker", "growlearn-api"])
def test_a_pod_that_lasts_says_when_it_is_ready(name: str) -> None:
    (container,) = PODS[name]["containers"]
    assert "readinessProbe" in container
    assert PODS[name]["initContainers"][0]["args"] == ["db", "check"]


def test_selectors_find_their_pods() -> None:
    labels = [
        manifest["spec"]["template"]["metadata"]["labels"]
        for _, manifest in OBJECTS
        if manifest["kind"] == "Deployment"
    ]
    for _, manifest in OBJECTS:
        spec = manifest.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= each.items() for each in labels), manifest["metadata"]


def test_every_variable_is_one_that_growlearn_reads(tmp_path: Path) -> None:
    """A misspelt one is an error of read_settings."""
    values = read("config.yaml")[0]["data"] | read("secret.example.yaml")[0]["stringData"]
    settings = read_settings(values, tmp_path)
    assert settings.artifacts_url.startswith("s3://")
    assert settings.database_url.startswith("postgresql://")
