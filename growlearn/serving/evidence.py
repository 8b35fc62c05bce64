"""What a stream's earlier windows have gathered against each known task, handed to the next comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from growlearn.domain.drift import DriftReport
from growlearn.domain.job import Job
from growlearn.domain.keys import duration_s
from growlearn.domain.lineage import Task
from growlearn.domain.window import Window
from growlearn.drift.evidence.budget import Budget, at_a_rate, for_life, windows_in
from growlearn.drift.reference import Reference
from growlearn.drift.watch import Carried


def with_evidence(
    references: Sequence[Reference],
    tasks: Sequence[Task],
    earlier: Sequence[Window],
    report: Callable[[Window], DriftReport | None],
    job: Job,
) -> tuple[Reference, ...]:
    """References that carry what the windows before this one said; `report` gives what is stored of one.

    tasks are all those known, oldest first. Half of each budget is for scores, half for errors. Raises
    GrowLearnError where a rate of false growths is asked for and nothing tells how many windows come.
    """
    if job.drift.decision != "anytime":
        return tuple(references)
    carried = carried_of(earlier, report)
    places = {task.name: place for place, task in enumerate(tasks, start=1)}
    return tuple(
        replace(
            reference,
            carried=carried.get(reference.task, Carried()),
            budget=budget_of(job, places[reference.task], earlier),
        )
        for reference in references
    )


def carried_of(
    earlier: Sequence[Window], report: Callable[[Window], DriftReport | None]
) -> Mapping[str, Carried]:
    """The evidence by task: that of the newest window which was of it."""
    newest = {window.task: window for window in earlier if window.task is not None and window.verdict}
    found = {task: report(window) for task, window in newest.items()}
    return {
        task: Carried.from_json(said.evidence)
        for task, said in found.items()
        if said is not None and said.evidence is not None
    }


def budget_of(job: Job, place: int, earlier: Sequence[Window]) -> Budget:
    """The budget of evidence against the k-th task of a stream.

    Of alpha it is alpha / (k (k + 1)), which sums to alpha over any number of tasks; a rate of false growths
    is that of the task the stream is in.
    """
    asked = job.drift.false_growths
    if asked is None:
        return for_life(job.drift.alpha / (place * (place + 1)) / 2)
    every = None if job.schedule.cron is not None else timedelta(seconds=job.schedule.every_s)
    times = [window.discovered_at for window in earlier]
    return at_a_rate(asked.at_most / 2, windows_in(timedelta(seconds=duration_s(asked.per)), times, every))
