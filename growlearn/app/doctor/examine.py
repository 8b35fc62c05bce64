"""Going through all checks: whatever one of them meets, the others are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from growlearn.app.doctor.checks import OF_THE_INSTALLATION, OF_THE_PREMISES, OF_THE_RECORD
from growlearn.app.doctor.finding import Finding, State, ok, warning, wrong
from growlearn.app.doctor.premises import Premises, record_of
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

if TYPE_CHECKING:
    from growlearn.ports import Clock


def examine(read: Callable[[], Settings], clock: Clock) -> Iterator[Finding]:
    """Every finding, as it is made; never raises.

    Settings that cannot be read are a finding, and leave what depends on them unseen.
    """
    for check in OF_THE_INSTALLATION:
        yield from made(check.__name__, check)
    try:
        settings = read()
    except Exception as error:
        yield _raised("settings", error)
        return
    yield ok("settings", f"home is {settings.home}")
    yield from _places(Premises(settings=settings, clock=clock))


def _places(premises: Premises) -> Iterator[Finding]:
    sound = True
    for check in OF_THE_PREMISES:
        for finding in made(check.__name__, partial(check, premises)):
            sound = sound and not (finding.check == "database" and finding.state is State.WRONG)
            yield finding
    yield from made("record", partial(_record, premises, sound=sound))


def _record(premises: Premises, *, sound: bool) -> Iterator[Finding]:
    with record_of(premises) as record:
        if record is not None:
            for check in OF_THE_RECORD:
                yield from made(check.__name__, partial(check, record))
        elif not sound:
            unseen = ", ".join(check.__name__ for check in OF_THE_RECORD)
            yield warning(
                "record", f"not looked at: {unseen}", "mend the database, then run: growlearn doctor"
            )


def made(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a check found; what it raised is one more finding."""
    try:
        yield from check()
    except Exception as error:
        yield _raised(name, error)


def _raised(name: str, error: Exception) -> Finding:
    if isinstance(error, GrowLearnError):
        return wrong(name, error.what, error.cure)
    said = f"{type(error).__name__}: {error}"
    return wrong(name, f"could not be looked at: {said}", "mend what it names, or report it")
