"""Which requests a canary answers, how its predictions are compared, and when it stops by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from growlearn.domain.canary import Canary, CanaryCounts
from growlearn.drift.sequential.sign_test import compute_sign_evidence
from growlearn.ingest.labels import spell_label

if TYPE_CHECKING:  # the command line reads figures without torch
    from growlearn.serving.micro_batches import Answered

SLOWER_FACTOR, SLOWER_BY_S = 2.0, 0.001
"""A request is clearly slower than another one where it takes so many times as long and so much longer."""

_HASH_SPACE = 2.0**64
_NUM_TESTS = 2  # of accuracy and of time, which share alpha


def is_chosen(canary: Canary, key: bytes) -> bool:
    """Whether the canary's version answers the request with that key: always the same, in every process.

    The canary's number enters, so that no caller gets every canary, and the choice does not depend on which
    rows the request log samples.
    """
    if not canary.share_percent:
        return False
    salt = canary.number.to_bytes(8)
    digest = blake2b(key, digest_size=8, salt=salt, person=b"canary").digest()
    return int.from_bytes(digest) / _HASH_SPACE * 100 < canary.share_percent


def is_clearly_slower(seconds: float, champion_seconds: float) -> bool:
    """Whether one request took clearly longer than one that the champion answered."""
    return seconds > SLOWER_FACTOR * champion_seconds + SLOWER_BY_S


def find_stop_reason(canary: Canary) -> str | None:
    """Why the canary's figures stop it; None where it goes on, as one that answers no request always does.

    Each of two sequential sign tests (drift/sequential/sign_test.py) has half of `alpha`, so that the
    probability that a canary is ever stopped without being worse is at most alpha: on labelled rows that only
    one version predicts correctly, and on pairs of times, where the null hypothesis is that at most half of
    the canary's requests are clearly slower than one of the champion's before them.
    """
    if not canary.share_percent:
        return None
    counts = canary.counts
    if counts.failed:
        return f"version {canary.version} could not answer {counts.failed} rows that the champion answered"
    threshold = math.log(_NUM_TESTS / canary.alpha)
    if accuracy_evidence(counts) >= threshold:
        champion, version = counts.champion_correct, counts.version_correct
        return (
            f"version {canary.version} is less accurate: {version / counts.labelled:.2%} right against "
            f"{champion / counts.labelled:.2%} of champion {canary.champion} on {counts.labelled} labelled "
            f"rows, p {math.exp(-accuracy_evidence(counts)):.2g}"
        )
    if latency_evidence(counts) >= threshold:
        return (
            f"version {canary.version} is slower: it took more than {SLOWER_FACTOR:g} times as long as "
            f"champion {canary.champion} in {counts.slower_pairs} of {counts.timed_pairs} pairs of requests, "
            f"p {math.exp(-latency_evidence(counts)):.2g}"
        )
    return None


def accuracy_evidence(counts: CanaryCounts) -> float:
    """The logarithm of the evidence that the champion is more accurate."""
    return compute_sign_evidence(counts.only_champion_correct, counts.only_version_correct)


def latency_evidence(counts: CanaryCounts) -> float:
    """The logarithm of the evidence that most requests of the canary are clearly slower."""
    return compute_sign_evidence(counts.slower_pairs, counts.timed_pairs - counts.slower_pairs)


def list_predictions(answered: Answered, start: int, stop: int) -> list[str | None]:
    """The predictions of the rows from `start` to `stop` of a request, as one text a label.

    None for a row that was refused.
    """
    predictions: list[str | None] = [None] * (stop - start)
    if answered.answers is not None:
        first, last = np.searchsorted(answered.parsed.positions, (start, stop))
        positions = answered.parsed.positions[first:last].tolist()
        labels = answered.answers.prediction[first:last].tolist()
        for position, label in zip(positions, labels, strict=True):
            predictions[position - start] = spell_label(label)
    return predictions


def count_agreement(champion: Sequence[str | None], version: Sequence[str | None]) -> CanaryCounts:
    """The counts of rows that both versions were asked; those that both refuse are left out."""
    pairs = [pair for pair in zip(champion, version, strict=True) if pair != (None, None)]
    return CanaryCounts(
        compared=len(pairs),
        agreed=sum(one == other for one, other in pairs),
        failed=sum(other is None for _, other in pairs),
    )
