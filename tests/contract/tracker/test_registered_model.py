"""A registered model that others touch too: they delete, register and move aliases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from growlearn.domain.lineage import Version
from growlearn.domain.registered_model import RegisteredModel
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import WindowReport

if TYPE_CHECKING:
    from tests.contract.tracker.conftest import TrackerCase


def log_two(case: TrackerCase, first: WindowReport, second: WindowReport) -> list[Version]:
    """Versions 1 and 2, registered, with the aliases on them."""
    for report in (first, second):
        case.tracker.log_cycle(report)
    assert first.version is not None
    assert second.version is not None
    versions = [first.version, second.version]
    case.tracker.set_aliases(first.stream, versions, {Alias.CHAMPION: 1, Alias.CHALLENGER: 2})
    return versions


def read(case: TrackerCase, stream: Stream, versions: list[Version]) -> RegisteredModel:
    model = case.tracker.read_registered_model(stream, versions)
    assert model is not None
    return model


def numbers(model: RegisteredModel) -> dict[str, int | None]:
    return {alias.value: target.number for alias, target in model.aliases.items()}


def test_what_is_registered_and_where_the_aliases_stand_is_read(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    model = read(case, stream, versions)
    assert model.versions == {1: "1", 2: "2"}
    assert numbers(model) == {"champion": 1, "challenger": 2}
    assert read(case, replace(stream, job=replace(stream.job, name="never-registered")), []).versions == {}


def test_a_deleted_version_is_missed_and_registered_again_under_a_number_of_its_own(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    name = stream.job.registered_model
    case.somebody.delete_version(name, "1")
    model = read(case, stream, versions)
    assert (model.versions, numbers(model)) == ({2: "2"}, {"challenger": 2})
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1})  # not registered, so left out
    assert numbers(read(case, stream, versions)) == {"challenger": 2}
    ids = case.tracker.log_cycle(plain_report)
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1})
    model = read(case, stream, versions)
    assert model.versions == {1: ids.model_version, 2: "2"}
    assert numbers(model) == {"champion": 1, "challenger": 2}
    assert case.contents.windows(stream.name) == ["w1", "w3"]  # no second run


def test_a_deleted_model_is_registered_again(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    case.somebody.delete_model(stream.job.registered_model)
    assert read(case, stream, versions) == RegisteredModel(versions={}, aliases={})
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 2, Alias.CHALLENGER: None})  # harmless
    case.tracker.log_cycle(second_report)
    case.tracker.log_cycle(plain_report)
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 2})
    model = read(case, stream, versions)
    assert (model.versions, numbers(model)) == ({2: "1", 1: "2"}, {"champion": 2})


def test_a_number_that_somebody_else_took_never_gets_an_alias(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    """The model is deleted, and another is registered under its name: its version 1 is not ours."""
    versions = log_two(case, plain_report, second_report)
    name = stream.job.registered_model
    case.somebody.delete_model(name)
    assert case.somebody.register(name) == "1"
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1, Alias.CHALLENGER: 2})
    assert read(case, stream, versions) == RegisteredModel(versions={}, aliases={})
    case.tracker.log_cycle(plain_report)
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1, Alias.CHALLENGER: 2})
    assert case.contents.aliases(name) == {"champion": "2"}


def test_an_alias_on_a_version_of_somebody_else_stays_there_until_a_person_takes_it(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    name = stream.job.registered_model
    foreign = case.somebody.register(name)
    for alias in ("champion", "challenger"):
        case.somebody.move_alias(name, alias, foreign)
    model = read(case, stream, versions)
    assert numbers(model) == {"champion": None, "challenger": None}
    assert {target.tracker_version for target in model.aliases.values()} == {foreign}
    targets = {Alias.CHAMPION: 2, Alias.CHALLENGER: None}
    case.tracker.set_aliases(stream, versions, targets)
    assert case.contents.aliases(name) == {"champion": foreign, "challenger": foreign}
    case.tracker.set_aliases(stream, versions, targets, take=True)
    assert case.contents.aliases(name) == {"champion": "2", "challenger": foreign}


def test_an_alias_moved_by_hand_to_another_version_of_the_stream_is_moved_back_when_it_is_set(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    name = stream.job.registered_model
    case.somebody.move_alias(name, "champion", "2")
    assert numbers(read(case, stream, versions))["champion"] == 2
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1})
    assert case.contents.aliases(name)["champion"] == "1"


def test_a_second_installation_with_the_same_names_has_versions_and_aliases_of_its_own(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    versions = log_two(case, plain_report, second_report)
    other = replace(stream, created_at=stream.created_at + timedelta(microseconds=1))
    case.tracker.log_cycle(replace(plain_report, stream=other))
    case.tracker.set_aliases(other, versions[:1], {Alias.CHAMPION: 1, Alias.CHALLENGER: None})
    model = read(case, other, versions[:1])
    assert (model.versions, numbers(model)) == ({1: "3"}, {"champion": None, "challenger": None})
    assert case.contents.aliases(stream.job.registered_model) == {"champion": "1", "challenger": "2"}
    assert numbers(read(case, stream, versions)) == {"champion": 1, "challenger": 2}


def test_a_copied_installation_that_trained_other_weights_has_versions_of_its_own(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    """Its streams have the same names and times; only the weights differ."""
    versions = log_two(case, plain_report, second_report)
    head = versions[1].manifest.tasks[0]
    tasks = (replace(head, sha256=case.artifacts.put(case.artifacts.get(head.sha256) + b"\n")),)
    manifest = replace(versions[1].manifest, tasks=(*tasks,))
    copied = [versions[0], replace(versions[1], manifest=manifest)]
    assert read(case, stream, copied).versions == {1: "1"}
    assert numbers(read(case, stream, copied)) == {"champion": 1, "challenger": None}
