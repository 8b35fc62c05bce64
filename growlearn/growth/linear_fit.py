"""The fit of a stem's linear term, and the head that reads its scores: F_0 of a stream's first answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix

from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
from growlearn.network.model.head import Head
from growlearn.network.stems.linear import LinearTerm
from growlearn.network.stems.stem import LINEAR_SCALE, Stem

_MAX_ROWS = 20_000
_MIN_ROWS = 100  # with fewer there is nothing to choose the strength on
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)  # C of the logistic regression
_HELD_OUT = 5  # every fifth row chooses the strength
_MAX_ITERATIONS = 100
_ABSENT_SCORE = -5.0  # of a class without a training row, below the lowest bias

Targets = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def fit_linear_term(
    stem: Stem, rows: Rows, classes: Sequence[Label], class_weights: Sequence[float] = ()
) -> None:
    """Give a stem of token columns a linear term, fitted to training rows by logistic regression.

    Every fifth row chooses the strength of regularisation by its log loss; then all are fitted. The stem
    stays without one where its schema has no token column, or the rows are few or of one class.
    """
    rows = rows.select_labelled().sample(_MAX_ROWS)
    index = {label: position for position, label in enumerate(classes)}
    targets: Targets = np.array([index[label] for label in rows.labels], dtype=np.int64)
    is_held_out = np.arange(len(rows)) % _HELD_OUT == 0
    if len(rows) < _MIN_ROWS or len(set(targets[~is_held_out])) < 2:
        return
    term = stem.add_linear_term(len(classes))
    if term is None:
        return
    inputs = stem.encode(rows)
    term.fit_rarity(inputs)
    buckets, values = (part.numpy() for part in term.bag(inputs))  # [N, S]
    cells = (values.ravel(), buckets.ravel(), np.arange(0, buckets.size + 1, buckets.shape[1]))
    bag = csr_matrix(cells, shape=(len(rows), len(term.rarity)))
    bag.sum_duplicates()
    weights = np.array(class_weights)[targets] if class_weights else np.ones(len(rows))
    _store(term, targets, _fit_best(bag, targets, weights, is_held_out))


def make_linear_head(stem: Stem, num_features: int) -> Head | None:
    """The head that reads a stem's class scores from pool(z), the first feature; None without a term."""
    if stem.linear is None:
        return None
    num_classes = len(stem.linear.bias)
    head = Head(num_features, stem.width, num_classes, normed=False)
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
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes seconds

    def fit(strength: float, chosen: npt.NDArray[np.bool_]) -> LogisticRegression:
        model = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)
        return model.fit(bag[chosen], targets[chosen], row_weights[chosen])

    # A class that the other rows lack has no score to measure.
    is_measured = is_held_out & np.isin(targets, targets[~is_held_out])

    def loss(strength: float) -> float:
        model = fit(strength, ~is_held_out)
        columns = np.searchsorted(model.classes_, targets[is_measured])
        likelihoods = np.take_along_axis(model.predict_proba(bag[is_measured]), columns[:, None], axis=1)
        return -float(np.log(likelihoods[:, 0].clip(1e-12)) @ row_weights[is_measured])

    best = fit(min(_STRENGTHS, key=loss), np.ones(len(targets), dtype=bool))
    weight, bias = best.coef_, best.intercept_
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2  # two classes


def _store(term: LinearTerm, targets: Targets, fitted: tuple[Floats, Floats]) -> None:
    weight, bias = fitted
    present = torch.from_numpy(np.unique(targets))
    term.bias.fill_(float(bias.min()) + _ABSENT_SCORE)
    term.bias[present] = torch.from_numpy(bias).float()
    term.weight[:, present] = torch.from_numpy(weight.T.copy()).float()
