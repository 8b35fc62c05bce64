"""The router: which task a row without a task name belongs to, by ridge regression on fixed features.

With H [N, F] the features of all rows seen and Y [N, K] their (task, class) as one-hot, the weights are
W = (H'H + lambda I)^-1 H'Y. H'H and H'Y are sums over rows, so a new task is added without any row of an
earlier one, with the same result as from all rows at once. Each task has the same weight, whatever its
number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest, RouterWeights
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
from growlearn.network.model import weights
from growlearn.network.model.network import fill_batch, iter_batches
from growlearn.network.router.features import RouterFeatures, fit_router_features, load_router_features
from growlearn.network.stems.stem import Stem, load_stem
from growlearn.network.transfer import to_device

_RIDGE_PER_TASK = 1e-3  # lambda per task
_INVERSE_TEMPERATURES = (2.0, 4.0, 8.0, 16.0, 32.0)  # candidate factors of the scores before the softmax

_MAX_ROWS = 20_000  # of a task: ten times the features F; more rows change no route

TaskClass = tuple[str, Label]
"""A task and one of its classes."""


@dataclass(frozen=True, eq=False)
class GramMatrices:
    """H'H [F, F] and H'Y [F, K], float64 on the CPU, summed over tasks with weight 1 each."""

    gram: Tensor
    cross: Tensor

    def solve(self, tasks: int) -> Tensor:
        """The ridge weights W [F, K]."""
        ridge = _RIDGE_PER_TASK * tasks * torch.eye(len(self.gram), dtype=torch.float64)
        solution: Tensor = torch.linalg.solve(self.gram + ridge, self.cross)
        return solution.float()


class Router:
    """Features, ridge weights [F, K], and the task and class of each of the K outputs."""

    def __init__(
        self,
        features: RouterFeatures,
        stem: Stem,
        ridge_weights: Tensor,
        inverse_temperature: float,
        task_classes: Sequence[TaskClass],
    ) -> None:
        self.features = features
        self.stem = stem
        self.ridge_weights = ridge_weights  # where the stem is, as the features
        self.inverse_temperature = inverse_temperature
        self.task_classes = tuple(task_classes)

    def to(self, device: torch.device) -> None:
        """Move to a device."""
        self.features.to(device)
        self.stem.to(device)
        self.ridge_weights = to_device(self.ridge_weights, device)

    def probabilities(self, rows: Rows, tasks: Sequence[str]) -> Tensor:
        """The probability of each given task, in their order, for each of N rows: [N, tasks] on the CPU."""
        return self.to_probabilities(self.scores(rows).cpu(), tasks)

    def to_probabilities(self, scores: Tensor, tasks: Sequence[str]) -> Tensor:
        """The same from the linear scores of N rows, [N, K]."""
        columns = [index for index, (task, _) in enumerate(self.task_classes) if task in tasks]
        membership = torch.zeros(len(columns), len(tasks))  # [K', tasks]
        for column, index in enumerate(columns):
            membership[column, list(tasks).index(self.task_classes[index][0])] = 1.0
        scores = scores[:, columns] * self.inverse_temperature
        probabilities: Tensor = torch.softmax(scores, dim=1) @ membership
        return probabilities

    def scores(self, rows: Rows) -> Tensor:
        """The linear scores of N rows for each output: [N, K]."""
        with torch.no_grad():
            return torch.cat(
                [
                    (self.features(self.stem, fill_batch(batch)) @ self.ridge_weights)[: len(batch)]
                    for batch in iter_batches(rows)
                ]
            )


def add_task_to_router(
    parent_manifest: Manifest,
    stem: Stem,
    task: str,
    classes: Sequence[Label],
    row_parts: tuple[Rows, Rows],
    read_artifact: Callable[[str], bytes],
    store_artifact: Callable[[bytes], str],
    seed: int,
) -> RouterWeights:
    """Add a task to a model's router; `row_parts` are its training and validation rows, in this order.

    Of each part at most 20,000 rows are read, chosen at random.
    """
    train, validation = (rows.sample(_MAX_ROWS) for rows in row_parts)
    old_router, stem = parent_manifest.router, _load_router_stem(parent_manifest, stem, read_artifact)
    if old_router is None:
        features = fit_router_features(parent_manifest.schema, stem, train, seed)
        features_sha256 = store_artifact(weights.dump_weights(features.state_dict()))
        gram_matrices = _zero_gram_matrices(features.size)
    else:
        features_sha256 = old_router.features
        tensors = weights.load_weights(read_artifact(features_sha256))
        features = load_router_features(parent_manifest.schema, tensors).to(stem.device)
        gram_matrices = _load_gram_matrices(read_artifact(old_router.gram_matrices))
    new_classes = tuple((task, label) for label in classes)
    gram_matrices = _add_task_rows(gram_matrices, features, stem, train, classes)
    task_classes = (*(() if old_router is None else old_router.task_classes), *new_classes)
    ridge_weights = gram_matrices.solve(len({name for name, _ in task_classes}))
    router = Router(
        features, stem, to_device(ridge_weights, stem.device), _INVERSE_TEMPERATURES[0], task_classes
    )
    inverse_temperature = torch.tensor(_calibrate_temperature(router, validation, new_classes))
    return RouterWeights(
        features=features_sha256,
        gram_matrices=store_artifact(_dump_gram_matrices(gram_matrices)),
        ridge_weights=store_artifact(
            weights.dump_weights({"ridge_weights": ridge_weights, "inverse_temperature": inverse_temperature})
        ),
        task_classes=task_classes,
        stem=None if old_router is None else old_router.stem,
    )


def load_router(manifest: Manifest, stem: Stem, read_artifact: Callable[[str], bytes]) -> Router:
    """The router of a model with the given root stem; raises GrowLearnError before the first task."""
    stored = manifest.router
    if stored is None:
        raise GrowLearnError(f"the model of stream {manifest.stream!r} has not learned a task yet")
    features = load_router_features(manifest.schema, weights.load_weights(read_artifact(stored.features)))
    tensors = weights.load_weights(read_artifact(stored.ridge_weights))
    stem = _load_router_stem(manifest, stem, read_artifact)
    return Router(
        features.to(stem.device),
        stem,
        to_device(tensors["ridge_weights"], stem.device),
        float(tensors["inverse_temperature"]),
        stored.task_classes,
    )


def _load_router_stem(manifest: Manifest, root_stem: Stem, read_artifact: Callable[[str], bytes]) -> Stem:
    """The stem that the features read: the root stem, or the stored one that a consolidation removed."""
    router = manifest.router
    if router is None or router.stem is None:
        return root_stem
    return load_stem(
        manifest.schema,
        manifest.model,
        weights.with_prefix("stem.", weights.load_weights(read_artifact(router.stem))),
    ).to(root_stem.device)


def _zero_gram_matrices(size: int) -> GramMatrices:
    return GramMatrices(
        torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, 0, dtype=torch.float64)
    )


def _add_task_rows(
    gram_matrices: GramMatrices, features: RouterFeatures, stem: Stem, rows: Rows, classes: Sequence[Label]
) -> GramMatrices:
    class_index = {label: index for index, label in enumerate(classes)}
    gram = torch.zeros_like(gram_matrices.gram)
    cross = torch.zeros(len(gram), len(classes), dtype=torch.float64)
    with torch.no_grad():
        for batch in iter_batches(rows):
            h = features(stem, batch)  # [B, F]
            targets = torch.eye(len(classes))[[class_index[label] for label in batch.labels]]  # [B, C]
            gram += (h.T @ h).cpu().double()
            cross += (h.T @ to_device(targets, h.device)).cpu().double()
    return GramMatrices(
        gram_matrices.gram + gram / len(rows), torch.cat([gram_matrices.cross, cross / len(rows)], dim=1)
    )


def _calibrate_temperature(router: Router, rows: Rows, new_classes: Sequence[TaskClass]) -> float:
    """The inverse temperature with the highest likelihood of the new task's validation rows."""
    scores = router.scores(rows).cpu()  # [N, K]
    column_index = {label: router.task_classes.index((task, label)) for task, label in new_classes}
    targets = torch.tensor([column_index[label] for label in rows.labels])
    losses = [
        torch.nn.functional.cross_entropy(scores * scale, targets).item() for scale in _INVERSE_TEMPERATURES
    ]
    return _INVERSE_TEMPERATURES[losses.index(min(losses))]


def _dump_gram_matrices(gram_matrices: GramMatrices) -> bytes:
    """Safetensors bytes; the Gram matrix is symmetric, so only its lower half is stored."""
    size = len(gram_matrices.gram)
    lower = torch.tril_indices(size, size)
    return weights.dump_weights(
        {"gram": gram_matrices.gram[lower[0], lower[1]].float(), "cross": gram_matrices.cross.float()}
    )


def _load_gram_matrices(content: bytes) -> GramMatrices:
    tensors = weights.load_weights(content)
    cross = tensors["cross"].double()
    size = len(cross)
    lower = torch.tril_indices(size, size)
    gram = torch.zeros(size, size, dtype=torch.float64)
    gram[lower[0], lower[1]] = tensors["gram"].double()
    return GramMatrices(gram + torch.tril(gram, -1).T, cross)
