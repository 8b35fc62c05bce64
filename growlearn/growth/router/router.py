"""Which task answers a row that names none: a ridge readout over fixed features, in closed form.

With h [N, F] the features of all rows seen and Y [N, K] their (task, class) as one-hot, the readout is
W = (H'H + lambda I)^-1 H'Y (ridge regression). H'H and H'Y are sums over rows, so a new task is added
without any row of an earlier one, and the result is that of all rows at once. Each task weighs the
same, however many rows it had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest, RouterWeights
from growlearn.domain.schema import Label
from growlearn.growth.model import weights
from growlearn.growth.model.network import batches
from growlearn.growth.router.features import RouterFeatures, new_features, stored_features
from growlearn.growth.stems.stem import Stem, stored_stem
from growlearn.ingest.rows import Rows

_RIDGE = 1e-3  # lambda, a task
_SHARPNESS = (2.0, 4.0, 8.0, 16.0, 32.0)  # what one-hot scores are multiplied by before the softmax

Output = tuple[str, Label]
"""A task and one of its classes."""


@dataclass(frozen=True, eq=False)
class Moments:
    """H'H [F, F] and H'Y [F, K], float64, summed over tasks of weight 1 each."""

    gram: Tensor
    cross: Tensor

    def solve(self, tasks: int) -> Tensor:
        """The readout W [F, K]."""
        ridge = _RIDGE * tasks * torch.eye(len(self.gram), dtype=torch.float64)
        found: Tensor = torch.linalg.solve(self.gram + ridge, self.cross)
        return found.float()


class Router:
    """Features, readout [F, K] and what each of its K outputs stands for."""

    def __init__(
        self,
        features: RouterFeatures,
        stem: Stem,
        readout: Tensor,
        sharpness: float,
        outputs: Sequence[Output],
    ) -> None:
        self.features = features
        self.stem = stem
        self.readout = readout
        self.sharpness = sharpness
        self.outputs = tuple(outputs)

    def probabilities(self, rows: Rows, among: Sequence[str]) -> Tensor:
        """How likely each of some tasks is for each of N rows: [N, tasks], in the order asked for."""
        columns = [at for at, (task, _) in enumerate(self.outputs) if task in among]
        member = torch.zeros(len(columns), len(among))  # [K', tasks]
        for place, at in enumerate(columns):
            member[place, list(among).index(self.outputs[at][0])] = 1.0
        scores = self.scores(rows)[:, columns]
        likely: Tensor = torch.softmax(scores * self.sharpness, dim=1) @ member
        return likely

    def scores(self, rows: Rows) -> Tensor:
        """How much each of N rows looks like each output: [N, K]."""
        with torch.no_grad():
            return torch.cat([self.features(self.stem, batch) @ self.readout for batch in batches(rows)])


def grow_router(
    base: Manifest,
    stem: Stem,
    task: str,
    classes: Sequence[Label],
    parts: tuple[Rows, Rows],
    read: Callable[[str], bytes],
    put: Callable[[bytes], str],
    seed: int,
) -> RouterWeights:
    """Add a task to a model's router; parts are its training rows, and validation rows to calibrate on."""
    train, validation = parts
    before, stem = base.router, _stem_read(base, stem, read)
    if before is None:
        features = new_features(base.schema, stem, train, seed)
        digest = put(weights.dump(features.state_dict()))
        moments = _nothing(features.size)
    else:
        features, digest = stored_features(base.schema, weights.load(read(before.features))), before.features
        moments = _load_moments(read(before.moments))
    new = tuple((task, label) for label in classes)
    moments = _add(moments, features, stem, train, classes)
    outputs = (*(() if before is None else before.outputs), *new)
    readout = moments.solve(len({name for name, _ in outputs}))
    router = Router(features, stem, readout, _SHARPNESS[0], outputs)
    sharpness = torch.tensor(_calibrate(router, validation, new))
    return RouterWeights(
        features=digest,
        moments=put(_dump_moments(moments)),
        readout=put(weights.dump({"readout": readout, "sharpness": sharpness})),
        outputs=outputs,
        stem=None if before is None else before.stem,
    )


def load_router(manifest: Manifest, stem: Stem, read: Callable[[str], bytes]) -> Router:
    """The router of a model whose root stem is given; raises GrowLearnError where it has none."""
    stored = manifest.router
    if stored is None:
        raise GrowLearnError(f"the model of stream {manifest.stream!r} has not learned a task yet")
    features = stored_features(manifest.schema, weights.load(read(stored.features)))
    found = weights.load(read(stored.readout))
    stem = _stem_read(manifest, stem, read)
    return Router(features, stem, found["readout"], float(found["sharpness"]), stored.outputs)


def _stem_read(manifest: Manifest, root: Stem, read: Callable[[str], bytes]) -> Stem:
    """The stem that the features read: the root's, unless that was given up in a consolidation."""
    router = manifest.router
    if router is None or router.stem is None:
        return root
    return stored_stem(
        manifest.schema, manifest.model, weights.under("stem.", weights.load(read(router.stem)))
    )


def _nothing(size: int) -> Moments:
    return Moments(torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, 0, dtype=torch.float64))


def _add(
    moments: Moments, features: RouterFeatures, stem: Stem, rows: Rows, classes: Sequence[Label]
) -> Moments:
    place = {label: at for at, label in enumerate(classes)}
    gram = torch.zeros_like(moments.gram)
    cross = torch.zeros(len(gram), len(classes), dtype=torch.float64)
    with torch.no_grad():
        for batch in batches(rows):
            h = features(stem, batch)  # [B, F]
            targets = torch.eye(len(classes))[[place[label] for label in batch.labels]]  # [B, C]
            gram += (h.T @ h).double()
            cross += (h.T @ targets).double()
    return Moments(moments.gram + gram / len(rows), torch.cat([moments.cross, cross / len(rows)], dim=1))


def _calibrate(router: Router, rows: Rows, new: Sequence[Output]) -> float:
    """The sharpness under which the new task's validation rows are likeliest."""
    scores = router.scores(rows)  # [N, K]
    place = {label: router.outputs.index((task, label)) for task, label in new}
    truth = torch.tensor([place[label] for label in rows.labels])
    losses = [torch.nn.functional.cross_entropy(scores * sharp, truth).item() for sharp in _SHARPNESS]
    return _SHARPNESS[losses.index(min(losses))]


def _dump_moments(moments: Moments) -> bytes:
    """Stored form; the Gram matrix is symmetric, so half of it is kept."""
    size = len(moments.gram)
    lower = torch.tril_indices(size, size)
    return weights.dump({"gram": moments.gram[lower[0], lower[1]].float(), "cross": moments.cross.float()})


def _load_moments(content: bytes) -> Moments:
    found = weights.load(content)
    cross = found["cross"].double()
    size = len(cross)
    lower = torch.tril_indices(size, size)
    gram = torch.zeros(size, size, dtype=torch.float64)
    gram[lower[0], lower[1]] = found["gram"].double()
    return Moments(gram + torch.tril(gram, -1).T, cross)
