"""Whether the data of a window is broken rather than moved: a column constant, unknown, or in other units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from growlearn.domain.schema import InputType
from growlearn.drift.sample import Sample
from growlearn.ingest.rows import Column

_CHANCE = 1e-6  # that a sound window looks so; below it the data is called broken
_OTHER_UNIT = 5.0  # times as large, or as small, at least
_ALIKE = 1e-3  # p-value from which two columns are alike once their unit is the same
_DECILES = np.arange(1, 10) / 10  # at one of them at least, values of a few levels are the same multiples


def breakage(reference: Sample, window: Sample) -> str | None:
    """What is broken about a window's columns, as a sentence; None where nothing is.

    Only what a sound window would show with a chance below one in a million is told.
    """
    found = (
        _broken(name, kind, reference.inputs[name], window.inputs[name])
        for name, kind in window.kinds.items()
        if name in reference.inputs
    )
    told = [reason for reason in found if reason is not None]
    return "; ".join(told) if told else None


def _broken(name: str, kind: InputType, there: Column, here: Column) -> str | None:
    if len(there) == 0 or len(here) == 0:
        return None
    if kind is InputType.NUMBER:
        return _constant(name, there, here) or _other_unit(name, there, here)
    if kind is InputType.CATEGORY:
        return _constant(name, there, here) or _unknown(name, there, here)
    return _blank(name, kind, there, here)


def _constant(name: str, there: Column, here: Column) -> str | None:
    value = here[0]
    if not (here == value).all():
        return None
    share = float((there == value).mean())
    if not _improbable(share, len(there), len(here)):
        return None
    values = len(np.unique(there.astype(str) if there.dtype == object else there))
    told = repr(value) if isinstance(value, str) else f"{value:g}"
    return f"column {name!r} is {told} in every row; the reference has {values} values of it"


def _unknown(name: str, there: Column, here: Column) -> str | None:
    known = frozenset(there.tolist())
    if any(value in known for value in here.tolist()):
        return None
    return (
        f"column {name!r} has not one value that was seen before, such as {here[0]!r}"
        if len(here) > 1
        else None
    )


def _other_unit(name: str, there: Column, here: Column) -> str | None:
    """The same values times a number far from one; how large they are, those other than zero tell."""
    sizes_there, sizes = np.abs(there[there != 0]), np.abs(here[here != 0])
    if len(sizes_there) == 0 or len(sizes) == 0:
        return None
    ratios = np.unique(np.quantile(sizes, _DECILES) / np.quantile(sizes_there, _DECILES))
    far = ratios[(ratios >= _OTHER_UNIT) | (ratios <= 1 / _OTHER_UNIT)]
    if len(far) == 0 or ks_2samp(sizes_there, sizes, method="asymp").pvalue >= _CHANCE:
        return None
    p_values = [ks_2samp(there, here / ratio, method="asymp").pvalue for ratio in far]
    if max(p_values) < _ALIKE:
        return None
    times = far[int(np.argmax(p_values))]
    told = f"{times:.3g} times as large" if times > 1 else f"{1 / times:.3g} times as small"
    return f"column {name!r} is {told} as in the reference and otherwise alike: was its unit changed?"


def _blank(name: str, kind: InputType, there: Column, here: Column) -> str | None:
    """Images, tokens or series that are the same in every row, or hold one value throughout."""
    what = {InputType.IMAGE: "images", InputType.TOKENS: "tokens", InputType.SERIES: "series"}[kind]
    flat, flat_there = _flat(here), _flat(there)
    if len(flat) > 1 and (flat == flat[0]).all() and not (flat_there == flat_there[0]).all():
        return f"the {what} of {name!r} are the same in every row"
    even, even_there = _even(flat), float(_even(flat_there).mean())
    if even.all() and _improbable(even_there, len(there), len(here)):
        return f"the {what} of {name!r} hold one value throughout, in every row"
    return None


def _improbable(share: float, rows_there: int, rows: int) -> bool:
    """Whether all of so many rows can hardly be what a share of the reference's rows is.

    The share is taken one row higher than it was seen, so that a small reference is not believed too much.
    """
    likely = min(1.0, share + 1 / rows_there)
    return bool(rows * np.log(likely) < np.log(_CHANCE)) if likely < 1 else False


def _flat(column: Column) -> Column:
    return np.ascontiguousarray(column).reshape(len(column), -1)


def _even(flat: Column) -> npt.NDArray[np.bool_]:
    return np.asarray((flat == flat[:, :1]).all(axis=1))
