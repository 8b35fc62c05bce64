"""The plan of a window, the plan that was trained, and the result of the training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from sqlalchemy import Connection, insert, select, update

from growlearn.adapters.db.columns import dump_json, parse_json
from growlearn.adapters.db.mapping import match_windows
from growlearn.adapters.db.tables import GrowthRow
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.stream import Transition
from growlearn.domain.window import WindowState

Plan = GrowthPlan | ConsolidationPlan
_FIELD_TYPES: Mapping[type[Plan], Mapping[str, Any]] = {
    kind: get_type_hints(kind) for kind in (GrowthPlan, ConsolidationPlan)
}


@dataclass(frozen=True, kw_only=True)
class GrowthEvidence:
    """The plan of a window, the plan that was trained, if any, and its result."""

    plan: Plan | None = None
    trained_plan: Plan | None = None
    result: GrowthResult | ConsolidationResult | None = None


def write_plan(connection: Connection, stream: str, window: str, plan: Plan) -> None:
    """Store the plan of a window."""
    _write_growth(connection, stream, window, {"plan": plan, "trained_plan": None})


def write_growth(connection: Connection, transition: Transition) -> None:
    """Store the plan and the result of a transition, as far as it has them.

    Of a plan that was trained only what differs from the planned one is stored.
    """
    stream, window, plan = transition.stream, transition.window, transition.plan
    if plan is not None:
        planned = None
        if transition.target is WindowState.EVALUATED:
            query = select(GrowthRow.plan).where(*match_windows(GrowthRow, stream, window))
            planned = connection.scalar(query)
        if planned is None:
            write_plan(connection, stream, window, plan)
        else:
            _write_growth(connection, stream, window, {"trained_plan": _find_changes(planned, plan)})
    if transition.result is not None:
        _write_growth(connection, stream, window, {"result": transition.result})


def _write_growth(connection: Connection, stream: str, window: str, column_values: dict[str, Any]) -> None:
    change = update(GrowthRow).where(*match_windows(GrowthRow, stream, window)).values(column_values)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(GrowthRow).values(stream=stream, window=window, **column_values))


def load_growths(connection: Connection, stream: str, window: str | None) -> Mapping[str, GrowthEvidence]:
    """What is stored about the growth of one window, or of all, by window."""
    query = select(GrowthRow.window, GrowthRow.plan, GrowthRow.trained_plan, GrowthRow.result)
    return {
        row.window: GrowthEvidence(
            plan=row.plan,
            trained_plan=None if row.trained_plan is None else _apply_changes(row.plan, row.trained_plan),
            result=row.result,
        )
        for row in connection.execute(query.where(*match_windows(GrowthRow, stream, window)))
    }


def _find_changes(planned: Plan, trained: Plan) -> dict[str, Any]:
    """The fields of the trained plan that differ from the planned one, as JSON values."""
    before, after = (json.loads(dump_json(type(plan), plan)) for plan in (planned, trained))
    return {name: value for name, value in after.items() if value != before[name]}


def _apply_changes(planned: Plan, changes: Mapping[str, Any]) -> Plan:
    types = _FIELD_TYPES[type(planned)]
    return replace(
        planned, **{name: parse_json(types[name], json.dumps(value)) for name, value in changes.items()}
    )
