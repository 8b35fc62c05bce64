"""The whole way from tensors of raw values to the class that `Predictor` answers, as one torch module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Label
from growlearn.network.graph.inputs import list_inputs
from growlearn.network.graph.row_encoding import RowEncoding, StemCodes
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.features import read_encoded_stem
from growlearn.network.router.router import Router
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem

_ROUTER = "router"  # the key of its stem, where the answers read another one


@dataclass(frozen=True)
class AnsweringHeads:
    """The heads that may answer a row, and the labels of all of them, as predictions show them.

    `label_indices` has for each head the index of each of its classes among the labels.
    """

    heads: tuple[TaskHead, ...]
    labels: tuple[Label, ...]
    label_indices: tuple[tuple[int, ...], ...]


def list_answering_heads(manifest: Manifest, task: str | None) -> AnsweringHeads:
    """The heads that rows of a task, or rows without one, may be answered by; raises NotFound."""
    names = manifest.routable_tasks if task is None else manifest.task_versions(task) or (task,)
    heads = tuple(manifest.task(name) for name in names)
    is_mixed = len({type(label) for head in manifest.tasks for label in head.classes}) > 1
    shown = [[str(label) if is_mixed else label for label in head.classes] for head in heads]
    labels = list(dict.fromkeys(label for classes in shown for label in classes))
    indices = tuple(tuple(labels.index(label) for label in classes) for classes in shown)
    return AnsweringHeads(heads, tuple(labels), indices)


class PredictionGraph(nn.Module):
    """Tensors by name, as `inputs` lists them -> answers by name, for B rows.

    `prediction` int64 [B] is the index of the label; `probability` float32 [B] is its probability, times that
    of the task where rows are routed; `probabilities` float32 [B, K] are those of all labels, given the task.
    With several heads, which need a router, `task` int64 [B] is the index of the one that answers.
    """

    def __init__(
        self, manifest: Manifest, network: GrowingNetwork, router: Router | None, answering: AnsweringHeads
    ) -> None:
        super().__init__()
        self.answering = answering
        self.stem_ids = network.stem_ids
        self.stack_features = network.stack_features
        self.heads = nn.ModuleList(network.head(head.name) for head in answering.heads)
        branches = dict.fromkeys(branch for head in answering.heads for branch in head.lineage)
        self.branches = nn.ModuleDict({branch: network.branch(branch) for branch in branches})
        features = [f for head in answering.heads for f in network.list_features(head.lineage)]
        self.token_stems = tuple(dict.fromkeys(f.branch for f in features if f.is_stem))
        stems = {stem_id: network.stem(stem_id) for stem_id in self.token_stems}
        self.router: RouterGraph | None = None
        if router is not None:
            known = [stem_id for stem_id, stem in stems.items() if stem is router.stem]
            self.router_stem = known[0] if known else _ROUTER
            stems[self.router_stem] = router.stem
        self.inputs = list_inputs(manifest.schema, list(stems.values()))
        if router is not None:
            self.router = RouterGraph(router, [head.name for head in answering.heads], self.inputs.tensor_of)
        self.stems = nn.ModuleDict(stems)
        self.encode = RowEncoding(next(iter(stems.values())), self.inputs)
        self.codes = nn.ModuleDict({key: StemCodes(stem, self.inputs) for key, stem in stems.items()})

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of B rows -> the answers."""
        encoded = self.encode(inputs)
        tokens = {key: self.stems[key](self.codes[key](encoded)) for key in self.token_stems}
        residuals = {
            name: _typed_branch(branch).pooled(tokens[self.stem_ids[name]])
            for name, branch in self.branches.items()
        }
        answers = [self._answer_task(index, tokens, residuals) for index in range(len(self.heads))]
        predictions, probabilities = (torch.stack(part, dim=1) for part in zip(*answers, strict=True))
        if self.router is None:
            return _name_outputs(predictions[:, 0], probabilities[:, 0])
        stem = self.stems[self.router_stem]
        assert isinstance(stem, Stem)
        task_probabilities = self.router(inputs, stem, self.codes[self.router_stem](encoded))  # [B, tasks]
        task = task_probabilities.argmax(1)
        index = task[:, None, None].expand(-1, 1, probabilities.shape[2])
        outputs = _name_outputs(
            predictions.gather(1, task[:, None])[:, 0], probabilities.gather(1, index)[:, 0]
        )
        outputs["probability"] = outputs["probability"] * task_probabilities.amax(1)
        return {**outputs, "task": task}

    def _answer_task(
        self, index: int, tokens: Mapping[str, Tensor], residuals: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The label [B] and the probabilities of all labels [B, K] that one head gives."""
        head, labels = self.answering.heads[index], self.answering.label_indices[index]
        logits = self.heads[index](self.stack_features(tokens, residuals, head.lineage))  # [B, C]
        calibrated, calibration = logits, head.calibration
        if calibration.offsets:
            calibrated = calibrated + torch.tensor(calibration.offsets)
        probabilities = torch.softmax(calibrated / calibration.temperature, dim=1)
        if head.threshold is None:
            chosen = logits.argmax(1)
        else:
            chosen = (probabilities[:, 1].double() > head.threshold).long()
        none = torch.zeros_like(probabilities[:, 0])
        of_labels = [
            probabilities[:, labels.index(label)] if label in labels else none
            for label in range(len(self.answering.labels))
        ]
        return torch.tensor(labels)[chosen], torch.stack(of_labels, dim=1)


class RouterGraph(nn.Module):
    """The probability of each of the tasks that may answer a row; `tensor_of` names a column's tensor."""

    def __init__(self, router: Router, tasks: Sequence[str], tensor_of: Mapping[str, str]) -> None:
        super().__init__()
        self.features = router.features
        self.register_buffer("ridge_weights", router.ridge_weights)
        self.ridge_weights: Tensor
        self.to_probabilities = router.to_probabilities
        self.tasks = tuple(tasks)
        self.tensors = [tensor_of[column] for column in router.features.names]

    def forward(self, inputs: Mapping[str, Tensor], stem: Stem, encoded: EncodedInputs) -> Tensor:
        """Tensors of B rows, and what the router's stem reads of them -> probabilities [B, tasks]."""
        columns = [inputs[name] for name in self.tensors]
        num_rows = next(iter(inputs.values())).shape[0]  # len() would make a constant of it
        h = self.features.forward_encoded(columns, read_encoded_stem(stem, encoded, num_rows))
        return self.to_probabilities(h @ self.ridge_weights, self.tasks)


def _name_outputs(prediction: Tensor, probabilities: Tensor) -> dict[str, Tensor]:
    chosen = probabilities.gather(1, prediction[:, None])[:, 0]
    return {"prediction": prediction, "probability": chosen, "probabilities": probabilities}


def _typed_branch(module: nn.Module) -> ResidualBranch:
    assert isinstance(module, ResidualBranch)
    return module
