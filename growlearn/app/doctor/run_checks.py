"""Runs all checks; an error in one does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from growlearn.app.doctor.checks import INSTALLATION_CHECKS, SETTINGS_CHECKS, STORE_CHECKS
from growlearn.app.doctor.context import CheckContext, open_store_context
from growlearn.app.doctor.finding import Finding, FindingState, error_finding, ok_finding, warning_finding
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

if TYPE_CHECKING:
    from growlearn.ports import Clock


def run_checks(read: Callable[[], Settings], clock: Clock) -> Iterator[Finding]:
    """Every finding, as soon as it is known; never raises.

    Invalid settings are a finding, and the checks that need settings are skipped.
    """
    for check in INSTALLATION_CHECKS:
        yield from run_check(check.__name__, check)
    try:
        settings = read()
    except Exception as error:
        yield _finding_from_error("settings", error)
        return
    yield ok_finding("settings", f"home is {settings.home}")
    yield from _run_settings_checks(CheckContext(settings=settings, clock=clock))


def _run_settings_checks(context: CheckContext) -> Iterator[Finding]:
    database_ok = True
    for check in SETTINGS_CHECKS:
        for finding in run_check(check.__name__, partial(check, context)):
            database_ok = database_ok and not (
                finding.check == "database" and finding.state is FindingState.ERROR
            )
            yield finding
    yield from run_check("record", partial(_run_store_checks, context, database_ok=database_ok))


def _run_store_checks(context: CheckContext, *, database_ok: bool) -> Iterator[Finding]:
    with open_store_context(context) as store_context:
        if store_context is not None:
            for check in STORE_CHECKS:
                yield from run_check(check.__name__, partial(check, store_context))
        elif not database_ok:
            skipped = ", ".join(check.__name__ for check in STORE_CHECKS)
            yield warning_finding(
                "record", f"not checked: {skipped}", "fix the database, then run: growlearn doctor"
            )


def run_check(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a check; an exception becomes one more finding."""
    try:
        yield from check()
    except Exception as error:
        yield _finding_from_error(name, error)


def _finding_from_error(name: str, error: Exception) -> Finding:
    if isinstance(error, GrowLearnError):
        return error_finding(name, error.message, error.hint)
    message = f"{type(error).__name__}: {error}"
    return error_finding(name, f"the check failed: {message}", "fix what it names, or report it")
