"""A model registry that others touch too, seen through the commands; MLflow's own SQLite store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.mlflow.client import open_client
from growlearn.app.decisions import decide_rollback, store_decision

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tests.integration.cli.conftest import Place

NAME = "blobs"


def client_of(place: Place) -> MlflowClient:
    return open_client(f"sqlite:///{place.folder / '.growlearn' / 'mlflow.db'}")


def aliases_of(client: MlflowClient) -> dict[str, str]:
    """The version of ours that each alias stands on, by its tag; `foreign` where it has none."""
    aliases = client.get_registered_model(NAME).aliases
    tags = {alias: client.get_model_version(NAME, number).tags for alias, number in aliases.items()}
    return {alias: found.get("growlearn.version", "foreign") for alias, found in tags.items()}


def registry_findings(place: Place) -> list[tuple[str, str]]:
    findings = place.growlearn("doctor", "--json").json["findings"]
    return [(found["state"], found["message"]) for found in findings if found["check"] == "registry"]


def registered(place: Place) -> dict[int, str]:
    return {
        v["version"]: v["mlflow_version"]
        for v in place.growlearn("versions", NAME, "--json").json["versions"]
    }


def test_in_a_registry_that_nobody_touched_nothing_is_said(copied: Place) -> None:
    run = copied.growlearn("run", NAME)
    assert (run.code, run.err) == (0, "")
    assert copied.growlearn("versions", NAME, "--json").json["mlflow_warnings"] == []
    assert registry_findings(copied) == [("ok", "1 registered model as recorded")]


@pytest.mark.parametrize("whole_model", [True, False])
def test_what_somebody_deleted_is_registered_again(copied: Place, whole_model: bool) -> None:
    client, before = client_of(copied), registered(copied)
    aliases = aliases_of(client)
    number = client.get_registered_model(NAME).aliases["champion"]
    if whole_model:
        client.delete_registered_model(NAME)
    else:
        client.delete_model_version(NAME, number)
    [(state, message)] = registry_findings(copied)
    assert (state, "no longer in MLflow" in message) == ("warning", True)
    run = copied.growlearn("run", NAME)
    assert (run.code, "no longer in MLflow; to be registered again" in run.err) == (0, True)
    assert aliases_of(client) == aliases
    after = registered(copied)
    assert after.keys() == before.keys()
    assert {
        int(version.tags["growlearn.version"]): str(version.version)
        for version in client.search_model_versions(f"name = '{NAME}'")
    } == after
    assert copied.growlearn("run", NAME).err == ""
    assert registry_findings(copied) == [("ok", "1 registered model as recorded")]


def test_an_alias_that_somebody_removed_is_set_again(copied: Place) -> None:
    client = client_of(copied)
    aliases = aliases_of(client)
    client.delete_registered_model_alias(NAME, "champion")
    assert "alias champion of stream 'blobs' no longer in MLflow" in copied.growlearn("run", NAME).err
    assert aliases_of(client) == aliases


def test_an_alias_moved_to_a_version_of_somebody_else_is_reported_until_a_person_takes_it(
    copied: Place,
) -> None:
    client = client_of(copied)
    foreign = str(client.create_model_version(NAME, "s3://elsewhere/model").version)
    client.set_registered_model_alias(NAME, "champion", foreign)
    text = (
        f"alias champion of registered model 'blobs' stands on its version {foreign}, which is not of this "
        "stream: GrowLearn did not register it"
    )
    for command in (("run", NAME), ("versions", NAME)):
        done = copied.growlearn(*command)
        assert (done.code, text in done.err) == (0, True), command
    assert text in copied.growlearn("versions", NAME, "--json").json["mlflow_warnings"][0]
    assert registry_findings(copied) == [("error", text)]
    assert aliases_of(client)["champion"] == "foreign"
    champion = copied.growlearn("status", "--json").json["streams"][0]["champion"]
    taken = copied.growlearn("promote", NAME, str(champion))
    assert (taken.code, "the aliases in MLflow are set as recorded" in taken.out) == (0, True)
    assert aliases_of(client)["champion"] == str(champion)
    again = copied.growlearn("promote", NAME, str(champion))
    assert (again.code, "is the champion already" in again.err) == (1, True)


def test_an_alias_moved_by_hand_to_an_older_version_is_reported_and_put_back_by_promote(
    copied: Place,
) -> None:
    client = client_of(copied)
    champion = copied.growlearn("status", "--json").json["streams"][0]["champion"]
    assert champion > 1
    client.set_registered_model_alias(NAME, "champion", registered(copied)[1])
    text = f"stands on version 1 of this stream, but the record has version {champion}"
    assert text in copied.growlearn("run", NAME).err
    assert text in copied.growlearn("versions", NAME).err
    assert text in registry_findings(copied)[0][1]
    assert copied.growlearn("promote", NAME, str(champion)).code == 0
    assert aliases_of(client)["champion"] == str(champion)


def test_a_decision_that_mlflow_was_not_told_is_told_once_when_it_is_made_again(copied: Place) -> None:
    url = f"sqlite:///{copied.folder / '.growlearn' / 'growlearn.db'}"
    with open_db_store(url) as store:
        at = store.stream(NAME).created_at
        store_decision(store, decide_rollback(store, NAME, 1, "a person", "cut short before MLflow", at))
        (pending,) = store.outbox.pending(NAME)
        again = copied.growlearn("promote", NAME, "1")
        assert (again.code, "the aliases in MLflow are set as recorded" in again.out) == (0, True), again.err
        assert "stands on version" not in again.err
        assert store.outbox.pending(NAME) == ()
        store.outbox.enqueue([pending.message])
        assert [new.id for new in store.outbox.pending(NAME)] == [pending.id + 1]  # none in between
    assert aliases_of(client_of(copied))["champion"] == "1"


def test_a_second_installation_with_the_same_names_leaves_the_first_one_s_aliases(
    copied: Place, make_place: Callable[[str], Place]
) -> None:
    client, first = client_of(copied), registered(copied)
    before = client.get_registered_model(NAME).aliases
    uri = f"sqlite:///{copied.folder / '.growlearn' / 'mlflow.db'}"
    second = make_place("second")
    second = replace(second, environment=second.environment | {"GROWLEARN_MLFLOW_TRACKING_URI": uri})
    second.drop("1.parquet", turned=False, seed=11)
    run = second.growlearn("run", "blobs.yaml")
    assert run.code == 0
    assert "alias champion of registered model 'blobs' stands on its version" in run.err
    assert "of stream 'blobs' created at" in run.err
    assert "deleted since or of another installation" in run.err
    assert client.get_registered_model(NAME).aliases == before
    assert set(registered(second).values()).isdisjoint(first.values())
    assert copied.growlearn("run", NAME).err == ""
    assert second.growlearn("promote", NAME, "1").code == 0
    assert client.get_registered_model(NAME).aliases["champion"] == int(registered(second)[1])
    assert "which is not of this stream" in copied.growlearn("run", NAME).err


def test_without_a_store_nothing_is_made_and_nothing_said(copied: Place) -> None:
    file = Path(copied.folder, ".growlearn", "mlflow.db")
    file.unlink()
    versions: Any = copied.growlearn("versions", NAME)
    assert (versions.code, versions.err, file.exists()) == (0, "", False)
