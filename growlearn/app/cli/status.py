"""status: where every stream stands, once or again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption, open_current_store
from growlearn.app.cli.output import console, echo, echo_error, make_table, make_text, print_json, show_table
from growlearn.app.cli.stream_names import complete_stream
from growlearn.domain.errors import GrowLearnError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from growlearn.app.views import View

WATCH_INTERVAL_S = 2.0
_COLUMNS = ("stream", "state", "champion", "pending windows", "waiting for labels")
_NO_STREAMS = "no streams yet; run: growlearn apply JOB.yaml"


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Inspect")(status)


def status(
    stream: Annotated[
        str | None,
        typer.Argument(metavar="[STREAM]", help="Default: all.", autocompletion=complete_stream),
    ] = None,
    as_json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again until Ctrl-C; in a pipe, a line a change.")
    ] = False,
) -> None:
    """Show the state of every stream, or of one."""
    from growlearn.app.composition import system_clock
    from growlearn.app.views import status_view

    if watch and as_json:
        raise typer.BadParameter("--watch and --json exclude each other; call status --json again and again")
    store, clock = open_current_store(), system_clock()

    def load() -> View:
        return status_view(store, stream, clock.now())

    if watch:
        watch_status(load, time.sleep)
    elif as_json:
        print_json(load())
    else:
        view = load()
        show_table(_COLUMNS, _list_rows(view), empty=_NO_STREAMS)
        for line in (*_describe_canaries(view["streams"]), *_describe_processes(view["processes"])):
            echo(line)


def watch_status(load: Callable[[], View], wait: Callable[[float], None]) -> None:
    """Show what `load` returns every two seconds until Ctrl-C: in place on a terminal, else what changes."""
    try:
        if console().is_terminal:
            _watch_on_terminal(load, wait)
        else:
            _watch_in_lines(load, wait)
    except KeyboardInterrupt:
        return


def _watch_on_terminal(load: Callable[[], View], wait: Callable[[float], None]) -> None:
    from rich.console import Group
    from rich.live import Live

    with Live(console=console(), auto_refresh=False) as live:
        while True:
            try:
                shown = list(_render(load()))
            except GrowLearnError as error:  # an outage passes; the screen says so meanwhile
                shown = [make_text(f"error: {error}", "bold red")]
            live.update(Group(*shown), refresh=True)
            wait(WATCH_INTERVAL_S)


def _watch_in_lines(load: Callable[[], View], wait: Callable[[float], None]) -> None:
    """The lines that were not there at the last look, each with its time."""
    before: set[str] = set()
    while True:
        try:
            lines = [*map(_describe_stream, load()["streams"])]
        except GrowLearnError as error:
            lines = [f"error: {error}"]
        for line in lines:
            if line not in before:
                write = echo_error if line.startswith("error: ") else echo
                write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {line}")
        before = set(lines)
        wait(WATCH_INTERVAL_S)


def _describe_stream(stream: View) -> str:
    champion = "no champion" if stream["champion"] is None else f"champion {stream['champion']}"
    awaiting = _format_awaiting_labels(stream)
    labels = "" if awaiting is None else f", waiting for labels {awaiting}"
    canary = "" if stream["canary"] is None else f", {_describe_canary(stream)}"
    return f"{stream['name']}: {stream['state']}, {champion}{canary}, {stream['pending']} pending{labels}"


def _render(view: View) -> Iterator[RenderableType]:
    rows = _list_rows(view)
    yield from make_table(_COLUMNS, rows) if rows else [make_text(_NO_STREAMS)]
    yield from map(make_text, _describe_canaries(view["streams"]))
    yield from map(make_text, _describe_processes(view["processes"]))


def _list_rows(view: View) -> Sequence[Sequence[object]]:
    return [
        (s["name"], s["state"], s["champion"], s["pending"], _format_awaiting_labels(s))
        for s in view["streams"]
    ]


def _describe_canaries(streams: Sequence[View]) -> Iterator[str]:
    for stream in streams:
        if stream["canary"] is not None:
            yield f"{stream['name']}: {_describe_canary(stream)}; see: growlearn canary show {stream['name']}"


def _describe_canary(stream: View) -> str:
    does = f"answers {stream['share_percent']:g} %" if stream["share_percent"] else "is compared"
    return f"version {stream['canary']} {does} beside champion {stream['champion']}"


def _describe_processes(processes: Sequence[View]) -> Iterator[str]:
    """A line for each process, and what nobody does."""
    for process in processes:
        state = "runs" if process["alive"] else "is silent"
        yield (
            f"{process['kind']} on {process['host']}, pid {process['pid']}, {state},"
            f" last heartbeat {process['last_heartbeat'][:19].replace('T', ' ')} UTC"
        )
    alive = {process["kind"] for process in processes if process["alive"]}
    for kind in ("scheduler", "worker") if processes else ():
        if not alive & {kind, "up"}:
            yield f"no {kind} runs; start one: growlearn up"


def _format_awaiting_labels(stream: View) -> str | None:
    if not stream.get("awaiting_labels"):
        return None
    return f"{stream['awaiting_labels']} ({stream['labels_missing']} labels)"
