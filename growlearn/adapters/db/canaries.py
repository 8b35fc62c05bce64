"""Canaries: started, stopped and counted, with entries of the decision log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from growlearn.adapters.db.alerts import insert_alerts
from growlearn.adapters.db.decision_log import write_canary_entry
from growlearn.adapters.db.engine import read_transaction, write_transaction
from growlearn.adapters.db.mapping import from_row, get_columns, lock_existing_stream, lock_stream, to_row
from growlearn.adapters.db.model import require_version
from growlearn.adapters.db.streams import get_stream
from growlearn.adapters.db.tables import CanaryAnswerRow, CanaryRow
from growlearn.domain.alert import make_canary_alerts
from growlearn.domain.canary import (
    ANSWER_RETENTION,
    Canary,
    CanaryAnswer,
    CanaryCounts,
    count_labelled,
    find_alias_reason,
    make_canary,
)

_COUNTS = tuple(field.name for field in fields(CanaryCounts))
_COLUMNS = tuple(getattr(CanaryRow, field.name) for field in fields(Canary) if field.name != "counts")
_IDS_A_STATEMENT = 500


class DbCanaryRecords:
    """Every method is one transaction; may be shared by threads. See ports.CanaryRecords for each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(
        self, stream: str, version: int | None, share_percent: float, at: datetime, actor: str
    ) -> Canary:
        """Start a canary in place of one that runs; raises NotFound, and GrowLearnError as `make_canary`."""
        with write_transaction(self._engine) as connection:
            lock_existing_stream(connection, stream)
            last = (
                connection.scalar(select(func.max(CanaryRow.number)).where(CanaryRow.stream == stream)) or 0
            )
            canary = make_canary(get_stream(connection, stream), last + 1, version, share_percent, at, actor)
            require_version(connection, stream, canary.version)
            for running in _select_canaries(connection, *_is_running(stream)):
                _write_stop(connection, running.stop(f"replaced: {canary.describe()}", at, actor))
            values = to_row(canary) | to_row(canary.counts)
            del values["counts"]
            connection.execute(insert(CanaryRow).values(values))
            write_canary_entry(connection, canary)
            return canary

    def stop(self, stream: str, number: int | None, reason: str, at: datetime, actor: str) -> Canary | None:
        """Stop the canary of that number, or the running one; None where it does not run. Raises NotFound."""
        with write_transaction(self._engine) as connection:
            lock_existing_stream(connection, stream)
            for running in _select_canaries(connection, *_is_running(stream)):
                if number in (None, running.number):
                    stopped = running.stop(reason, at, actor)
                    _write_stop(connection, stopped)
                    insert_alerts(connection, make_canary_alerts(stopped))
                    return stopped
            return None

    def of_stream(self, stream: str) -> Sequence[Canary]:
        """All canaries of a stream, oldest first."""
        with read_transaction(self._engine) as connection:
            return _select_canaries(connection, CanaryRow.stream == stream)

    def running(self) -> Sequence[Canary]:
        """At most one a stream, by stream."""
        with read_transaction(self._engine) as connection:
            return _select_canaries(connection, CanaryRow.stopped_at.is_(None))

    def add_counts(
        self, canary: Canary, counts: CanaryCounts, answers: Sequence[CanaryAnswer], at: datetime
    ) -> None:
        """Add counts and answers that wait for labels, of a stopped canary too; nothing where it is deleted.

        Nothing either where its stream was deleted and made anew, with or without a canary of that number.
        """
        with write_transaction(self._engine) as connection:
            if not lock_stream(connection, canary.stream) or not _add_counts(connection, canary, counts):
                return
            _remove_expired(connection, canary.stream, at)
            if answers:
                insert_new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
                connection.execute(
                    insert_new(CanaryAnswerRow).on_conflict_do_nothing(),
                    [to_row(answer, stream=canary.stream, canary=canary.number) for answer in answers],
                )

    def count_labels(self, stream: str, labels: Mapping[str, str], at: datetime) -> int:
        """Count the answers whose labels are given, by row id, once; returns how many. Raises NotFound."""
        with write_transaction(self._engine) as connection:
            lock_existing_stream(connection, stream)
            _remove_expired(connection, stream, at)
            num_labelled = 0
            for canary in _select_canaries(connection, CanaryRow.stream == stream):
                answers = _take_answers(connection, canary, labels)
                if answers:
                    _add_counts(connection, canary, count_labelled(answers, labels))
                num_labelled += len(answers)
            return num_labelled


def end_canary_of_moved_alias(connection: Connection, stream: str, at: datetime, actor: str) -> None:
    """Stop a running canary whose champion or challenger is another now; the caller has locked the stream."""
    for running in _select_canaries(connection, *_is_running(stream)):
        reason = find_alias_reason(running, get_stream(connection, stream))
        if reason is not None:
            _write_stop(connection, running.stop(reason, at, actor))


def _is_running(stream: str) -> tuple[ColumnElement[bool], ...]:
    return CanaryRow.stream == stream, CanaryRow.stopped_at.is_(None)


def _write_stop(connection: Connection, stopped: Canary) -> None:
    values = {name: getattr(stopped, name) for name in ("stopped_at", "stopped_by", "stop_reason")}
    connection.execute(update(CanaryRow).where(*_has_number(stopped)).values(values))
    write_canary_entry(connection, stopped)


def _has_number(canary: Canary) -> tuple[ColumnElement[bool], ...]:
    return (
        CanaryRow.stream == canary.stream,
        CanaryRow.number == canary.number,
        CanaryRow.started_at == canary.started_at,
    )


def _select_canaries(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Canary]:
    """The matching ones, by stream and number."""
    columns = (*_COLUMNS, *get_columns(CanaryCounts, CanaryRow))
    query = select(*columns).where(*where).order_by(CanaryRow.stream, CanaryRow.number)
    return tuple(map(_to_canary, connection.execute(query)))


def _to_canary(row: Row[*tuple[Any, ...]]) -> Canary:
    values = dict(row._mapping)
    counts = CanaryCounts(**{name: values.pop(name) for name in _COUNTS})
    return Canary(**values, counts=counts)


def _add_counts(connection: Connection, canary: Canary, counts: CanaryCounts) -> bool:
    """Whether it is there."""
    added = {name: getattr(CanaryRow, name) + count for name, count in to_row(counts).items()}
    return connection.execute(update(CanaryRow).where(*_has_number(canary)).values(added)).rowcount > 0


def _remove_expired(connection: Connection, stream: str, at: datetime) -> None:
    expired = CanaryAnswerRow.at < at - ANSWER_RETENTION
    connection.execute(delete(CanaryAnswerRow).where(CanaryAnswerRow.stream == stream, expired))


def _take_answers(connection: Connection, canary: Canary, row_ids: Iterable[str]) -> list[CanaryAnswer]:
    """The answers to these rows; their ids stay, so that a row that is asked again is not counted again."""
    taken: list[CanaryAnswer] = []
    remaining = iter(row_ids)
    while batch := list(islice(remaining, _IDS_A_STATEMENT)):
        are_asked = (
            CanaryAnswerRow.stream == canary.stream,
            CanaryAnswerRow.canary == canary.number,
            CanaryAnswerRow.row_id.in_(batch),
            or_(CanaryAnswerRow.champion.is_not(None), CanaryAnswerRow.version.is_not(None)),
        )
        rows = connection.execute(select(*get_columns(CanaryAnswer, CanaryAnswerRow)).where(*are_asked))
        taken += [from_row(CanaryAnswer, row) for row in rows]
        connection.execute(update(CanaryAnswerRow).where(*are_asked).values(champion=None, version=None))
    return taken
