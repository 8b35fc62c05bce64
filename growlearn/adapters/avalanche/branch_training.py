"""The training of one branch: the trainable parts, the frozen features and the losses so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import torch
from torch import Tensor

from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.schema import sort_labels
from growlearn.domain.window import Window, WindowState
from growlearn.growth import checkpoint
from growlearn.growth.branch_init import TrainableParts, init_trainable_parts
from growlearn.growth.feature_cache import FrozenFeatures, TokensKept, compute_frozen_features
from growlearn.growth.lr_schedule import LrSchedule, make_lr_schedule
from growlearn.growth.plan import ParentModel, SplitData, plan_growth
from growlearn.growth.prefix_evaluation import append_branch_features, evaluate_prefixes
from growlearn.growth.train import fit_initial_head
from growlearn.growth.training_data import CachedDataset, to_class_indices
from growlearn.ingest.rows import Rows, Split, concat_rows
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.router import add_task_to_router
from growlearn.network.stems.stem import training_mode
from growlearn.network.transfer import to_device


class RowFeatureCache:
    """Features of the frozen part of a network, computed once for each row it was created with.

    Rows are looked up by content hash, so a plugin may put them into any batch; features of other rows
    (augmented ones, for example) are computed at each call.
    """

    def __init__(
        self, network: GrowingNetwork, plan: GrowthPlan, trainable_parts: TrainableParts, rows: Rows
    ) -> None:
        self._network = network
        self._lineage = plan.lineage
        self._tokens_kept: TokensKept = "all" if trainable_parts.stem is None else "none"
        self._features = self._compute_features(rows)
        self._position_by_hash = {
            row_hash: position for position, row_hash in enumerate(rows.row_hashes.tolist())
        }

    def get_features(self, rows: Rows) -> FrozenFeatures:
        """Tokens [B, T, D], where they are needed, and the parents' residuals [B, P, D]."""
        positions = [self._position_by_hash.get(row_hash, -1) for row_hash in rows.row_hashes.tolist()]
        if -1 in positions:
            return self._compute_features(rows)
        return self._features.at(torch.tensor(positions))

    def _compute_features(self, rows: Rows) -> FrozenFeatures:
        return compute_frozen_features(self._network, rows, self._lineage, tokens_kept=self._tokens_kept)


