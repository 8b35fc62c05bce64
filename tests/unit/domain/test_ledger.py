from __future__ import annotations

from dataclasses import field, make_dataclass, replace
from typing import Any

from growlearn.domain.job import GateSpec, Job, SourceSpec
from growlearn.domain.ledger import configuration_of
from growlearn.domain.schema import Input, InputType, Schema

JOB = Job(
    name="a", source=SourceSpec(url="u"), schema=Schema(inputs={"x": Input(type=InputType.NUMBER)})
)  # fmt: skip


def test_jobs_that_differ_anywhere_have_other_digests() -> None:
    changed = [
        JOB,
        replace(JOB, name="b"),
        replace(JOB, gates=GateSpec(min_gain=0.1)),
        replace(JOB, gates=GateSpec(max_forgetting=0.1)),
        replace(JOB, schema=Schema(inputs={"x": Input(type=InputType.CATEGORY)})),
        replace(JOB, retain="all"),
    ]
    assert len({configuration_of(job) for job in changed}) == len(changed)


def test_a_key_that_a_later_release_adds_changes_no_digest() -> None:
    gates = [("min_gain", float, field(default=0.0))]
    added = ("supersede_after", int, field(default=3))
    before, after = (_job(make_dataclass("Gates", each)) for each in (gates, [*gates, added]))
    assert configuration_of(before()) == configuration_of(after())
    other = replace(before(), gates=replace(before().gates, min_gain=0.1))
    assert configuration_of(other) != configuration_of(before())


def _job(gates: type[Any]) -> type[Any]:
    name, inner = ("name", str, field(default="a")), ("gates", gates, field(default_factory=gates))
    return make_dataclass("Job", [name, inner])
