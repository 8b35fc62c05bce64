"""alibi-detect's KSDrift and MMDDrift, by window."""

from __future__ import annotations

import math
from functools import partial

import torch
from alibi_detect.cd import KSDrift, MMDDrift
from peers.streams import Array, Method, Rows, Update

torch.set_num_threads(1)
PERMUTATIONS = 200


def ks(reference: Rows) -> Update:
    """The smallest p-value of any output."""
    detector = KSDrift(reference.outputs, p_val=0.05)
    return lambda rows: max(-math.log(max(float(p), 1e-40)) for p in detector.score(rows.outputs)[0])


def mmd(reference: Rows) -> Update:
    """MMD^2 of the features; one permutation, for the threshold is calibrated."""
    detector = MMDDrift(reference.features, backend="pytorch", n_permutations=1, device="cpu")
    return lambda rows: float(detector.score(rows.features)[1])


METHODS = {
    "alibi-detect KSDrift, outputs": Method(ks),
    "alibi-detect MMDDrift, features": Method(mmd, streams=12),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]
    """KSDrift with Bonferroni's correction; MMDDrift with as many permutations as ours."""
    columns = KSDrift(x, p_val=0.05, correction="bonferroni")
    permuted = MMDDrift(x[:1000], backend="pytorch", n_permutations=PERMUTATIONS, device="cpu")
    return {
        "KS: alibi-detect KSDrift": partial(columns.predict, y),
        "MMD: alibi-detect MMDDrift": partial(permuted.predict, moved[:1000]),
    }
