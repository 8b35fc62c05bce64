"""The reference page of every table and column, made from the definition of the tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from growlearn.adapters.db.columns import EnumText, Json, NullableFloat, UtcDateTime, WindowId
from growlearn.adapters.db.tables import Base

PLACE = "reference/tables.md"
_INTRODUCTION = """# Tables

Every table and column, made from the code that creates them. [The database](record.md) says how they are
used. Types are those of PostgreSQL; SQLite stores the same values.
"""
_MEANINGS: dict[type[TypeEngine[Any]], str] = {
    UtcDateTime: ", UTC",
    WindowId: ", number of a window",
    NullableFloat: ", NULL for NaN",
}


def make_tables_page() -> str:
    """One section a table: what a row is, its columns, keys and indexes."""
    classes = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    sections = [_make_section(table, classes[table]) for table in _sort_tables()]
    return "\n".join([_INTRODUCTION, *sections])


def _sort_tables() -> list[Table]:
    return sorted(Base.metadata.tables.values(), key=lambda table: table.name)


def _make_section(table: Table, row: type[Base]) -> str:
    meaning = " ".join((row.__doc__ or "").split("\n\n")[0].split())
    columns = "\n".join(_make_column_row(column) for column in table.columns)
    constraints = "\n".join(f"- {line}" for line in _list_constraints(table))
    head = "| column | type | NULL | |\n| --- | --- | --- | --- |"
    return f"## `{table.name}`\n\n{meaning}\n\n{head}\n{columns}\n\n{constraints}\n"


def _make_column_row(column: Column[Any]) -> str:
    null = "yes" if column.nullable else ""
    key = "primary key" if column.primary_key else ""
    return f"| `{column.name}` | {_describe_type(column.type)} | {null} | {key} |"


def _describe_type(kind: TypeEngine[Any]) -> str:
    sql = kind.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    if isinstance(kind, EnumText):
        return f"{sql}: " + ", ".join(f"`{member.value}`" for member in kind.members)
    if isinstance(kind, Json):
        name = kind.kind.__name__ if isinstance(kind.kind, type) else str(kind.kind)
        return f"{sql}, JSON of `{name.replace('|', 'or')}`"
    return sql + _MEANINGS.get(type(kind), "")


def _list_constraints(table: Table) -> list[str]:
    lines = []
    for constraint in table.constraints:
        if not isinstance(constraint, ForeignKeyConstraint | UniqueConstraint):
            continue
        names = _quote(constraint.columns)
        if isinstance(constraint, ForeignKeyConstraint):
            other = constraint.referred_table
            keys = _quote(element.column for element in constraint.elements)
            lines.append(
                f"{names} refer{'s' * (',' not in names)} to {keys} of [`{other.name}`](#{other.name})"
            )
        else:
            lines.append(f"{names}: unique")
    lines += [f"{_quote(index.columns)}: {'unique ' * index.unique}index" for index in table.indexes]
    return sorted(lines)


def _quote(columns: Any) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)
