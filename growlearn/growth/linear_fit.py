"""The fit of a stem's linear term, and the head that reads its scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from growlearn.domain.schema import InputType, Label
from growlearn.ingest.rows import Rows
from growlearn.network.model.head import Head
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.linear import LinearTerm
from growlearn.network.stems.stem import LINEAR_SCALE, Stem

_MAX_ROWS, _MAX_TEXTS = 20_000, 10_000  # a text has thousands of n-grams
_MAX_FEATURES = 2**17  # buckets that are read, those of most rows: rare ones take longest to fit
_MIN_ROWS = 100  # with fewer there is nothing to choose the strength on
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # C of the logistic regression, rising
_HELD_OUT = 5  # every fifth row chooses the strength
_MAX_ITERATIONS, _TOLERANCE = 100, 1e-5  # of the gradient; at 1e-4 a strong fit ends where a weak one began
_BATCH_ROWS = 256  # encoded at once
_ABSENT_SCORE = -5.0  # of a class without a training row, below the lowest bias

Targets = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def fit_linear_term(
    stem: Stem, rows: Rows, classes: Sequence[Label], class_weights: Sequence[float] = ()
) -> None:
    """Give a stem of token or text columns a linear term, fitted to training rows by logistic regression.

    Every fifth row chooses the strength of regularisation by its log loss; then all are fitted. The stem has
    none afterwards where its schema has no such column, or the rows are few or of one class.
    """
    has_texts = InputType.TEXT in stem.kinds
    rows = rows.select_labelled().sample(_MAX_TEXTS if has_texts else _MAX_ROWS)
    index = {label: position for position, label in enumerate(classes)}
    targets: Targets = np.array([index[label] for label in rows.labels], dtype=np.int64)
    is_held_out = np.arange(len(rows)) % _HELD_OUT == 0
    stem.linear = None
    if len(rows) < _MIN_ROWS or len(set(targets[~is_held_out])) < 2:
        return
    term = stem.add_linear_term(len(classes))
    if term is None:
        return
    weights = np.array(class_weights)[targets] if class_weights else np.ones(len(rows))
    bags = _collect_bags(stem, term, rows)
    occurring = np.flatnonzero(np.diff(bags.tocsc().indptr))
    weight, bias = _fit_best(bags[:, occurring], targets, weights, is_held_out)
    _store(term, targets, occurring, (weight, bias))


def _collect_bags(stem: Stem, term: LinearTerm, rows: Rows) -> csr_matrix:
    """Fit the rarities to N rows; the rows' bags [N, P]."""
    parts = [slice(start, start + _BATCH_ROWS) for start in range(0, len(rows), _BATCH_ROWS)]
    batches = [stem.encode(rows.take(np.arange(len(rows))[part])) for part in parts]
    term.fit_rarity(_keep_most(_count_rows(term, batches)), len(rows))
    return vstack([_to_matrix(*term.bag(batch), len(term.rarity)) for batch in batches]).tocsr()


def _count_rows(term: LinearTerm, batches: Sequence[EncodedInputs]) -> Tensor:
    """In how many rows of all batches each bucket occurs: int64 [P]."""
    counts = torch.zeros(len(term.rarity), dtype=torch.int64)
    for batch in batches:
        counts += term.count_rows(batch)
    return counts


def _keep_most(rows_with: Tensor) -> Tensor:
    """Rows with each bucket [P], or 0: not 0 for at most `_MAX_FEATURES`, those of most rows."""
    if len(rows_with) <= _MAX_FEATURES:
        return rows_with
    least = rows_with.sort(descending=True).values[_MAX_FEATURES]
    return torch.where(rows_with > least, rows_with, 0) if least > 0 else rows_with


def _to_matrix(buckets: Tensor, values: Tensor, size: int) -> csr_matrix:
    """Buckets [B, S] and their values -> [B, size]."""
    is_kept = values != 0
    ends = np.concatenate([[0], is_kept.sum(1).cumsum(0).numpy()])
    matrix = csr_matrix(
        (values[is_kept].double().numpy(), buckets[is_kept].numpy(), ends), (len(buckets), size)
    )
    matrix.sum_duplicates()
    return matrix


def make_linear_head(stem: Stem, num_features: int) -> Head | None:
    """The head that reads a stem's class scores from pool(z), the first feature; None without a term."""
    if stem.linear is None:
        return None
    num_classes = len(stem.linear.bias)
    head = Head(num_features, stem.width, num_classes, normed=False).to(stem.device)
    with torch.no_grad():
        head.gates.zero_()
        head.gates[0, :num_classes] = 1.0
        head.linear.weight.zero_()
        head.linear.weight[:, :num_classes] = torch.eye(num_classes) / LINEAR_SCALE
        head.linear.bias.zero_()
    return head.requires_grad_(False)


def _fit_best(
    bag: csr_matrix, targets: Targets, row_weights: Floats, is_held_out: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Weights [C, P] and biases [C] of the classes that occur; held-out rows choose the strength."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - takes seconds
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression(max_iter=_MAX_ITERATIONS, tol=_TOLERANCE, warm_start=True)

    def fit(strength: float, chosen: npt.NDArray[np.bool_]) -> LogisticRegression:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # an early end regularises too
            return model.set_params(C=strength).fit(bag[chosen], targets[chosen], row_weights[chosen])

    # A class that the other rows lack has no score to measure.
    is_measured = is_held_out & np.isin(targets, targets[~is_held_out])

    def loss(strength: float) -> float:
        fit(strength, ~is_held_out)  # goes on from the fit of the weaker one
        columns = np.searchsorted(model.classes_, targets[is_measured])
        likelihoods = np.take_along_axis(model.predict_proba(bag[is_measured]), columns[:, None], axis=1)
        return -float(np.log(likelihoods[:, 0].clip(1e-12)) @ row_weights[is_measured])

    strength = find_least(_STRENGTHS, loss)
    model.set_params(warm_start=False)  # all rows may have more classes
    best = fit(strength, np.ones(len(targets), dtype=bool))
    weight, bias = best.coef_, best.intercept_
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2  # two classes


def find_least(rising: Sequence[float], loss: Callable[[float], float]) -> float:
    """The last strength before the loss rises: stronger ones take longest to fit."""
    best, least = rising[0], loss(rising[0])
    for strength in rising[1:]:
        if (value := loss(strength)) >= least:
            break
        best, least = strength, value
    return best


def _store(
    term: LinearTerm, targets: Targets, occurring: npt.NDArray[np.int64], fitted: tuple[Floats, Floats]
) -> None:
    """Weights [C, P] of the buckets that occur and biases [C] of the classes that occur."""
    weight, bias = fitted
    present = torch.from_numpy(np.unique(targets))
    term.bias.fill_(float(bias.min()) + _ABSENT_SCORE)
    term.bias[present] = torch.from_numpy(bias).float()
    rows = torch.from_numpy(occurring)[:, None]  # [P, 1]
    term.weight[rows, present] = torch.from_numpy(weight.T.copy()).float()