class BranchTraining:
    """A new branch (or the first branches of a model) and its head, from initialisation to frozen."""

    def __init__(self, model: GrowingClassifier, task: str, parts: Split, growth: GrowthConfig) -> None:
        self._model = model
        self.plan = _make_plan(model.manifest, model.network, task, parts, growth)
        self.trainable_parts = init_trainable_parts(self.plan, model.network, parts.train)
        self._feature_cache = RowFeatureCache(
            model.network, self.plan, self.trainable_parts, concat_rows([parts.train, parts.validation])
        )
        self._attach_to_network(parts)
        self._validation_data = self._make_dataset(parts.validation)
        self.losses: list[float] = []
        self.initial_loss = self._compute_validation_loss()
        self._best_state, self._best_loss = (
            checkpoint.copy_state(self.trainable_parts.modules()),
            self.initial_loss,
        )
        fit_initial_head(self.trainable_parts, self._make_dataset(parts.train), self.plan.seed)
        if (loss := self._compute_validation_loss()) < self.initial_loss:
            self._best_state, self._best_loss = checkpoint.copy_state(self.trainable_parts.modules()), loss
        else:
            checkpoint.restore_state(self.trainable_parts.modules(), self._best_state)

    @property
    def lr_schedule(self) -> LrSchedule:
        """Learning rate and end of training, from the validation losses so far."""
        return make_lr_schedule(self.plan.growth, self.initial_loss, self.losses)

    def compute_prefix_logits(self, rows: Rows) -> Tensor:
        """Rows -> logits [n, B, C] of every prefix that ends in a new branch, the whole lineage last."""
        trainable_parts = self.trainable_parts
        with training_mode(trainable_parts.stem):  # Avalanche sets it before the branch is there
            features = append_branch_features(trainable_parts, *self._compute_tokens(rows))
        return trainable_parts.head.prefix_logits(features, len(trainable_parts.branches))

    def end_epoch(self) -> None:
        """Compute the validation loss, and keep the weights if they are the best so far."""
        loss = self._compute_validation_loss()
        self.losses.append(loss)
        if loss < self._best_loss:
            self._best_state, self._best_loss = checkpoint.copy_state(self.trainable_parts.modules()), loss

    def freeze(self) -> None:
        """Restore the best weights, freeze them, and check that all earlier frozen weights are unchanged.

        Raises GrowLearnError where a frozen weight has changed, for example because a plugin wrote to
        parameters.
        """
        checkpoint.restore_state(self.trainable_parts.modules(), self._best_state)
        for module in self.trainable_parts.modules():
            module.requires_grad_(False)
        _check_unchanged(self.plan.parent_manifest, self._model.network)
        self._model.load_manifest(self._build_manifest())

    def _compute_validation_loss(self) -> float:
        """As in a stream: after a temperature, in nats."""
        return evaluate_prefixes(self.plan, self.trainable_parts, self._validation_data, 1)[-1].loss

    def _make_dataset(self, rows: Rows) -> CachedDataset:
        targets = to_class_indices(rows.labels, self.plan.classes)
        return CachedDataset(
            lambda index, _: self._compute_tokens(rows.take(index.numpy())),
            to_device(targets, self._model.network.device),
        )

    def _compute_tokens(self, rows: Rows) -> tuple[Tensor, Tensor]:
        features, stem = self._feature_cache.get_features(rows), self.trainable_parts.stem
        z = features.z if stem is None else stem(stem.encode(rows))  # [B, T, D]
        assert z is not None
        z, residuals = (to_device(part, self._model.network.device) for part in (z, features.residuals))
        return z, torch.cat([z.mean(1, keepdim=True), residuals], dim=1)

    def _attach_to_network(self, parts: Split) -> None:
        """Add the new branch, its task and its head to the network, and the task to the router."""
        plan, trainable_parts, network = self.plan, self.trainable_parts, self._model.network
        stem_owner = (
            plan.new_branches[0] if trainable_parts.stem is not None else network.get_stem_id(plan.lineage)
        )
        for position, (name, branch) in enumerate(
            zip(plan.new_branches, trainable_parts.branches, strict=True)
        ):
            network.add_branch(name, branch, stem_owner, trainable_parts.stem if position == 0 else None)
        network.add_task(plan.task, plan.classes, (*plan.lineage, *plan.new_branches), trainable_parts.head)
        artifacts = self._model.shelf
        self._router_weights = add_task_to_router(
            plan.parent_manifest, network.root_stem, plan.task, plan.classes, (parts.train, parts.validation),
            artifacts.get, artifacts.put, plan.seed,
        )  # fmt: skip
        self._model.update_router(replace(plan.parent_manifest, router=self._router_weights))

    def _build_manifest(self) -> Manifest:
        """The model with the new branches and head, stored."""
        plan, network, artifacts = self.plan, self._model.network, self._model.shelf
        parent = None if plan.parent_task is None else plan.parent_manifest.task(plan.parent_task).lineage[-1]
        branches = []
        for name in plan.new_branches:
            stored = artifacts.put(network.dump_branch(name))
            branches.append(BranchWeights(id=name, parent=parent, stem=network.stem_ids[name], sha256=stored))
            parent = name
        head = TaskHead(
            name=plan.task,
            classes=plan.classes,
            lineage=(*plan.lineage, *plan.new_branches),
            sha256=artifacts.put(weights.dump_weights(self.trainable_parts.head.state_dict())),
        )
        return replace(
            plan.parent_manifest,
            branches=(*plan.parent_manifest.branches, *branches),
            tasks=(*plan.parent_manifest.tasks, head),
            router=self._router_weights,
        )


def _make_plan(
    base: Manifest, network: GrowingNetwork, task: str, parts: Split, growth: GrowthConfig
) -> GrowthPlan:
    """Plan as for a window of a stream; the rows need not be stored."""
    at, num_branches = datetime.now(UTC), len(base.branches)
    job = Job(
        name=base.stream, source=SourceConfig(url="experiences"), schema=base.schema,
        model=base.model, growth=growth,
    )  # fmt: skip
    window = Window(
        stream=job.name, number=len(base.tasks) + 1, state=WindowState.JUDGED, source=task,
        discovered_at=at, updated_at=at,
    )  # fmt: skip
    split_data = SplitData(parts, sort_labels((*parts.train.labels, *parts.validation.labels)))
    parent_model = ParentModel(base, len(base.tasks) or None)
    return plan_growth(
        job, window, task, split_data, parent_model, num_branches, lambda *_: "", lambda _: network
    )


def _check_unchanged(base: Manifest, network: GrowingNetwork) -> None:
    """Compare every earlier branch and head, buffers included, with its stored hash."""
    changed = [
        branch.id
        for branch in base.branches
        if sha256(network.dump_branch(branch.id)).hexdigest() != branch.sha256
    ]
    changed += [
        f"head of {task.name}"
        for task in base.tasks
        if sha256(weights.dump_weights(network.head(task.name).state_dict())).hexdigest() != task.sha256
    ]
    if changed:
        raise GrowLearnError(
            f"frozen weights were changed during training: {', '.join(changed)}",
            hint="leave out plugins that write to the model's parameters",
        )
