"""A challenger on trial: it answers later windows beside the champion, and is promoted or declined."""

from __future__ import annotations

from contextlib import suppress

from growlearn.domain.errors import DamagedArtifact, LostRace
from growlearn.domain.job import PromoteAfter
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Message, MessageKind, Stream
from growlearn.domain.window import PENDING, Window, WindowState
from growlearn.evaluation.worth import p_no_better
from growlearn.ingest.rows import Rows, concat, from_parquet
from growlearn.ports import Ports
from growlearn.registry.ancestry import find
from growlearn.registry.promotion import promote, rollback
from growlearn.serving.predictor import Predictor

_ACTOR = "trial"
_UNSEEN = (*PENDING, WindowState.DISCOVERED, WindowState.QUARANTINED)


def conclude(name: str, ports: Ports) -> None:
    """End the trial of a stream's challenger where enough windows with labels have come since.

    It is promoted unless the champion has significantly more of their rows right (McNemar's exact test at
    worth.alpha); then it is declined, and growth goes on from the champion.
    """
    stream = ports.store.stream(name)
    spec = stream.job.registry.promote
    if not isinstance(spec, PromoteAfter) or stream.challenger is None or stream.champion is None:
        return
    versions = ports.store.versions(name)
    challenger, champion = find(versions, stream.challenger), find(versions, stream.champion)
    later = _since(challenger, ports)
    if len(later) < spec.after:
        return  # asked at every tick: no row is read before there are enough of them
    windows = [rows for rows in (_labelled(window, ports, stream) for window in later) if rows]
    if len(windows) < spec.after:
        return
    rows = concat(windows)
    mine, theirs = (
        Predictor(version.manifest, ports.artifacts.get).right(rows) for version in (challenger, champion)
    )
    p = p_no_better(int((theirs & ~mine).sum()), int((mine & ~theirs).sum()))
    told = (
        f"{mine.mean():.2%} right against {theirs.mean():.2%} of version {champion.number} on {len(rows)} "
        f"rows of {len(windows)} windows as challenger (p = {p:.2g} that the champion is no better)"
    )
    declined = p < stream.job.worth.alpha
    decide, target = (rollback, champion.number) if declined else (promote, challenger.number)
    moves, base = decide(stream, versions, target, _ACTOR, told, ports.clock.now())
    with suppress(LostRace):  # a person, or another worker, was first
        message = Message(stream=name, kind=MessageKind.ALIASES)
        ports.store.move_aliases(name, moves, base, message, base_before=stream.base)


def _since(challenger: Version, ports: Ports) -> list[Window]:
    """The windows that came after the challenger's own, were handled, and have labels (or nobody counted)."""
    windows = ports.store.windows(challenger.stream)
    own = next(window.number for window in windows if window.id == challenger.window)
    return [
        window
        for window in windows
        if window.number > own
        and window.state not in _UNSEEN
        and window.snapshot is not None
        and window.labelled != 0
    ]


def _labelled(window: Window, ports: Ports, stream: Stream) -> Rows | None:
    """Its labelled rows; None where they cannot be read any more: damaged, or under another schema."""
    assert window.snapshot is not None
    try:
        return from_parquet(ports.artifacts.get(window.snapshot), stream.job.schema).labelled()
    except (DamagedArtifact, KeyError, ValueError):
        return None
