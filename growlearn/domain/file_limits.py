"""How much one file may hold once it is decoded: a small one can claim any number of rows."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.errors import InvalidFile, JobError
from growlearn.domain.schema import Schema


@dataclass(frozen=True, kw_only=True)
class FileLimits:
    """Bounds that are checked before a file is decoded; a file beyond one is quarantined.

    `max_bytes` is of its decoded columns, which lie in temporary files where they are many;
    `max_memory_bytes` of what has to lie in memory at once: texts, values that rows share in the file, and a
    compressed part. `max_row_bytes` is of one decoded row.
    """

    max_rows: int = 10_000_000
    max_bytes: int = 16 * 2**30
    max_memory_bytes: int = 2**30
    max_row_bytes: int = 64 * 2**20

    def check_rows(self, num_rows: int) -> None:
        """Raise InvalidFile for more rows than a file may have."""
        if num_rows > self.max_rows:
            raise InvalidFile(
                f"the file has {num_rows:,} rows; at most {self.max_rows:,} are read of one file",
                hint="split it, or raise the setting max_file_rows",
            )

    def check_bytes(self, num_bytes: int, what: str = "the file") -> None:
        """Raise InvalidFile for more decoded bytes than a file may have."""
        if num_bytes > self.max_bytes:
            raise InvalidFile(
                f"{what} has {format_bytes(num_bytes)} once it is decoded; at most"
                f" {format_bytes(self.max_bytes)} are read of one file",
                hint="split it, or raise the setting max_file_bytes",
            )

    def check_memory(self, num_bytes: int, what: str) -> None:
        """Raise InvalidFile for more bytes that have to lie in memory at once than are allowed."""
        if num_bytes > self.max_memory_bytes:
            raise InvalidFile(
                f"{what} would take {format_bytes(num_bytes)} of memory; at most"
                f" {format_bytes(self.max_memory_bytes)} are given to one file",
                hint="split it, or raise the setting max_file_memory_bytes",
            )

    def check_schema(self, schema: Schema) -> None:
        """Raise JobError for a schema of which one row is too large to be handled."""
        if schema.row_bytes > self.max_row_bytes:
            largest = max(schema.inputs, key=lambda name: schema.inputs[name].num_bytes)
            raise JobError(
                f"a row of this schema has {format_bytes(schema.row_bytes)}, most of it in input {largest!r};"
                f" at most {format_bytes(self.max_row_bytes)} can be handled",
                hint="give it a smaller shape or length, or raise the setting max_row_bytes",
            )


DEFAULT_LIMITS = FileLimits()


def format_bytes(num_bytes: int) -> str:
    """A number of bytes in the unit that fits.

    >>> format_bytes(999), format_bytes(1_258_291), format_bytes(2**40)
    ('999 bytes', '1.2 MiB', '1,024.0 GiB')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes} bytes"
