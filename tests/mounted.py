"""growlearn on disks that are full or read-only: commands and mounts in a namespace of their own.

A namespace of mounts lets any user mount, and ends with its process. Root may write whatever a mode says,
so only a mount shows what a read-only disk does.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.command_line import Finished

_NAMESPACE = ("unshare", "--map-root-user", "--mount")


@functools.cache
def can_mount() -> bool:
    """Whether this machine lets a process mount in a namespace of its own."""
    try:
        return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def run_mounted(
    folder: Path, environment: Mapping[str, str], steps: Sequence[Sequence[str]]
) -> list[Finished]:
    """Run each step in the folder: `growlearn ...` in one process, anything else as a command of its own.

    Returns what the growlearn commands wrote.
    """
    from tests.command_line import Finished  # noqa: PLC0415 - the child sets up the package first

    done = subprocess.run(
        [*_NAMESPACE, sys.executable, __file__, str(folder)],
        input=json.dumps(steps),
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Finished(*result) for result in json.loads(done.stdout.splitlines()[-1])]


def _main() -> None:
    package = types.ModuleType("tests")  # avalanche's wheel has a package of this name too
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules["tests"] = package
    from tests.command_line import call  # noqa: PLC0415

    folder, results = Path(sys.argv[1]), []
    for step in json.load(sys.stdin):
        if step[0] == "growlearn":
            done = call(folder, dict(os.environ), tuple(step[1:]))
            results.append([done.code, done.out, done.err])
        else:
            subprocess.run(step, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    _main()
