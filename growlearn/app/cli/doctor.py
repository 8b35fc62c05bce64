"""doctor: what is wrong with this installation, and the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption
from growlearn.app.cli.output import FAILED, console, is_narrow, print_json, show_wrapped
from growlearn.domain.printable import printable
from growlearn.domain.process import ProcessKind

if TYPE_CHECKING:
    from growlearn.app.doctor.finding import Finding

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}
_INDENT = 9 + 13  # the width of the state and the check, before the message


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Inspect")(doctor)


def doctor(
    process: Annotated[
        ProcessKind | None,
        typer.Option("--process", help="Only whether such a process of this host runs: a health check."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong with this installation, and the fix; changes nothing."""
    from growlearn.app.composition import system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.doctor.finding import FindingState
    from growlearn.app.doctor.local_process import check_local_process
    from growlearn.app.doctor.run_checks import run_checks
    from growlearn.app.views import findings_view

    findings, clock = [], system_clock()
    checks = (
        run_checks(load_settings, clock)
        if process is None
        else [check_local_process(load_settings(), clock, process)]
    )
    for finding in checks:
        findings.append(finding)
        if not as_json:
            _show_finding(finding)
    if as_json:
        print_json(findings_view(findings))
    if any(finding.state is FindingState.ERROR for finding in findings):
        raise typer.Exit(FAILED)


def _show_finding(finding: Finding) -> None:
    """One line, however long, and the fix on the next one; wrapped on a narrow terminal."""
    from rich.text import Text

    line = Text()
    if is_narrow():
        line.append(finding.state.value, style=_STYLES[finding.state]).append(f" {finding.check}")
        console().print(line)
        show_wrapped(finding.message, indent=2)
        if finding.hint is not None:
            show_wrapped(f"→ {finding.hint}", indent=2)
        return
    line.append(f"{finding.state:<9}", style=_STYLES[finding.state])
    line.append(f"{finding.check:<13}{finding.message}")
    if finding.hint is not None:
        line.append(f"\n{'':<{_INDENT}}→ {printable(finding.hint)}")
    console().print(line, soft_wrap=True)
