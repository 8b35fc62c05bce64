"""A challenger answers later windows beside the champion, and is then promoted or declined."""

from __future__ import annotations

from contextlib import suppress

from growlearn.domain.errors import ConcurrentUpdate, CorruptArtifact
from growlearn.domain.job import ShadowPromotion
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Message, MessageKind, Stream
from growlearn.domain.window import PENDING, Window, WindowState
from growlearn.evaluation.paired_tests import mcnemar_p_value
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.pipeline.context import Ports
from growlearn.registry.promotion import promote_version, rollback_version
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import Predictor

_ACTOR = "trial"
_NOT_PROCESSED = (*PENDING, WindowState.OPEN, WindowState.QUARANTINED)


def decide_challenger(name: str, ports: Ports) -> None:
    """Decide on a stream's challenger where enough labelled windows have come since it was made.

    It is promoted unless the champion has significantly more of their rows right (McNemar's exact test at
    baseline_comparison.alpha); then it is declined, and the next growth extends the champion.
    """
    stream = ports.store.stream(name)
    config = stream.job.registry.promote
    if not isinstance(config, ShadowPromotion) or stream.challenger is None or stream.champion is None:
        return
    versions = ports.store.versions(name)
    challenger, champion = get_version(versions, stream.challenger), get_version(versions, stream.champion)
    later_windows = _windows_since(challenger, ports)
    if len(later_windows) < config.shadow_windows:
        return  # asked at every tick: no row is read before there are enough of them
    windows = [
        rows for rows in (_load_labelled_rows(window, ports, stream) for window in later_windows) if rows
    ]
    if len(windows) < config.shadow_windows:
        return
    rows = concat_rows(windows)
    challenger_correct, champion_correct = (
        Predictor(version.manifest, ports.artifacts.get).is_correct(rows)
        for version in (challenger, champion)
    )
    p_value = mcnemar_p_value(
        int((champion_correct & ~challenger_correct).sum()),
        int((challenger_correct & ~champion_correct).sum()),
    )
    reason = (
        f"{challenger_correct.mean():.2%} right against {champion_correct.mean():.2%} of version "
        f"{champion.number} on {len(rows)} rows of {len(windows)} windows as challenger "
        f"(p = {p_value:.2g} that the champion is no better)"
    )
    declined = p_value < stream.job.baseline_comparison.alpha
    change_aliases, target = (
        (rollback_version, champion.number) if declined else (promote_version, challenger.number)
    )
    alias_changes, parent_version = change_aliases(
        stream, versions, target, _ACTOR, reason, ports.clock.now()
    )
    with suppress(ConcurrentUpdate):  # a person, or another worker, was first
        message = Message(stream=name, kind=MessageKind.ALIASES)
        ports.store.change_aliases(
            name, alias_changes, parent_version, message, parent_version_before=stream.parent_version
        )


def _windows_since(challenger: Version, ports: Ports) -> list[Window]:
    """Processed windows after the challenger's own that have labels, or whose labels were not counted."""
    windows = ports.store.windows(challenger.stream)
    own_number = next(window.number for window in windows if window.id == challenger.window)
    return [
        window
        for window in windows
        if window.number > own_number
        and window.state not in _NOT_PROCESSED
        and window.snapshot is not None
        and window.labelled != 0
    ]


def _load_labelled_rows(window: Window, ports: Ports, stream: Stream) -> Rows | None:
    """Its labelled rows; None where they are corrupt or have another schema."""
    assert window.snapshot is not None
    try:
        return ports.models.rows(window.snapshot, stream.job.schema).select_labelled()
    except (CorruptArtifact, KeyError, ValueError):
        return None
