"""Compile what the processes of GrowLearn import: a read-only image cannot keep bytecode of its own.

Run in the build, with PYTHONPYCACHEPREFIX naming the folder to ship. It imports every module of growlearn and
compiles all that came with them, standard library included; the rest of what is installed stays source. The
bytecode names no date, so it stays valid whatever dates the image's files are given.
"""

from __future__ import annotations

import importlib
import pkgutil
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import growlearn

SERVICES = ("mlflow.server", "psycopg", "s3fs", "sqlalchemy.dialects.postgresql.psycopg", "uvicorn")
EXTRAS = ("ray", "timm", "tokenizers", "transformers")  # what an image may lack
MIGRATIONS = "growlearn._bundled"  # Alembic runs them; they cannot be imported


def import_all() -> Iterator[str]:
    """Import every module; yields those that need an extra which this image does not have."""
    found = pkgutil.walk_packages(growlearn.__path__, "growlearn.")
    ours = [each.name for each in found if not each.name.startswith(MIGRATIONS)]
    for name in (*ours, *SERVICES):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            yield f"{name}: {error}"


def compile_imported() -> int:
    """Compile the source of each imported module; returns how many."""
    sources = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    paths = sorted(path for path in sources if path.endswith(".py") and Path(path).exists())
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for path in paths:
        py_compile.compile(path, doraise=True, invalidation_mode=mode)
    return len(paths)


def main() -> None:
    """Say what was left out, and how much was compiled."""
    if sys.pycache_prefix is None:
        sys.exit("set PYTHONPYCACHEPREFIX to the folder of the bytecode")
    for reason in import_all():
        sys.stdout.write(f"left out: {reason}\n")
    sys.stdout.write(f"{compile_imported()} modules compiled to {sys.pycache_prefix}\n")


if __name__ == "__main__":
    main()
