"""What every tracker does with what it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from growlearn.domain.stream import Alias, Stream
from growlearn.ports import CycleRecord

if TYPE_CHECKING:
    from tests.contract.tracker.conftest import Told


def model_of(stream: Stream) -> str:
    return stream.job.registered_model


def test_a_settled_window_gets_a_run_and_no_version(
    told: Told, of: Stream, settled_cycle: CycleRecord
) -> None:
    receipt = told.tracker.log_cycle(settled_cycle)
    assert receipt.run_id
    assert receipt.model_version is None
    assert told.look.windows(of.name) == ["w2"]
    assert told.look.versions(model_of(of)) == {}


def test_a_window_that_made_a_version_gets_a_run_and_a_registered_version(
    told: Told, of: Stream, grown_cycle: CycleRecord
) -> None:
    receipt = told.tracker.log_cycle(grown_cycle)
    assert receipt.model_version == "1"
    assert told.look.windows(of.name) == ["w1"]
    assert told.look.versions(model_of(of)) == {1: "1"}


def test_telling_twice_has_one_effect(told: Told, of: Stream, grown_cycle: CycleRecord) -> None:
    first = told.tracker.log_cycle(grown_cycle)
    again = told.tracker.log_cycle(grown_cycle)
    assert again == first
    assert told.look.windows(of.name) == ["w1"]
    assert told.look.versions(model_of(of)) == {1: "1"}


def test_a_later_window_gets_its_own_run_and_version(
    told: Told, of: Stream, grown_cycle: CycleRecord, second_cycle: CycleRecord
) -> None:
    first = told.tracker.log_cycle(grown_cycle)
    later = told.tracker.log_cycle(second_cycle)
    assert later.run_id != first.run_id
    assert told.look.versions(model_of(of)) == {1: "1", 2: "2"}
    assert told.tracker.log_cycle(grown_cycle) == first  # out of order, and still the first


def test_a_stream_made_anew_under_an_old_name_starts_with_runs_and_versions_of_its_own(
    told: Told, of: Stream, grown_cycle: CycleRecord
) -> None:
    told.tracker.log_cycle(grown_cycle)
    anew = replace(of, created_at=of.created_at + timedelta(days=1))
    receipt = told.tracker.log_cycle(replace(grown_cycle, stream=anew))
    assert receipt.model_version == "2"
    assert told.look.windows(of.name) == ["w1", "w1"]


def test_aliases_stand_where_they_were_last_put(
    told: Told, of: Stream, grown_cycle: CycleRecord, second_cycle: CycleRecord
) -> None:
    told.tracker.log_cycle(grown_cycle)
    told.tracker.log_cycle(second_cycle)
    told.tracker.set_aliases(of, {Alias.CHAMPION: "1", Alias.CHALLENGER: "2"})
    assert told.look.aliases(model_of(of)) == {"champion": "1", "challenger": "2"}
    for _ in range(2):  # the second time changes nothing
        told.tracker.set_aliases(of, {Alias.CHAMPION: "2", Alias.CHALLENGER: None})
        assert told.look.aliases(model_of(of)) == {"champion": "2"}


def test_an_alias_that_is_not_mentioned_stays(told: Told, of: Stream, grown_cycle: CycleRecord) -> None:
    told.tracker.log_cycle(grown_cycle)
    told.tracker.set_aliases(of, {Alias.CHAMPION: "1"})
    told.tracker.set_aliases(of, {Alias.CHALLENGER: None})
    assert told.look.aliases(model_of(of)) == {"champion": "1"}


def test_taking_aliases_from_a_model_that_was_never_registered_is_harmless(told: Told, of: Stream) -> None:
    told.tracker.set_aliases(of, {Alias.CHAMPION: None, Alias.CHALLENGER: None})
    assert told.look.versions(model_of(of)) == {}
