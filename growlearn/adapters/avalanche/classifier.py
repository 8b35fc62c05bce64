"""The growing network as an Avalanche module: images or vectors and task labels in, logits out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from growlearn.adapters.avalanche import vectors
from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.adapters.avalanche.pixels import IMAGE_COLUMN, PixelQuantizer
from growlearn.adapters.avalanche.state_dict_artifacts import (
    StateDictArtifacts,
    bytes_to_tensor,
    tensor_to_bytes,
)
from growlearn.domain.lineage import Manifest, is_version_of_task
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import Router, load_router
from growlearn.network.transfer import to_device
from growlearn.registry.json_codec import from_json, to_json

with patch_avalanche_import():
    from avalanche.models import MultiTaskModule

MASKED_CLASS_LOGIT = -1000.0
"""Logit of a class that a row's task does not have, as in Avalanche's own heads."""


class GrowingClassifier(MultiTaskModule):  # type: ignore[misc] # avalanche ships no types
    """Stems, branches, one head per experience, and a router between the heads.

    A row with task label t is classified by the head trained for t. Where several experiences had that
    label, or none had, the router chooses the head. The state dict holds everything that inference and
    further growth need. Before anything has grown, its only parameter is a placeholder, so that an optimiser
    can be built on it.
    """

    def __init__(self, spec: ModelConfig) -> None:
        super().__init__()
        self.max_class_label = 0
        empty_schema = Schema(inputs={IMAGE_COLUMN: InputColumn(type=InputType.IMAGE, shape=(1, 1, 1))})
        self.placeholder = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.pixels = PixelQuantizer()
        self.network = GrowingNetwork(spec)
        self.router: Router | None = None
        self.shelf = StateDictArtifacts()
        self.manifest = Manifest(stream="avalanche", schema=empty_schema, model=spec, branches=(), tasks=())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> GrowingClassifier:
        applied: GrowingClassifier = super()._apply(fn, recurse)
        if self.router is not None:  # it is no module: its stem is the network's
            self.router.to(self.network.device)
        return applied

    def fit(self, inputs: Tensor) -> None:
        """Learn what the inputs are from the first experience [N, ...], before anything has grown."""
        if not self.network.branches:
            is_vector = inputs.ndim == 2
            schema = vectors.infer_schema(inputs) if is_vector else self.pixels.fit(inputs)
            self.manifest = replace(self.manifest, schema=schema)

    def to_rows(self, inputs: Tensor, labels: Sequence[Label] | None = None) -> Rows:
        """Images [N, C, H, W] or vectors [N, F], as the first experience had them, as rows."""
        schema = self.manifest.schema
        if IMAGE_COLUMN in schema.inputs:
            return self.pixels.to_rows(inputs, schema, labels)
        return vectors.to_rows(inputs, schema, labels)

    def list_task_versions(self, label: int) -> tuple[str, ...]:
        """Names of the tasks that were grown for a task label, oldest first."""
        return tuple(name for name in self.network.task_index if is_version_of_task(str(label), name))

    def adaptation(self, experience: Any) -> None:
        """Extend the output to the experience's classes; the strategy trains the branch."""
        targets = getattr(experience.dataset, "targets", ())
        self.extend_classes(map(int, getattr(targets, "uniques", targets)))

    def extend_classes(self, labels: Iterable[int]) -> None:
        """Extend the output to these class labels."""
        self.max_class_label = max([self.max_class_label, *(1 + label for label in labels)])

    def forward(self, x: Tensor, task_labels: Tensor | int | None = None) -> Tensor:
        """Inputs [B, ...] and task labels [B] (default 0) -> logits [B, known classes] where the model is."""
        labels = torch.as_tensor(0 if task_labels is None else task_labels).expand(len(x)).cpu()
        out = torch.zeros(len(x), self.max_class_label, device=self.network.device)
        if not self.network.task_index:
            return out  # nothing has grown yet
        rows = self.to_rows(x)
        for label in torch.unique(labels).tolist():
            indices = torch.nonzero(labels == label).flatten()
            out[indices] = self._compute_logits(rows.take(indices.numpy()), label)
        return out

    def _compute_logits(self, rows: Rows, label: int) -> Tensor:
        candidate_tasks = self.list_task_versions(label) or tuple(self.network.task_index)
        if len(candidate_tasks) == 1:
            return self.expand_logits(self.network(rows, candidate_tasks[0]), candidate_tasks[0])
        assert self.router is not None, "a model with tasks has a router"
        probabilities = self.router.probabilities(rows, candidate_tasks)  # [B, tasks]
        confidence, task_indices = probabilities.max(1)
        out = torch.zeros(len(rows), self.max_class_label, device=self.network.device)
        for task_index in torch.unique(task_indices).tolist():
            indices = torch.nonzero(task_indices == task_index).flatten()
            logits = self.expand_logits(
                self.network(rows.take(indices.numpy()), candidate_tasks[task_index]),
                candidate_tasks[task_index],
            )
            own_confidence = to_device(confidence[indices], logits.device)
            out[indices] = self._spread_routing_uncertainty(logits, own_confidence, candidate_tasks)
        return out

    def _spread_routing_uncertainty(
        self, logits: Tensor, confidence: Tensor, candidate_tasks: Sequence[str]
    ) -> Tensor:
        """Spread the remaining probability over the other tasks' classes, below the largest one."""
        log_probs = torch.log_softmax(logits, dim=1) + confidence.log()[:, None]  # [B, K]
        known_labels = {int(label) for name in candidate_tasks for label in self.get_classes(name)}
        is_known_label = torch.zeros(logits.shape[1], dtype=torch.bool)
        is_known_label[sorted(known_labels)] = True
        is_other_label = to_device(is_known_label, logits.device) & (logits == MASKED_CLASS_LOGIT)  # [B, K]
        remainder = ((1 - confidence) / is_other_label.sum(1).clamp_min(1)).clamp_min(1e-6).log()[:, None]
        other_log_probs = torch.minimum(remainder, log_probs.max(1, keepdim=True).values - 1e-3)
        return torch.where(is_other_label, other_log_probs, log_probs)

    def get_classes(self, task: str) -> tuple[Label, ...]:
        """Class labels of a task, in the order of its head."""
        return self.network.classes[self.network.task_index[task]]

    def expand_logits(self, logits: Tensor, task: str) -> Tensor:
        """Logits over a task's classes [B, C] -> over all classes [B, K], the others masked."""
        columns = torch.tensor([int(label) for label in self.get_classes(task)])
        out = logits.new_full((len(logits), self.max_class_label), MASKED_CLASS_LOGIT)
        return out.index_copy(1, to_device(columns, logits.device), logits)

    def load_manifest(self, manifest: Manifest) -> None:
        """Use a manifest as the model's own; stored bytes that it does not name are deleted."""
        self.manifest = manifest
        router_training_state = [] if manifest.router is None else [manifest.router.gram_matrices]
        self.shelf.retain_only([*manifest.inference_artifacts, *router_training_state])
        self.update_router(manifest)

    def update_router(self, manifest: Manifest) -> None:
        """Route by a manifest's router."""
        self.router = load_router(manifest, self.network.root_stem, self.shelf.get)

    def drop_unfinished(self) -> None:
        """Forget the branches and tasks of a training that was never frozen, which the manifest lacks."""
        if tuple(self.network.task_index) == tuple(task.name for task in self.manifest.tasks):
            return
        if self.manifest.tasks:
            self.network = load_network(self.manifest, self.shelf.get, device=self.placeholder.device)
            self.update_router(self.manifest)
        else:
            self.network, self.router = GrowingNetwork(self.manifest.model), None

    def get_extra_state(self) -> dict[str, Any]:
        """Manifest and stored weights as tensors; torch adds them to the state dict."""
        return {
            "manifest": bytes_to_tensor(to_json(self.manifest, Manifest)),
            "shelf": self.shelf.to_tensors(),
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Build the branches that a state dict holds, unless the model has them already."""
        manifest = from_json(tensor_to_bytes(state["manifest"]), Manifest)
        if manifest == self.manifest:
            return
        self.shelf = StateDictArtifacts()
        self.shelf.load_tensors(state["shelf"])
        self.network = load_network(manifest, self.shelf.get, device=self.placeholder.device)
        self.extend_classes(int(label) for task in manifest.tasks for label in task.classes)
        if manifest.tasks:
            self.load_manifest(manifest)
        self.manifest = manifest
