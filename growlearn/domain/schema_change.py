"""What differs between two schemas, column by column."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.domain.schema import InputColumn, Schema


def describe_schema_change(before: Schema, after: Schema) -> str:
    """Each column that differs, as text; empty where the schemas are equal.

    >>> from growlearn.domain.schema import InputType
    >>> number = InputColumn(type=InputType.NUMBER)
    >>> describe_schema_change(Schema(inputs={"x": number, "y": number}), Schema(inputs={"x": number}))
    "column 'y' is no input any more"
    """
    return "; ".join(_iter_changes(before, after))


def _iter_changes(before: Schema, after: Schema) -> Iterator[str]:
    for name, spec in before.inputs.items():
        if name not in after.inputs:
            yield f"column {name!r} is no input any more"
        elif after.inputs[name] != spec:
            yield f"column {name!r} was {_describe(spec)} and is {_describe(after.inputs[name])}"
    yield from (f"column {name!r} is a new input" for name in after.inputs if name not in before.inputs)
    if before.inputs == after.inputs and [*before.inputs] != [*after.inputs]:
        first = next(name for name, old in zip(after.inputs, before.inputs, strict=True) if name != old)
        yield f"column {first!r} has another place among the inputs"
    for role in ("label", "task", "id_column"):
        old, new = getattr(before, role), getattr(after, role)
        if old != new:
            yield f"the {role.replace('_', ' ')} was {_quote(old)} and is {_quote(new)}"


def _describe(spec: InputColumn) -> str:
    options = [f"{key} {value}" for key in ("shape", "vocabulary", "length") if (value := getattr(spec, key))]
    details = ", ".join(options + ["required"] * spec.required)
    return f"{spec.type} ({details})" if details else spec.type.value


def _quote(column: str | None) -> str:
    return "none" if column is None else f"column {column!r}"
