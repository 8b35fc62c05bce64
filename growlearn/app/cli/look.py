"""status, windows, drift, lineage, matrix, versions: looking changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.output import percent, print_json, say, show, show_table
from growlearn.app.views import (
    View,
    drift_view,
    lineage_view,
    matrix_of_version,
    matrix_view,
    status_view,
    versions_view,
    windows_view,
)

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from growlearn.ports import Store

StreamName = Annotated[str, typer.Argument(metavar="STREAM", help="Name of the stream.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: documented keys, nothing else.")]
OneWindow = Annotated[str | None, typer.Argument(metavar="[WINDOW]", help="One window, such as w3.")]
AtVersion = Annotated[int | None, typer.Option("--version", help="Of this version, not the champion's.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    for command in (status, windows, drift, lineage, matrix, versions):
        app.command(rich_help_panel="Look")(command)


def _store() -> Store:
    from growlearn.app.composition import open_record
    from growlearn.app.here import settings

    return open_record(settings())


def status(
    stream: Annotated[str | None, typer.Argument(metavar="[STREAM]", help="All where left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """How every stream, or one, stands."""
    from growlearn.app.composition import clock

    view = status_view(_store(), stream, clock().now())
    if as_json:
        print_json(view)
        return
    show_table(
        ("stream", "state", "champion", "pending windows", "waiting for labels"),
        [(s["name"], s["state"], s["champion"], s["pending"], _waiting(s)) for s in view["streams"]],
        empty="no streams yet; run: growlearn apply JOB.yaml",
    )


def _waiting(stream: View) -> str | None:
    return f"{stream['waiting']} ({stream['lacking']} labels)" if stream.get("waiting") else None


def windows(stream: StreamName, window: OneWindow = None, as_json: AsJson = False) -> None:
    """The windows of a stream and what became of each; of one window, the rows kept out of it."""
    view = windows_view(_store(), stream, window)
    if as_json:
        print_json(view)
        return
    keys = ("id", "state", "rows", "quarantined_rows", "task", "verdict", "reason", "source")
    show_table(
        [key.replace("quarantined_rows", "kept out") for key in keys],
        [[_cell(w, key) for key in keys] for w in view["windows"]],
        empty="no windows yet; drop a file where the stream looks and run: growlearn run " + stream,
    )
    if window is not None:
        show_table(
            ("row of the file", "kept out because"),
            [(bad["row"], bad["reason"]) for bad in view["windows"][0]["bad_rows"]],
            empty="no row was kept out",
        )


def _cell(window: View, key: str) -> object:
    if key == "state" and window.get("lacking") is not None:
        return f"waiting ({window['lacking']} labels)"
    return _last_part(window[key]) if key == "source" else window[key]


def _last_part(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url


def drift(stream: StreamName, window: OneWindow = None, as_json: AsJson = False) -> None:
    """What the drift stage said of each window; of one window, every score."""
    store = _store()
    view = drift_view(store, stream, window)
    if as_json:
        print_json(view)
        return
    if window is None:
        _show_timeline(store, stream)
    show_table(
        ("window", "verdict", "task", "reason"),
        [(r["window"], r["verdict"], r["task"], r["reason"]) for r in view["reports"]],
        empty="nothing judged yet",
    )
    if window is not None and view["reports"] and view["reports"][0]["scores"]:
        _show_scores(view["reports"][0]["scores"])


def _show_timeline(store: Store, stream: str) -> None:
    """Every judged window as one character, with a legend."""
    from growlearn.app.cli.timeline import Moment, legend, show_timeline
    from growlearn.domain.window import WindowState

    trained = (WindowState.PROMOTED, WindowState.HELD, WindowState.REJECTED)
    moments = [
        Moment(each.id, each.verdict, each.state in trained)
        for each in store.windows(stream)
        if each.verdict is not None
    ]
    if moments:
        show_timeline(moments)
        show(legend(moments))


def _show_scores(scores: Sequence[View]) -> None:
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
                score["detector"],
                score["task"],
                score["name"],
                _short(score["statistic"]),
                _short(score["effect"]),
                _short(score["p_value"]),
                _short(score["threshold"]),
                score["window_rows"],
                score["reference_rows"],
            )
            for score in scores
        ],
        empty="no scores",
    )


def _short(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def lineage(stream: StreamName, as_json: AsJson = False) -> None:
    """The tree of branches: who grew from whom, for which task."""
    view = lineage_view(_store(), stream)
    if as_json:
        print_json(view)
    elif not view["branches"]:
        say("no branches yet")
    else:
        show_lineage(stream, view["branches"])


def show_lineage(stream: str, branches: Sequence[View]) -> None:
    """Branches as a tree under the stream's name."""
    from rich.tree import Tree

    root = Tree(stream)
    nodes: dict[str | None, Tree] = {None: root}
    for branch in branches:  # in the order they were grown, so that a parent comes first
        nodes[branch["id"]] = nodes.get(branch["parent"], root).add(_branch_line(branch))
    show(root)


def _branch_line(branch: View) -> Text:
    from rich.text import Text

    kept = branch["state"] == "kept"
    line = Text()
    line.append(branch["id"], style="bold" if kept else "dim strike")
    line.append(f"  {branch['task']}", style="cyan" if kept else "dim")
    fate = f"version {branch['version']}" if branch["version"] is not None else branch["state"]
    line.append(
        f"  from {branch['window']}, {fate}, {branch['parameters']:,} parameters, {branch['sha256'][:12]}",
        style="dim",
    )
    return line


def matrix(stream: StreamName, version: AtVersion = None, as_json: AsJson = False) -> None:
    """The accuracy matrix of the champion: what each task answered after each growth."""
    from growlearn.app.cli.grid import show_matrix

    found = matrix_of_version(_store(), stream, version)
    if as_json:
        print_json(matrix_view(found))
    elif not found.tasks:
        say("no tasks yet")
    else:
        show_matrix(found)


def versions(stream: StreamName, as_json: AsJson = False) -> None:
    """The versions of a stream's model and the aliases that stand at them."""
    view = versions_view(_store(), stream)
    if as_json:
        print_json(view)
    else:
        show_versions(view["versions"])


def show_versions(versions: Sequence[View]) -> None:
    """Versions as a table."""
    show_table(
        ("version", "aliases", "average accuracy", "branches", "mlflow version", "created"),
        [
            (
                v["version"],
                v["aliases"],
                percent(v["average_accuracy"]),
                v["branches"],
                v["mlflow_version"],
                v["created_at"][:19].replace("T", " ") + " UTC",
            )
            for v in versions
        ],
        empty="no versions yet",
    )
