"""The start of a text stem: embeddings in which a linear model of the first training rows can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.schema import Label

_INVERSE_REGULARIZATION = 100.0  # scikit-learn's C, on rows of length 1
_MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class Bags:
    """Weighted rows of an embedding for each of N texts, one text after the other.

    ids int64 [G], weights float32 [G], lengths int64 [N] with sum G.
    """

    ids: Tensor
    weights: Tensor
    lengths: Tensor

    def sum(self, embedding: Tensor) -> Tensor:
        """The weighted sum of each text's rows of the embedding [F, K]: [N, K]."""
        offsets = self.lengths.cumsum(0) - self.lengths
        return F.embedding_bag(self.ids, embedding, offsets, per_sample_weights=self.weights, mode="sum")


def collect_bags(parts: Iterable[tuple[Tensor, Tensor]]) -> Bags:
    """Bags without padding, whose weight is 0; parts have ids and weights of some texts, [n, M] each."""
    ids, weights, lengths = [], [], []
    for part_ids, part_weights in parts:
        is_ngram = part_weights != 0
        ids.append(part_ids[is_ngram])
        weights.append(part_weights[is_ngram])
        lengths.append(is_ngram.sum(1))
    return Bags(torch.cat(ids), torch.cat(weights), torch.cat(lengths))


def fit_linear_embedding(bags: Bags, labels: Sequence[Label], shape: tuple[int, int]) -> Tensor:
    """Logistic regression on the bags of N labelled texts, as an embedding of the given shape [F, D].

    Each class has a random direction of the D, orthogonal to the others where there are no more than D; a
    text's sum along it is its score, scaled to unit variance. Zeros for fewer than two classes.
    """
    classes = {label: index for index, label in enumerate(dict.fromkeys(labels))}
    if len(classes) < 2:
        return torch.zeros(shape)
    targets = torch.tensor([classes[label] for label in labels])
    coefficients = _fit_regression(bags, targets, len(classes), shape[0])  # [F, C]
    square = torch.randn(max(shape[1], len(classes)), shape[1])
    embedding = coefficients @ torch.linalg.qr(square)[0][: len(classes)]  # [F, D]
    spread = bags.sum(embedding).std()
    return embedding / spread if spread > 0 else torch.zeros(shape)


def _fit_regression(bags: Bags, targets: Tensor, num_classes: int, num_features: int) -> Tensor:
    """The coefficients [F, C] of multinomial logistic regression, centred over the classes."""
    coefficients = torch.zeros(num_features, num_classes, requires_grad=True)
    bias = torch.zeros(num_classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [coefficients, bias], max_iter=_MAX_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        penalty = coefficients.square().sum() / (2 * _INVERSE_REGULARIZATION * len(targets))
        value = F.cross_entropy(bags.sum(coefficients) + bias, targets) + penalty
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    fitted = coefficients.detach()
    return fitted - fitted.mean(1, keepdim=True)
