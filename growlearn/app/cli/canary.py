"""canary start, canary stop, canary show: a version that answers beside the champion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from growlearn.app.cli.inspect import JsonOption, StreamArgument, open_current_store
from growlearn.app.cli.output import echo, percent_or_dash, print_json, show_table
from growlearn.app.cli.promotion import Reason, current_user
from growlearn.domain.canary import MAX_SHARE_PERCENT

_COLUMNS = (
    "version",
    "champion",
    "share",
    "state",
    "compared rows",
    "agreement",
    "labelled rows",
    "accuracy",
)


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    group = typer.Typer(no_args_is_help=True, help="A version that answers beside the champion.")
    for command in (start, stop, show):
        group.command()(command)
    app.add_typer(group, name="canary", rich_help_panel="Manage")


def start(
    stream: StreamArgument,
    version: Annotated[int | None, typer.Argument(help="Default: the challenger.")] = None,
    share: Annotated[
        float,
        typer.Option(
            "--share", metavar="PERCENT", min=0, max=MAX_SHARE_PERCENT, help="0: it is only compared."
        ),
    ] = 0.0,
) -> None:
    """Let a version answer a share of the requests, and compare it with the champion on all of them."""
    from growlearn.app.composition import system_clock

    record = open_current_store().canaries
    canary = record.start(stream, version, share, system_clock().now(), current_user())
    echo(f"{stream}: {canary.describe()}; to see how it does: growlearn canary show {stream}")


def stop(stream: StreamArgument, reason: Reason = "stopped by hand") -> None:
    """Let the champion answer all requests again."""
    from growlearn.app.composition import system_clock

    store = open_current_store()
    stopped = store.canaries.stop(stream, None, reason, system_clock().now(), current_user())
    if stopped is None:
        echo(f"{stream}: no canary runs")
    else:
        echo(f"{stream}: version {stopped.version} answers no requests any more")


def show(stream: StreamArgument, as_json: JsonOption = False) -> None:
    """Show the stream's canaries: what they answered, how often they agreed, and why they stopped."""
    from growlearn.app.canary_view import canaries_view

    store = open_current_store()
    view = canaries_view(store.canaries.of_stream(store.stream(stream).name))
    if as_json:
        print_json(view)
        return
    empty = f"no canary yet; run: growlearn canary start {stream} VERSION --share 5"
    show_table(_COLUMNS, [_make_row(canary) for canary in view["canaries"]], empty=empty)
    for canary in view["canaries"]:
        for line in _describe(canary):
            echo(line)


def _make_row(canary: Mapping[str, Any]) -> tuple[object, ...]:
    own, champion = (percent_or_dash(canary[f"{side}_accuracy"]) for side in ("version", "champion"))
    return (
        canary["version"],
        canary["champion"],
        f"{canary['share_percent']:g} %",
        "running" if canary["running"] else "stopped",
        canary["compared_rows"],
        percent_or_dash(canary["agreement"]),
        canary["labelled_rows"],
        f"{own}, champion {champion}" if canary["labelled_rows"] else None,
    )


def _describe(canary: Mapping[str, Any]) -> Iterator[str]:
    name = f"version {canary['version']}, canary {canary['number']}"
    if canary["dropped_rows"]:
        yield f"{name}: {canary['dropped_rows']} rows were not compared, because too many waited"
    if not canary["running"]:
        time = canary["stopped_at"][:19].replace("T", " ")
        yield f"{name}: stopped {time} UTC by {canary['stopped_by']}: {canary['stop_reason']}"
