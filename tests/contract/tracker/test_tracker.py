"""What every tracker does with the window reports that it logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import WindowReport

if TYPE_CHECKING:
    from tests.contract.tracker.conftest import TrackerCase


def model_of(stream: Stream) -> str:
    return stream.job.registered_model


def versions_of(*window_reports: WindowReport) -> list[Version]:
    return [report.version for report in window_reports if report.version is not None]


def test_a_settled_window_gets_a_run_and_no_version(
    case: TrackerCase, stream: Stream, skipped_report: WindowReport
) -> None:
    tracker_ids = case.tracker.log_cycle(skipped_report)
    assert tracker_ids.run_id
    assert tracker_ids.model_version is None
    assert case.contents.windows(stream.name) == ["w2"]
    assert case.contents.versions(model_of(stream)) == {}


def test_a_window_that_made_a_version_gets_a_run_and_a_registered_version(
    case: TrackerCase, stream: Stream, plain_report: WindowReport
) -> None:
    tracker_ids = case.tracker.log_cycle(plain_report)
    assert tracker_ids.model_version == "1"
    assert case.contents.windows(stream.name) == ["w1"]
    assert case.contents.versions(model_of(stream)) == {1: "1"}


def test_logging_twice_has_one_effect(case: TrackerCase, stream: Stream, plain_report: WindowReport) -> None:
    first = case.tracker.log_cycle(plain_report)
    again = case.tracker.log_cycle(plain_report)
    assert again == first
    assert case.contents.windows(stream.name) == ["w1"]
    assert case.contents.versions(model_of(stream)) == {1: "1"}


def test_a_later_window_gets_its_own_run_and_version(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    first = case.tracker.log_cycle(plain_report)
    later = case.tracker.log_cycle(second_report)
    assert later.run_id != first.run_id
    assert case.contents.versions(model_of(stream)) == {1: "1", 2: "2"}
    assert case.tracker.log_cycle(plain_report) == first  # out of order, and still the first


def test_a_stream_made_anew_under_an_old_name_starts_with_runs_and_versions_of_its_own(
    case: TrackerCase, stream: Stream, plain_report: WindowReport
) -> None:
    case.tracker.log_cycle(plain_report)
    anew = replace(stream, created_at=stream.created_at + timedelta(days=1))
    tracker_ids = case.tracker.log_cycle(replace(plain_report, stream=anew))
    assert tracker_ids.model_version == "2"
    assert case.contents.windows(stream.name) == ["w1", "w1"]


def test_aliases_stand_where_they_were_last_put(
    case: TrackerCase, stream: Stream, plain_report: WindowReport, second_report: WindowReport
) -> None:
    case.tracker.log_cycle(plain_report)
    case.tracker.log_cycle(second_report)
    versions = versions_of(plain_report, second_report)
    case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 1, Alias.CHALLENGER: 2})
    assert case.contents.aliases(model_of(stream)) == {"champion": "1", "challenger": "2"}
    for _ in range(2):  # the second time changes nothing
        case.tracker.set_aliases(stream, versions, {Alias.CHAMPION: 2, Alias.CHALLENGER: None})
        assert case.contents.aliases(model_of(stream)) == {"champion": "2"}


def test_an_alias_that_is_not_mentioned_stays(
    case: TrackerCase, stream: Stream, plain_report: WindowReport
) -> None:
    case.tracker.log_cycle(plain_report)
    case.tracker.set_aliases(stream, versions_of(plain_report), {Alias.CHAMPION: 1})
    case.tracker.set_aliases(stream, versions_of(plain_report), {Alias.CHALLENGER: None})
    assert case.contents.aliases(model_of(stream)) == {"champion": "1"}


def test_taking_aliases_from_a_model_that_was_never_registered_is_harmless(
    case: TrackerCase, stream: Stream
) -> None:
    case.tracker.set_aliases(stream, [], {Alias.CHAMPION: None, Alias.CHALLENGER: None})
    assert case.contents.versions(model_of(stream)) == {}
