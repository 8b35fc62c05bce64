"""windows, drift, lineage, matrix, versions: listings that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.output import echo, echo_error, percent_or_dash, print_json, show, show_table
from growlearn.app.cli.stream_names import complete_stream
from growlearn.domain.printable import printable

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from growlearn.app.views import View
    from growlearn.ports import Store

StreamArgument = Annotated[
    str, typer.Argument(metavar="STREAM", help="Name of the stream.", autocompletion=complete_stream)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON with documented keys.")]
WindowArgument = Annotated[str | None, typer.Argument(metavar="[WINDOW]", help="One window, such as w3.")]
VersionOption = Annotated[int | None, typer.Option("--version", help="This version; default: the champion.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (windows, drift, lineage, matrix, versions):
        app.command(rich_help_panel="Inspect")(command)


def open_current_store() -> Store:
    """The store of this folder's settings."""
    from growlearn.app.composition import open_store
    from growlearn.app.current_settings import load_settings

    return open_store(load_settings())


def windows(stream: StreamArgument, window: WindowArgument = None, as_json: JsonOption = False) -> None:
    """Show the windows of a stream and their states; for one window, the rows quarantined from it."""
    from growlearn.app.views import windows_view

    view = windows_view(open_current_store(), stream, window)
    if as_json:
        print_json(view)
        return
    keys = ("id", "state", "rows", "quarantined_rows", "task", "verdict", "reason", "source")
    show_table(
        [key.replace("quarantined_rows", "quarantined") for key in keys],
        [[_window_cell(w, key) for key in keys] for w in view["windows"]],
        empty="no windows yet; put a file into the source folder and run: growlearn run " + stream,
    )
    if window is not None:
        show_table(
            ("row of the file", "quarantined because"),
            [(bad["row"], bad["reason"]) for bad in view["windows"][0]["bad_rows"]],
            empty="no row was quarantined",
        )


def _window_cell(window: View, key: str) -> object:
    if key == "state" and window.get("labels_missing") is not None:
        return f"awaiting_labels ({window['labels_missing']} missing)"
    return _last_url_segment(window[key]) if key == "source" else window[key]


def _last_url_segment(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url


def drift(stream: StreamArgument, window: WindowArgument = None, as_json: JsonOption = False) -> None:
    """Show the drift report of each window; for one window, every test result."""
    from growlearn.app.views import drift_view

    store = open_current_store()
    view = drift_view(store, stream, window)
    if as_json:
        print_json(view)
        return
    if window is None:
        _show_drift_timeline(store, stream)
    show_table(
        ("window", "verdict", "task", "reason"),
        [(r["window"], r["verdict"], r["task"], r["reason"]) for r in view["reports"]],
        empty="nothing judged yet",
    )
    if window is not None and view["reports"] and view["reports"][0]["scores"]:
        _show_test_results(view["reports"][0]["scores"])


def _show_drift_timeline(store: Store, stream: str) -> None:
    """Show every judged window as one character, with a legend."""
    from growlearn.app.cli.timeline import TimelinePoint, render_legend, show_timeline
    from growlearn.domain.window import WindowState

    trained = (WindowState.PROMOTED, WindowState.PENDING_APPROVAL, WindowState.REJECTED)
    points = [
        TimelinePoint(window.id, window.verdict, window.state in trained)
        for window in store.windows(stream)
        if window.verdict is not None
    ]
    if points:
        show_timeline(points)
        show(render_legend(points))


def _show_test_results(results: Sequence[View]) -> None:
    show_table(
        (
            "detector",
            "against task",
            "compared",
            "statistic",
            "effect",
            "p",
            "drift below",
            "rows",
            "reference rows",
        ),
        [
            (
                result["detector"],
                result["task"],
                result["name"],
                _format_number(result["statistic"]),
                _format_number(result["effect"]),
                _format_number(result["p_value"]),
                _format_number(result["threshold"]),
                result["window_rows"],
                result["reference_rows"],
            )
            for result in results
        ],
        empty="no test results",
    )


def _format_number(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def lineage(stream: StreamArgument, as_json: JsonOption = False) -> None:
    """Show the tree of branches: the parent and the task of each."""
    from growlearn.app.views import lineage_view

    view = lineage_view(open_current_store(), stream)
    if as_json:
        print_json(view)
    elif not view["branches"]:
        echo("no branches yet")
    else:
        show_lineage(stream, view["branches"])


def show_lineage(stream: str, branches: Sequence[View]) -> None:
    """Show branches as a tree under the stream's name."""
    from rich.tree import Tree

    root = Tree(stream)
    nodes: dict[str | None, Tree] = {None: root}
    for branch in branches:  # in training order, so that a parent comes first
        nodes[branch["id"]] = nodes.get(branch["parent"], root).add(_branch_line(branch))
    show(root)


def _branch_line(branch: View) -> Text:
    from rich.text import Text

    accepted = branch["state"] == "accepted"
    line = Text()
    line.append(printable(branch["id"]), style="bold" if accepted else "dim strike")
    line.append(f"  {printable(branch['task'])}", style="cyan" if accepted else "dim")
    outcome = f"version {branch['version']}" if branch["version"] is not None else branch["state"]
    line.append(
        f"  from {branch['window']}, {outcome}, {branch['parameters']:,} parameters, {branch['sha256'][:12]}",
        style="dim",
    )
    return line


def matrix(stream: StreamArgument, version: VersionOption = None, as_json: JsonOption = False) -> None:
    """Show the accuracy matrix of the champion: the accuracy on each task after each growth."""
    from growlearn.app.cli.accuracy_matrix import show_matrix
    from growlearn.app.views import get_accuracy_matrix, matrix_view

    accuracy_matrix = get_accuracy_matrix(open_current_store(), stream, version)
    if as_json:
        print_json(matrix_view(accuracy_matrix))
    elif not accuracy_matrix.tasks:
        echo("no tasks yet")
    else:
        show_matrix(accuracy_matrix)


def versions(stream: StreamArgument, as_json: JsonOption = False) -> None:
    """Show the versions of a stream's model and their aliases."""
    from growlearn.app.current_settings import load_settings
    from growlearn.app.mlflow_sync import list_mlflow_warnings
    from growlearn.app.views import versions_view

    store = open_current_store()
    view = versions_view(store, stream, list_mlflow_warnings(load_settings(), store, stream))
    if as_json:
        print_json(view)
        return
    show_versions(view["versions"])
    for warning in view["mlflow_warnings"]:
        echo_error(warning)


def show_versions(versions: Sequence[View]) -> None:
    """Show versions as a table."""
    show_table(
        ("version", "aliases", "average accuracy", "branches", "mlflow version", "created"),
        [
            (
                v["version"],
                v["aliases"] or ("files removed" if v["removed_at"] else None),
                percent_or_dash(v["average_accuracy"]),
                v["branches"],
                v["mlflow_version"],
                v["created_at"][:19].replace("T", " ") + " UTC",
            )
            for v in versions
        ],
        empty="no versions yet",
    )
