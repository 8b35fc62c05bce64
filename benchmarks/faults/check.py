"""What the record must say after any faults: each window handled once and in order, none lost."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.domain.stream import MessageKind
from growlearn.domain.window import WindowState
from growlearn.ports import Store


def find_violations(store: Store, streams: list[str], windows: int) -> list[str]:
    """A sentence for everything that is not as it must be."""
    return [text for name in streams for text in _check_stream(store, name, windows)]


def _check_stream(store: Store, name: str, windows: int) -> Iterator[str]:
    expected = [f"w{number}" for number in range(1, windows + 1)]
    stored = store.windows(name)
    if [window.id for window in stored] != expected:
        yield f"{name}: windows are {[window.id for window in stored]}"
    if unfinished := [window.id for window in stored if window.state is not WindowState.SKIPPED]:
        yield f"{name}: not ended: {unfinished}"
    moves = [
        (entry.transition.window, entry.transition.target)
        for entry in store.decision_log(name)
        if entry.transition is not None
    ]
    in_order = [(window, state) for window in expected for state in (WindowState.JUDGED, WindowState.SKIPPED)]
    if moves != in_order:
        yield f"{name}: transitions are {moves}"
    sent = [pending.message for pending in store.outbox.pending(name, limit=10 * windows)]
    cycles = [message.window for message in sent if message.kind is MessageKind.CYCLE]
    if cycles != expected:
        yield f"{name}: messages for MLflow are {cycles}"
    files = [file.url for file in store.ingested_files(name)]
    if files != [f"f{number}" for number in range(1, windows + 1)]:
        yield f"{name}: files are {files}"
