"""reproduce: retrains a version from stored data and compares."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption, StreamArgument
from growlearn.app.cli.output import FAILED, echo, print_json, show_table

if TYPE_CHECKING:
    from growlearn.app.reproduce import Reproduction
    from growlearn.domain.environment import EnvironmentDifference

_MAX_TENSORS = 10
_HASH_PATTERN = re.compile("[0-9a-f]{40,64}")


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    app.command(rich_help_panel="Inspect")(reproduce)


def reproduce(
    stream: StreamArgument,
    version: Annotated[int, typer.Argument(help="Its number; see: growlearn versions STREAM.")],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="Largest allowed difference of a probability.")
    ] = 0.01,
    as_json: JsonOption = False,
) -> None:
    """Retrain a version from its stored rows and compare the two; changes nothing."""
    from growlearn.app.cli.progress import show_progress
    from growlearn.app.composition import open_artifacts, open_scratch_training, open_store
    from growlearn.app.current_settings import load_settings
    from growlearn.app.reproduce import reproduce_version
    from growlearn.app.reproduction_view import reproduction_view
    from growlearn.app.signals import exit_on_sigterm
    from growlearn.network.model_diff import ReproductionStatus

    settings = load_settings()
    with exit_on_sigterm(), show_progress() as on_progress:
        reproduction = reproduce_version(
            open_store(settings),
            open_artifacts(settings),
            partial(open_scratch_training, settings),
            stream,
            version,
            tolerance,
            on_progress,
        )
    if as_json:
        print_json(reproduction_view(reproduction))
    else:
        _show_reproduction(reproduction)
    if reproduction.status is ReproductionStatus.DIFFERENT:
        raise typer.Exit(FAILED)


def _show_reproduction(reproduction: Reproduction) -> None:
    version = reproduction.version
    threads = "1 thread" if reproduction.threads == 1 else f"{reproduction.threads} threads"
    echo(
        f"{version.stream}: version {version.number} "
        f"({', '.join(reproduction.branches) or 'a head alone'} from {version.window}) "
        f"reproduced in {reproduction.seconds:.1f} s with {threads} on {reproduction.device}: "
        f"{reproduction.status.value}"
    )
    tensor_diffs = reproduction.model_diff.tensor_differences
    if tensor_diffs:
        echo(_difference_line(reproduction))
        show_table(
            ("part", "tensor", "largest difference"),
            [
                (
                    tensor_diff.part,
                    tensor_diff.tensor or "on one side only",
                    _format_difference(tensor_diff.difference),
                )
                for tensor_diff in tensor_diffs[:_MAX_TENSORS]
            ],
            empty="",
        )
        if len(tensor_diffs) > _MAX_TENSORS:
            echo(f"and {len(tensor_diffs) - _MAX_TENSORS} more; see --json")
        _show_environment(reproduction.environment_differences)


def _difference_line(reproduction: Reproduction) -> str:
    model_diff = reproduction.model_diff
    output_difference = _format_difference(model_diff.output_difference)
    weight_difference = _format_difference(model_diff.weight_difference)
    return (
        f"largest difference of a probability {output_difference}, on {model_diff.rows} rows, "
        f"of a weight {weight_difference}"
    )


def _format_difference(number: float) -> str:
    return f"{number:.2g}" if math.isfinite(number) else "not comparable"


def _show_environment(differences: tuple[EnvironmentDifference, ...] | None) -> None:
    if differences is None:
        echo("the environment it was trained in was not recorded")
        return
    show_table(
        ("property", "recorded", "current"),
        [
            (difference.name, _shorten_hash(difference.recorded), _shorten_hash(difference.current))
            for difference in differences
        ],
        empty="code, packages, processor and threads are those it was made with",
    )


def _shorten_hash(value: str | None) -> str | None:
    """The first digits of a hash; other values unchanged."""
    return value[:12] if value is not None and _HASH_PATTERN.fullmatch(value) else value
