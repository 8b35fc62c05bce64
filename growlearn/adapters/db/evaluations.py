"""Evaluations of candidates, with their scores task by task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from growlearn.adapters.db.mapping import delete_window_rows, get_columns, insert_in_order, match_windows
from growlearn.adapters.db.tables import EvaluationRow, TaskScoreRow
from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.model_selection import ModelSelection

_CANDIDATE = "candidate"
_INITIAL = "initial"
_BEST_EXISTING = "best_existing"
_SINGLE_TASK = "single_task"
_TEACHER = "teacher"
_ROUTED = "routed"

EvaluationEvidence = tuple[Evaluation, ModelSelection | None]


def write_evaluation(
    connection: Connection,
    stream: str,
    window: str,
    evaluation: Evaluation,
    model_selection: ModelSelection | None,
) -> None:
    """Store the evaluation of a window's candidate in place of an earlier one."""
    delete_window_rows(connection, EvaluationRow, stream, window)  # its task scores are deleted with it
    column_values = {
        "task": evaluation.task,
        "chance_level": evaluation.chance_level,
        "metric_chance_level": evaluation.metric_chance_level,
        "changed_tasks": evaluation.changed_tasks,
        "model_selection": model_selection,
        "replacement": evaluation.replacement,
        "refinement": evaluation.refinement,
    }
    connection.execute(insert(EvaluationRow).values(stream=stream, window=window, **column_values))
    scores_by_kind = {
        _CANDIDATE: evaluation.task_scores,
        _INITIAL: (evaluation.initial,),
        _BEST_EXISTING: (evaluation.best_existing,) if evaluation.best_existing else (),
        _SINGLE_TASK: (evaluation.single_task,) if evaluation.single_task else (),
        _TEACHER: evaluation.teacher,
        _ROUTED: evaluation.routed,
    }
    for kind, scores in scores_by_kind.items():
        insert_in_order(connection, TaskScoreRow, scores, stream=stream, window=window, kind=kind)


def select_evaluations(
    connection: Connection, stream: str, window: str | None
) -> Mapping[str, EvaluationEvidence]:
    """The evaluation and the model selection of one window, or of all, by window."""
    scores: dict[tuple[str, str], list[TaskScore]] = defaultdict(list)
    table = TaskScoreRow
    query = select(table.window, table.kind, *get_columns(TaskScore, table))
    query = query.where(*match_windows(table, stream, window)).order_by(table.position)
    for row in connection.execute(query):
        values = dict(row._mapping)
        key = values.pop("window"), values.pop("kind")
        scores[key].append(TaskScore(**values))
    return {
        row.window: (
            Evaluation(
                task=row.task,
                chance_level=row.chance_level,
                metric_chance_level=row.metric_chance_level,
                task_scores=tuple(scores[row.window, _CANDIDATE]),
                initial=scores[row.window, _INITIAL][0],
                best_existing=next(iter(scores[row.window, _BEST_EXISTING]), None),
                single_task=next(iter(scores[row.window, _SINGLE_TASK]), None),
                changed_tasks=row.changed_tasks,
                teacher=tuple(scores[row.window, _TEACHER]),
                routed=tuple(scores[row.window, _ROUTED]),
                replacement=row.replacement,
                refinement=row.refinement,
            ),
            row.model_selection,
        )
        for row in connection.execute(
            select(*EvaluationRow.__table__.columns).where(*match_windows(EvaluationRow, stream, window))
        )
    }
