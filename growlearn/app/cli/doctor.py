"""doctor: what is wrong with this installation, and the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from growlearn.app.cli.look import AsJson
from growlearn.app.cli.output import FAILED, console, print_json

if TYPE_CHECKING:
    from growlearn.app.doctor.finding import Finding

_STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red"}
_INDENT = 9 + 13  # what goes before the words: the state, then the check


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Look")(doctor)


def doctor(as_json: AsJson = False) -> None:
    """What is wrong with this installation, and the cure; looking changes nothing."""
    from growlearn.app.composition import clock
    from growlearn.app.doctor.examine import examine
    from growlearn.app.doctor.finding import State
    from growlearn.app.here import settings
    from growlearn.app.views import findings_view

    findings = []
    for finding in examine(settings, clock()):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        print_json(findings_view(findings))
    if any(finding.state is State.WRONG for finding in findings):
        raise typer.Exit(FAILED)


def _show(finding: Finding) -> None:
    """One line, however long, and the cure on the next one."""
    from rich.text import Text

    line = Text()
    line.append(f"{finding.state:<9}", style=_STYLES[finding.state])
    line.append(f"{finding.check:<13}{finding.found}")
    if finding.cure is not None:
        line.append(f"\n{'':<{_INDENT}}→ {finding.cure}")
    console().print(line, soft_wrap=True)
