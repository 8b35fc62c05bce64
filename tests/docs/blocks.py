"""The code blocks of the pages, and the remark above one that says why it is not run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_LANGUAGES = ("bash", "sh", "shell", "console", "python", "py")
# Pages whose blocks tests/acceptance/test_documented_commands.py runs.
PAGES_RUN = (
    "README.md",
    "docs/how-to/backtest.md",
    "docs/how-to/bad-input.md",
    "docs/how-to/consolidate.md",
    "docs/how-to/doctor.md",
    "docs/how-to/encoders.md",
    "docs/how-to/export.md",
    "docs/how-to/fsck.md",
    "docs/how-to/late-labels.md",
    "docs/how-to/own-data.md",
    "docs/how-to/python.md",
    "docs/how-to/refine.md",
    "docs/how-to/registry.md",
    "docs/how-to/reproduce.md",
    "docs/how-to/retention.md",
    "docs/how-to/run-as-a-service.md",
    "docs/how-to/serve.md",
    "docs/how-to/upgrade.md",
    "docs/how-to/why.md",
)
# A line that begins so is left out of a block that is run.
NOT_RUN = {
    "growlearn up": "runs until it is stopped: tests/integration/cli/test_up.py",
    "growlearn scheduler": "runs until it is stopped: tests/integration/cli/test_up.py",
    "growlearn worker": "runs until it is stopped: tests/integration/cli/test_up.py",
    "pip install": "installs from an index: tests/integration/test_wheel.py installs the wheel",
}
_BLOCK = re.compile(r"(?:^<!-- not run: (.*?) -->\n)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str  # from the root of the checkout
    number: int  # within the page, from 1
    language: str
    text: str
    reason: str | None  # why it is not run

    @property
    def name(self) -> str:
        return f"{self.page}, block {self.number}"


def list_pages() -> list[Path]:
    """Every page that a reader may copy commands from."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
    return sorted(pages)


def find_blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    name = page.relative_to(ROOT).as_posix()
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [
        Block(name, number, language, text, " ".join(reason.split()) or None)
        for number, (reason, language, text) in enumerate(found, 1)
    ]


def find_runnable_blocks(page: Path) -> list[Block]:
    """Blocks of a page that the tests run."""
    return [block for block in find_blocks(page) if block.language in RUN_LANGUAGES and block.reason is None]


def split_commands(text: str) -> list[tuple[bool, str]]:
    """Each plain growlearn command, to be called in this process, and the shell lines between two of them.

    Lines that NOT_RUN names are left out.
    """
    lines = [line for line in text.splitlines() if not line.startswith(tuple(NOT_RUN))]
    commands: list[tuple[bool, str]] = []
    for is_plain, group in groupby(lines, _is_plain):
        block = list(group)
        commands += [(True, line) for line in block] if is_plain else [(False, "\n".join(block))]
    return commands


def _is_plain(line: str) -> bool:
    return line.startswith("growlearn ") and not re.search(r"[|&;<>]", line.partition(" #")[0])
