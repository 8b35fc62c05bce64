"""A rollback to each of twelve versions: seconds of the move, the same answers, and what MLflow resolves.

The versions are grown by `growlearn run`, each on real handwritten digits seen in another way. This process
then goes back to every one: the move of the pointer in the record is timed, then that of MLflow's alias; the
model is rebuilt and asked its check rows; and `models:/NAME@champion` is loaded. At last `growlearn rollback`
does the same once more.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import mlflow
import torch
from growlearn.app.verify import Verification, verify_version
from many_versions import MOST, NAME, Grown, grow
from results import publish

from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.app.composition import open_artifacts, system_clock
from growlearn.app.mlflow_sync import sync_mlflow
from growlearn.domain.stream import Message, MessageKind
from growlearn.network.bitwise_check import CHECK_ROWS
from growlearn.network.model import weights
from growlearn.ports import Store
from growlearn.registry import promotion
from growlearn.registry.version_tree import get_version

_ORDER = (*range(MOST - 1, 0, -1), MOST)


@dataclass(frozen=True)
class Rollback:
    """One move: seconds in the record, seconds until MLflow followed, the proof, and what MLflow loads."""

    to: int
    record_s: float
    mirror_s: float
    proof: Verification
    resolved: bool


@dataclass(frozen=True)
class Command:
    """A person's command: seconds of the process, and whether it said that all tasks are verified."""

    seconds: float
    verified: bool


def main() -> None:
    """Grow the stream, go back to every version, publish the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        grown = grow(Path(folder), MOST)
        store = grown.open()
        mlflow.set_tracking_uri(grown.settings.mlflow_tracking_uri)
        for to in (1, MOST):
            roll_back(grown, store, to)  # MLflow is imported at its first use
        moves = [roll_back(grown, store, to) for to in _ORDER]
        commands = [command(grown, to) for to in _ORDER]
        answers = [stored_answers(grown, store, to) for to in _ORDER]
    table = [
        "| back to version | pointer moved, ms | MLflow's alias too, ms | tasks asked | answers compared "
        "| tasks not equal to the last bit | `@champion` loads that version | `growlearn rollback`, s "
        "| it says verified |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row(*each) for each in zip(moves, commands, answers, strict=True)),
    ]
    publish("rollback", f"A rollback to each of {MOST} versions", table, note(moves))


def note(moves: list[Rollback]) -> str:
    """What the figures rest on."""
    slowest = 1e3 * max(each.record_s for each in moves)
    with_alias = 1e3 * max(each.record_s + each.mirror_s for each in moves)
    return (
        f"The slowest move took {slowest:.0f} ms, with MLflow's alias {with_alias:.0f} ms, MLflow imported "
        "before; the command's seconds are those of a new process, which imports MLflow and torch and proves "
        "the version after the move; one task a version, SQLite for both stores, 1 thread; answers are the "
        f"logits and the router's scores of at most {CHECK_ROWS} stored rows a task, kept by the process "
        "that grew the version; the cores were shared with other work, so times are upper bounds"
    )


def roll_back(grown: Grown, store: Store, to: int) -> Rollback:
    """As `growlearn rollback` does it, each part timed."""
    started = time.perf_counter()
    stream = store.stream(NAME)
    versions = store.versions(NAME)
    moves, base = promotion.rollback_version(
        stream, versions, to, "benchmark", "going back", system_clock().now()
    )
    message = Message(stream=NAME, kind=MessageKind.ALIASES)
    store.change_aliases(NAME, moves, base, message, parent_version_before=stream.parent_version)
    moved = time.perf_counter()
    assert sync_mlflow(grown.settings, store, NAME, print) == 0
    followed = time.perf_counter()
    proof = verify_version(store, open_artifacts(grown.settings), NAME, to)
    resolved = champion_run() == get_version(versions, to).mlflow_run
    found = Rollback(to, moved - started, followed - moved, proof, resolved)
    print(found, flush=True)
    return found


def command(grown: Grown, to: int) -> Command:
    """The command itself, in a process of its own."""
    started = time.perf_counter()
    output = grown.growlearn("rollback", NAME, str(to))
    seconds = time.perf_counter() - started
    tasks = "1 task gives its stored logits" if to == 1 else f"{to} tasks give their stored logits"
    return Command(seconds, f"verified: {tasks} to the last bit" in output)


def champion_run() -> str:
    """The MLflow run that logged the model which the alias leads to, loaded as a server loads it."""
    with silence_warnings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(mlflow.pyfunc.load_model(f"models:/{NAME}@champion").metadata.run_id)


def stored_answers(grown: Grown, store: Store, number: int) -> int:
    """How many numbers are kept of a version, and compared."""
    result = store.window_record(NAME, get_version(store.versions(NAME), number).window).result
    assert result is not None
    assert result.check_logits is not None
    stored = weights.load_weights(open_artifacts(grown.settings).get(result.check_logits))
    return sum(answers.numel() for answers in stored.values())


def row(move: Rollback, by_hand: Command, answers: int) -> str:
    """One line of the table."""
    resolved, verified = ("yes" if each else "no" for each in (move.resolved, by_hand.verified))
    both_s = move.record_s + move.mirror_s
    asked = 0 if move.proof.num_checked_tasks is None else move.proof.num_checked_tasks
    return (
        f"| {move.to} | {1e3 * move.record_s:.0f} | {1e3 * both_s:.0f} | {asked} | {answers:,} "
        f"| {len(move.proof.output_differences)} | {resolved} | {by_hand.seconds:.1f} | {verified} |"
    )


if __name__ == "__main__":
    main()
