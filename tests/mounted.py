"""growlearn on disks that are full or read-only: commands and mounts in a namespace of their own.

A namespace of mounts lets any user mount, and ends with its process. Root may write whatever a mode says,
so only a mount shows what a read-only disk does.
"""

from __future__ import annotations

import ctypes
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
_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # <linux/sched.h>
_RECURSIVE, _PRIVATE = 0x4000, 0x40000  # <sys/mount.h>


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
    from tests.warm_processes import start_process  # noqa: PLC0415 - as above

    with start_process(
        [__file__, str(folder)],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = process.communicate(json.dumps(steps))
    assert process.returncode == 0, err
    return [Finished(*result) for result in json.loads(out.splitlines()[-1])]


def _enter_namespace() -> None:
    """As `unshare --map-root-user --mount` does, in a process that has one thread."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS | _NEW_USER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(line)
    if libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def _main() -> None:
    _enter_namespace()
    os.environ["TESTS_COLD"] = "1"  # a training has to see the mounts
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
