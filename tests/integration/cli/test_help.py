"""`growlearn --help` answers at once: what takes seconds to import is imported only where used."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SLOW = (
    *("torch", "mlflow", "avalanche", "torchvision", "sqlalchemy", "alembic", "pandas", "pyarrow", "scipy"),
    *("growlearn.domain.stream", "growlearn.ports"),  # the dataclasses that these import take 0.1 s to build
)


def imported_by(code: str) -> list[str]:
    tell = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True
    )
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return modules


def test_nothing_slow_is_imported_for_the_help() -> None:
    loaded = imported_by("import growlearn.app.main")
    assert [name for name in SLOW if name in loaded] == []


def test_looking_needs_neither_torch_nor_mlflow(empty_place: Any) -> None:
    code = (
        "import sys; sys.argv = ['growlearn', 'status']\n"
        "from growlearn.app.main import app\n"
        f"import os; os.chdir({str(empty_place.folder)!r})\n"
        "app(standalone_mode=False)"
    )
    loaded = imported_by(code)
    assert "sqlalchemy" in loaded
    assert [name for name in ("torch", "mlflow", "avalanche") if name in loaded] == []


def test_an_evaluation_is_read_without_a_model() -> None:
    loaded = imported_by(
        "import growlearn.app.cli.evaluate, growlearn.app.evaluation_view, growlearn.registry.version_metrics"
    )
    assert [name for name in ("torch", "mlflow", "avalanche") if name in loaded] == []


def test_every_command_has_help(empty_place: Any) -> None:
    said = empty_place.growlearn("--help")
    assert said.code == 0
    assert "Exit codes: 0 done, 1 failed, 2 bad usage or bad job file" in said.out
    assert empty_place.growlearn("rollback", "--help").code == 0


def test_an_unknown_command_is_bad_usage(empty_place: Any) -> None:
    done = empty_place.growlearn("rnu")
    assert (done.code, "No such command 'rnu'" in done.err) == (2, True)
    assert empty_place.growlearn("--version").out.startswith("growlearn ")
