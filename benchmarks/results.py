"""Tables of figures with what they were measured on, printed and kept in results/."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def hardware() -> str:
    """Processor, cores, memory, Python and torch in one line."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def publish(name: str, title: str, table: list[str], note: str, command: str | None = None) -> None:
    """Print a table and keep it as results/NAME.md, with the hardware and the command that makes it.

    command: what follows `python benchmarks/`; NAME.py where nothing is said.
    """
    page = [
        f"# {title}",
        "",
        *table,
        "",
        f"{note}; {hardware()}.",
        "",
        f"Made by `python benchmarks/{command or f'{name}.py'}`.",
        "",
    ]
    print("\n" + "\n".join(page), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text("\n".join(page), encoding="utf-8")
