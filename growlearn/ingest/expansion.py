"""How large a table becomes when each cell has its own value: dictionaries, runs and views share them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.file_limits import FileLimits
from growlearn.domain.schema import InputType, Schema
from growlearn.ingest.columns import is_variable_length
from growlearn.ingest.rows import Column

_VIEW_BYTES = 16
_NULL_BYTES = 8  # a null becomes a missing number
_SHARING_KINDS = (
    pt.is_dictionary,
    pt.is_run_end_encoded,
    pt.is_string_view,
    pt.is_binary_view,
    pt.is_list_view,
    pt.is_large_list_view,
)


class Expansion:
    """Adds up what the parts of one file become by the schema, and raises InvalidFile beyond the limits.

    Only lengths are read, no value: `validate` of a part that shares values would read each again for each
    cell.
    """

    def __init__(self, schema: Schema | None, limits: FileLimits) -> None:
        self.limits = limits
        self._kinds = {} if schema is None else {name: spec.type for name, spec in schema.inputs.items()}
        self._row_bytes = 0 if schema is None else schema.row_bytes
        self._num_rows = self._num_bytes = self._memory_bytes = 0

    def add(self, part: Any) -> None:
        """One more record batch, or a whole table; raises ArrowInvalid or ValueError for a broken one."""
        part.validate()
        self._num_rows += part.num_rows
        self.limits.check_rows(self._num_rows)
        self.limits.check_bytes(self._num_rows * self._row_bytes)
        for name, column in zip(part.schema.names, part.columns, strict=True):
            self._add_column(name, column)

    def _add_column(self, name: str, column: Any) -> None:
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        try:
            num_bytes = sum(map(count_bytes, chunks))
        except IndexError as error:
            raise ValueError(f"column {name!r} has indices outside its dictionary") from error
        self._num_bytes += num_bytes
        if _lies_in_memory(column.type, self._kinds.get(name)):
            self._memory_bytes += num_bytes
            self.limits.check_memory(self._memory_bytes, f"column {name!r}")
        self.limits.check_bytes(self._num_bytes)


def _lies_in_memory(arrow_type: Any, kind: InputType | None) -> bool:
    """Whether the decoder of a column needs all its values in memory at once.

    So it is with text, and with shared values but for dictionaries, which are kept or read one by one.
    """
    return kind is InputType.TEXT or (_shares_values(arrow_type) and not pt.is_dictionary(arrow_type))


def _shares_values(arrow_type: Any) -> bool:
    """Whether a type may have one value in memory, or none, for many cells, in itself or below."""
    if pt.is_null(arrow_type) or any(is_kind(arrow_type) for is_kind in _SHARING_KINDS):
        return True
    if isinstance(arrow_type, pa.BaseExtensionType):
        return _shares_values(arrow_type.storage_type)
    return any(_shares_values(arrow_type.field(i).type) for i in range(arrow_type.num_fields))


def count_bytes(array: Any) -> int:
    """Bytes of an array's values, each counted in every cell that has it."""
    arrow_type = array.type
    if isinstance(arrow_type, pa.BaseExtensionType):
        return count_bytes(array.storage)
    if _is_shared_or_variable(arrow_type):
        return int(_cell_bytes(array).sum())
    if pt.is_struct(arrow_type):
        return sum(count_bytes(array.field(i)) for i in range(arrow_type.num_fields))
    return len(array) * _NULL_BYTES if pt.is_null(arrow_type) else _count_list_bytes(array)


def _count_list_bytes(array: Any) -> int:
    """The same for lists and whatever has its values in its own memory."""
    arrow_type = array.type
    if pt.is_fixed_size_list(arrow_type):
        size = arrow_type.list_size
        return count_bytes(array.values.slice(array.offset * size, len(array) * size))
    if pt.is_list(arrow_type) or pt.is_large_list(arrow_type):
        start, end = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return count_bytes(array.values.slice(start, end - start))
    return int(array.nbytes)


def _is_shared_or_variable(arrow_type: Any) -> bool:
    return is_variable_length(arrow_type) or any(is_kind(arrow_type) for is_kind in _SHARING_KINDS)


def _cell_bytes(array: Any) -> Column:
    """Bytes of each cell, int64 [N]; of a run-end encoded array of each run."""
    arrow_type = array.type
    if pt.is_dictionary(arrow_type):
        sizes = np.append(_cell_bytes(array.dictionary), 0)
        places = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
        return np.asarray(sizes[places.astype(np.int64)])
    if pt.is_run_end_encoded(arrow_type):
        return _run_bytes(array)
    if pt.is_string_view(arrow_type) or pt.is_binary_view(arrow_type):
        views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, _VIEW_BYTES // 4)
        return _where_valid(array, views[array.offset : array.offset + len(array), 0])
    if pt.is_list_view(arrow_type) or pt.is_large_list_view(arrow_type):
        per_value = count_bytes(array.values) // max(len(array.values), 1) + 1
        return _where_valid(array, array.sizes.to_numpy(zero_copy_only=False)) * per_value
    if _is_shared_or_variable(arrow_type):
        lengths = pc.fill_null(pc.binary_length(array), 0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.full(len(array), count_bytes(array) // max(len(array), 1) + 1, np.int64)


def _where_valid(array: Any, sizes: Column) -> Column:
    return np.where(np.asarray(array.is_valid()), np.maximum(sizes, 0), 0).astype(np.int64)


def _run_bytes(array: Any) -> Column:
    """Bytes of the cells of each run of a run-end encoded array, int64 [runs]."""
    ends = np.asarray(array.run_ends.to_numpy(zero_copy_only=False), np.int64)
    lengths = np.diff(np.clip(ends - array.offset, 0, len(array)), prepend=0)
    return np.asarray(lengths * _cell_bytes(array.values))
