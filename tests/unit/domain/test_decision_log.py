from __future__ import annotations

from dataclasses import field, make_dataclass, replace
from typing import Any

from growlearn.domain.decision_log import compute_job_digest
from growlearn.domain.job import GateConfig, Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema

JOB = Job(
    name="a", source=SourceConfig(url="u"), schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
)  # fmt: skip


def test_jobs_that_differ_anywhere_have_other_digests() -> None:
    changed = [
        JOB,
        replace(JOB, name="b"),
        replace(JOB, gates=GateConfig(min_gain=0.1)),
        replace(JOB, gates=GateConfig(max_forgetting=0.1)),
        replace(JOB, schema=Schema(inputs={"x": InputColumn(type=InputType.CATEGORY)})),
        replace(JOB, retain="all"),
    ]
    assert len({compute_job_digest(job) for job in changed}) == len(changed)


def test_jobs_that_read_pixels_otherwise_have_other_digests() -> None:
    """Else a changed pixel_max would be missing in the decision log."""

    def digest(pixel_max: int | None) -> str:
        image = InputColumn(type=InputType.IMAGE, shape=(1, 8, 8), pixel_max=pixel_max)
        return compute_job_digest(replace(JOB, schema=Schema(inputs={"x": image})))

    assert len({digest(None), digest(1), digest(255)}) == 3


def test_a_key_that_a_later_release_adds_changes_no_digest() -> None:
    gates = [("min_gain", float, field(default=0.0))]
    added = ("replace_task_after", int, field(default=3))
    before, after = (_job(make_dataclass("Gates", keys)) for keys in (gates, [*gates, added]))
    assert compute_job_digest(before()) == compute_job_digest(after())
    other = replace(before(), gates=replace(before().gates, min_gain=0.1))
    assert compute_job_digest(other) != compute_job_digest(before())


def _job(gates: type[Any]) -> type[Any]:
    name, inner = ("name", str, field(default="a")), ("gates", gates, field(default_factory=gates))
    return make_dataclass("Job", [name, inner, ("schema", Schema, field(default=JOB.schema))])
