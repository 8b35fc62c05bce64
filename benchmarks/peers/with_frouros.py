"""frouros: KS and MMD by window, CUSUM and HDDM-A on the errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from frouros.callbacks import PermutationTestDistanceBased
from frouros.detectors.concept_drift import CUSUM, HDDMA, CUSUMConfig, HDDMAConfig
from frouros.detectors.data_drift import MMD, KSTest
from frouros.utils.kernels import rbf_kernel
from peers.streams import Array, Ladder, Method, Rows, Update

CHANCES = (1e-2, 1e-3, 1e-5, 1e-8, 1e-12, 1e-18, 1e-30)
FEW_PERMUTATIONS = 2


def width(rows: Array) -> float:
    """The median distance of rows, as its documentation advises."""
    some = rows[:500].astype(float)
    sizes = (some**2).sum(1)
    return float(np.sqrt(np.median(sizes[:, None] + sizes - 2 * some @ some.T) / 2))


def ks(reference: Rows) -> Update:
    """The smallest p-value of any output."""
    detectors = [_fitted(column) for column in reference.outputs.T]

    def update(rows: Rows) -> float:
        tests = [
            detector.compare(X=column)[0] for detector, column in zip(detectors, rows.outputs.T, strict=True)
        ]
        return max(-math.log(max(float(test.p_value), 1e-300)) for test in tests)

    return update


def _fitted(column: Array) -> KSTest:
    detector = KSTest()
    detector.fit(X=column)
    return detector


def mmd(reference: Rows) -> Update:
    """MMD^2 of the outputs, with a Gaussian kernel."""
    known = reference.outputs.astype(float)
    detector = MMD(kernel=partial(rbf_kernel, sigma=width(known)))
    detector.fit(X=known)
    return lambda rows: float(detector.compare(X=rows.outputs.astype(float))[0].distance)


def cusum(reference: Rows) -> Update:
    """Its sum, which its threshold lambda is compared with."""
    detector = CUSUM(config=CUSUMConfig(lambda_=1e300))

    def update(rows: Rows) -> float:
        most = 0.0
        for value in rows.errors:
            detector.update(value=value)
            most = max(most, float(detector.sum_))
        return most

    update(reference)
    return update


def hddm_a(reference: Rows) -> Update:
    """At each alpha of the grid; it is started anew after an alarm among the reference's rows."""

    def rung(chance: float) -> Callable[[Rows], bool]:
        detector = HDDMA(config=HDDMAConfig(alpha_d=chance, alpha_w=min(1.0, 5 * chance)))

        def alarm(rows: Rows) -> bool:
            found = False
            for value in rows.errors:
                detector.update(value=value)
                if detector.drift:
                    found = True
                    detector.reset()
            return found

        alarm(reference)
        return alarm

    return Ladder([rung(chance) for chance in CHANCES])


METHODS = {
    "frouros KSTest, outputs": Method(ks),
    "frouros MMD, outputs": Method(mmd, streams=20),
    "frouros CUSUM, errors": Method(cusum, forgets=False),
    "frouros HDDM-A, errors": Method(hddm_a, forgets=False, streams=20),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]
    """KS column by column, as shipped (exact p-values) and asymptotic; MMD with its permutation callback."""
    detectors = [_fitted(column) for column in x.T]

    def columns(**options: str) -> None:
        for detector, column in zip(detectors, y.T, strict=True):
            detector.compare(X=column, **options)

    few = x[:1000].astype(float)
    permuted = MMD(
        kernel=partial(rbf_kernel, sigma=width(few)),
        callbacks=[
            PermutationTestDistanceBased(num_permutations=FEW_PERMUTATIONS, random_state=0, num_jobs=1)
        ],
    )
    permuted.fit(X=few)
    return {
        "KS: frouros KSTest, asymptotic": partial(columns, method="asymp"),
        "KS: frouros KSTest, as shipped": columns,
        f"MMD: frouros MMD, {FEW_PERMUTATIONS} permutations only": lambda: permuted.compare(
            X=moved[:1000].astype(float)
        ),
    }
