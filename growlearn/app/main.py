"""The entry point: the program, its commands, and how an error is reported."""

from __future__ import annotations

import atexit
import errno
import gc
import sys
import traceback
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from growlearn import __version__
from growlearn.app.cli import (
    api,
    backtest,
    canary,
    database,
    demo,
    doctor,
    evaluate,
    export,
    fsck,
    inspect,
    jobs,
    keys,
    label_queue,
    mlflow,
    predict,
    promotion,
    reproduce,
    retention,
    run,
    status,
    why,
)
from growlearn.app.cli.output import BAD_USAGE, FAILED, accept_any_text, echo, echo_error
from growlearn.app.file_modes import private_files
from growlearn.app.garbage import collect_rarely
from growlearn.domain.errors import GrowLearnError, JobError, is_disk_full, make_write_error


class CommandGroup(TyperGroup):
    """Commands that report a GrowLearnError in one line, with the documented exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the program on streams that take any text."""
        accept_any_text()
        return super().main(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the requested command."""
        try:
            with private_files():
                return super().invoke(ctx)
        except GrowLearnError as error:
            for line in f"error: {error}".split("\n"):
                echo_error(line)
            raise typer.Exit(BAD_USAGE if isinstance(error, JobError) else FAILED) from None
        except OSError as error:
            explained = _explain_write_error(error)
            if explained is None:
                raise
            echo_error(f"error: {explained}")
            raise typer.Exit(FAILED) from None


def _explain_write_error(error: OSError) -> GrowLearnError | None:
    """A file that cannot be written, as an error to act on; None for any other error, which is a bug."""
    if not is_disk_full(error) and error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
        return None
    return make_write_error(error.filename or "a file", error, "name a place where this user may write")


app = typer.Typer(
    name="growlearn",
    cls=CommandGroup,
    help="Keeps a deployed classifier up to date by growing it, one frozen branch at a time.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad usage or bad job file, 3 some rows or files quarantined.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"growlearn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""


for group in (
    demo, jobs, run, api, status, inspect, evaluate, why, reproduce, doctor, fsck, promotion, canary,
    backtest, predict, label_queue, export, keys, retention, database, mlflow,
):  # fmt: skip
    group.register(app)


def main() -> None:
    """Run the command line."""
    sys.excepthook = _print_crash
    collect_rarely()
    # What is registered first is called last: the interpreter then clears modules without looking for cycles
    # among all objects of torch and MLflow, which takes 3 s of CPU time.
    atexit.register(gc.freeze)
    app()


def _print_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback for a bug report, without credentials."""
    echo_error("".join(traceback.format_exception(kind, error, trace)).rstrip())
