"""A stream that a person pauses, and a process that a container asks about."""

from __future__ import annotations

from tests.integration.cli.conftest import Place


def test_a_stream_is_paused_and_resumed_by_name(empty_place: Place) -> None:
    assert empty_place.growlearn("apply", "blobs.yaml").code == 0

    def answers(command: str) -> list[str]:
        return [empty_place.growlearn(command, "blobs").out for _ in range(2)]

    def state() -> str:
        state: str = empty_place.growlearn("status", "--json").json["streams"][0]["state"]
        return state

    paused = "blobs: paused; to go on: growlearn resume blobs\n"
    assert answers("pause") == [paused, "blobs: is paused already\n"]
    assert state() == "paused"
    assert answers("resume") == ["blobs: resumed\n", "blobs: is not paused\n"]
    assert state() == "new"
    unknown = empty_place.growlearn("pause", "other")
    assert (unknown.code, "known streams: blobs" in unknown.err) == (1, True)


def test_a_health_check_asks_for_one_process_alone(empty_place: Place) -> None:
    empty_place.growlearn("apply", "blobs.yaml")
    done = empty_place.growlearn("doctor", "--process", "worker", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert finding["check"] == "processes"
    assert finding["hint"] == "start it: growlearn worker"
    assert empty_place.growlearn("doctor", "--process", "cook").code == 2
