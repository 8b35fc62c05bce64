"""reproduce: a version made again from what is stored of it."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.look import AsJson, StreamName
from growlearn.app.cli.output import FAILED, print_json, say, show_table

if TYPE_CHECKING:
    from growlearn.app.reproducing import Reproduction
    from growlearn.domain.circumstances import Difference

_MOST_PLACES = 10
_HASH = re.compile("[0-9a-f]{40,64}")


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Look")(reproduce)


def reproduce(
    stream: StreamName,
    version: Annotated[int, typer.Argument(help="Its number; see: growlearn versions STREAM.")],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="By which a probability may differ.")
    ] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Train a version again from its stored rows: does it come out the same? Nothing is changed."""
    from growlearn.app.cli.progress import reporting
    from growlearn.app.composition import open_artifacts, open_record, open_workshop
    from growlearn.app.here import settings
    from growlearn.app.reproducing import reproduce as make_again
    from growlearn.app.reproduction_view import reproduction_view
    from growlearn.growth.reproduction import Likeness

    here = settings()
    with reporting() as report:
        made = make_again(
            open_record(here),
            open_artifacts(here),
            partial(open_workshop, here),
            stream,
            version,
            tolerance,
            report,
        )
    if as_json:
        print_json(reproduction_view(made))
    else:
        _show(made)
    if made.likeness is Likeness.DIFFERENT:
        raise typer.Exit(FAILED)


def _show(made: Reproduction) -> None:
    version = made.version
    threads = "1 thread" if made.threads == 1 else f"{made.threads} threads"
    say(
        f"{version.stream}: version {version.number} "
        f"({', '.join(made.branches) or 'a head alone'} from {version.window}) "
        f"made again in {made.seconds:.1f} s with {threads}: {made.likeness.value}"
    )
    places = made.comparison.places
    if places:
        say(_figures(made))
        show_table(
            ("where", "tensor", "largest difference"),
            [
                (place.part, place.tensor or "on one side only", _figure(place.difference))
                for place in places[:_MOST_PLACES]
            ],
            empty="",
        )
        if len(places) > _MOST_PLACES:
            say(f"and {len(places) - _MOST_PLACES} more; see --json")
        _show_circumstances(made.differences)


def _figures(made: Reproduction) -> str:
    found = made.comparison
    return (
        f"largest difference of a probability {_figure(found.answers)}, on {found.rows} rows, "
        f"of a weight {_figure(found.weights)}"
    )


def _figure(number: float) -> str:
    return f"{number:.2g}" if math.isfinite(number) else "not comparable"


def _show_circumstances(found: tuple[Difference, ...] | None) -> None:
    if found is None:
        say("in what circumstances it was made was not recorded")
        return
    show_table(
        ("circumstance", "recorded", "here"),
        [(each.name, _short(each.recorded), _short(each.here)) for each in found],
        empty="code, packages, processor and threads are those it was made with",
    )


def _short(fact: str | None) -> str | None:
    """A hash by its first letters."""
    return fact[:12] if fact is not None and _HASH.fullmatch(fact) else fact
