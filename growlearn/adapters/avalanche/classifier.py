"""The growing network as a module that Avalanche can ask: images and task labels in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from growlearn.adapters.avalanche.importing import avalanche_importable
from growlearn.adapters.avalanche.pixels import Pixels
from growlearn.adapters.avalanche.shelf import Shelf, bytes_to_tensor, tensor_to_bytes
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import Manifest, is_regime_of
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.router.router import Router, load_router
from growlearn.ingest.rows import Rows

with avalanche_importable():
    from avalanche.models import MultiTaskModule

MASKED = -1000.0
"""Logit of a class that a row's task does not have, as in Avalanche's own heads."""

_MANIFEST = TypeAdapter(Manifest)


class GrowingClassifier(MultiTaskModule):  # type: ignore[misc] # avalanche ships no types
    """Stems, branches and heads, one head an experience, and the router among them.

    A row with task label t is answered by the head grown for t. Where several experiences had that
    label, or none had, the router says which of them the row belongs to. The state dict holds all
    that is needed to answer and to grow on.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.max_class_label = 0
        nothing = Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 1, 1))})
        self.pixels = Pixels()
        self.network = GrowingNetwork(spec)
        self.router: Router | None = None
        self.shelf = Shelf()
        self.manifest = Manifest(stream="avalanche", schema=nothing, model=spec, branches=(), tasks=())

    def fit(self, images: Tensor) -> None:
        """Learn shape and range of the images from the first experience, before anything has grown."""
        if not self.network.branches:
            self.manifest = replace(self.manifest, schema=self.pixels.fit(images))

    def rows(self, images: Tensor, labels: Sequence[Label] | None = None) -> Rows:
        """Images [N, C, H, W] as rows."""
        return self.pixels.rows(images, self.manifest.schema, labels)

    def regimes(self, label: int) -> tuple[str, ...]:
        """Names of the tasks that were grown for a task label, oldest first."""
        return tuple(name for name in self.network.task_index if is_regime_of(str(label), name))

    def adaptation(self, experience: Any) -> None:
        """Make room for the experience's classes; what grows is grown by the strategy."""
        targets = experience.dataset.targets
        self.max_class_label = max(
            self.max_class_label, 1 + max(map(int, getattr(targets, "uniques", targets)))
        )

    def forward(self, x: Tensor, task_labels: Tensor | int | None = None) -> Tensor:
        """Images [B, C, H, W] and task labels [B] -> logits [B, every class known]; without labels 0."""
        labels = torch.as_tensor(0 if task_labels is None else task_labels).expand(len(x))
        out = torch.zeros(len(x), self.max_class_label)
        if not self.network.task_index:
            return out  # nothing has grown yet
        rows = self.rows(x)
        for label in torch.unique(labels).tolist():
            mine = torch.nonzero(labels == label).flatten()
            out[mine] = self._answer(rows.take(mine.numpy()), label)
        return out

    def _answer(self, rows: Rows, label: int) -> Tensor:
        among = self.regimes(label) or tuple(self.network.task_index)
        if len(among) == 1:
            return self.spread(self.network(rows, among[0]), among[0])
        assert self.router is not None, "a model with tasks has a router"
        likely = self.router.probabilities(rows, among)  # [B, tasks]
        certain, chosen = likely.max(1)
        out = torch.zeros(len(rows), self.max_class_label)
        for at in torch.unique(chosen).tolist():
            mine = torch.nonzero(chosen == at).flatten()
            own = self.spread(self.network(rows.take(mine.numpy()), among[at]), among[at])
            out[mine] = self._with_doubt(own, certain[mine], among)
        return out

    def _with_doubt(self, own: Tensor, certain: Tensor, among: Sequence[str]) -> Tensor:
        """What is left of the probability goes to the classes of the other tasks, never enough to win."""
        answers = torch.log_softmax(own, dim=1) + certain.log()[:, None]  # [B, K]
        known = {int(label) for name in among for label in self.classes(name)}
        known_to = torch.zeros(own.shape[1], dtype=torch.bool)
        known_to[sorted(known)] = True
        others = known_to & (own == MASKED)  # [B, K]
        spread = ((1 - certain) / others.sum(1).clamp_min(1)).clamp_min(1e-6).log()[:, None]
        second = torch.minimum(spread, answers.max(1, keepdim=True).values - 1e-3)
        return torch.where(others, second, answers)

    def classes(self, task: str) -> tuple[Label, ...]:
        """Class labels of a task, in the order of its head."""
        return self.network.classes[self.network.task_index[task]]

    def spread(self, logits: Tensor, task: str) -> Tensor:
        """Logits over a task's classes [B, C] -> over all classes [B, K], the others masked."""
        columns = torch.tensor([int(label) for label in self.classes(task)])
        out = torch.full((len(logits), self.max_class_label), MASKED)
        return out.index_copy(1, columns, logits)

    def take_over(self, manifest: Manifest) -> None:
        """Let a manifest stand for what has grown; stored bytes that it does not name are let go."""
        self.manifest = manifest
        to_grow = [] if manifest.router is None else [manifest.router.moments]
        self.shelf.keep([*manifest.answering, *to_grow])
        self.reroute(manifest)

    def reroute(self, manifest: Manifest) -> None:
        """Route by a manifest's router."""
        self.router = load_router(manifest, self.network.root_stem, self.shelf.get)

    def get_extra_state(self) -> dict[str, Any]:
        """What has grown, as tensors; torch puts it into the state dict."""
        return {
            "manifest": bytes_to_tensor(_MANIFEST.dump_json(self.manifest)),
            "shelf": self.shelf.tensors(),
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Build the branches that a state dict holds; nothing is done where they are there already."""
        manifest = _MANIFEST.validate_json(tensor_to_bytes(state["manifest"]))
        if manifest == self.manifest:
            return
        self.shelf = Shelf()
        self.shelf.fill(state["shelf"])
        self.network = load_network(manifest, self.shelf.get)
        known = [int(label) for task in manifest.tasks for label in task.classes]
        self.max_class_label = max([self.max_class_label, *(label + 1 for label in known)])
        if manifest.tasks:
            self.take_over(manifest)
        self.manifest = manifest
