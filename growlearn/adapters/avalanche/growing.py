"""One growth on its way: what is trained, what is frozen beside it, and how far it has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import torch
from torch import Tensor

from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.adapters.avalanche.shelf import Shelf
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import GrowthSpec, Job, SourceSpec
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.schema import ordered
from growlearn.domain.window import Window, WindowState
from growlearn.growth import checkpoint
from growlearn.growth.frozen import FrozenFeatures, frozen_features
from growlearn.growth.model import weights
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.newborn import Newborn, conceive
from growlearn.growth.plan import Base, Ground, plan_growth
from growlearn.growth.router.router import grow_router
from growlearn.growth.schedule import Pace, pace
from growlearn.growth.train import Feed, class_indices, features_of, start_head, validate
from growlearn.ingest.rows import Rows, Split, concat


class FrozenParts:
    """What the frozen part of a network says of rows; computed once for each row it was made with.

    Rows are known by their content, so that it does not matter who puts them into a batch; any other
    row (an augmented one, say) is looked at anew.
    """

    def __init__(self, network: GrowingNetwork, plan: GrowthPlan, newborn: Newborn, rows: Rows) -> None:
        self._network = network
        self._lineage = plan.lineage
        self._with_tokens = newborn.stem is None
        self._kept = self._look_at(rows)
        self._place = {key: at for at, key in enumerate(rows.keys.tolist())}

    def of(self, rows: Rows) -> FrozenFeatures:
        """Tokens [B, T, D], where they are wanted, and the parents' residuals [B, P, D]."""
        places = [self._place.get(key, -1) for key in rows.keys.tolist()]
        if -1 in places:
            return self._look_at(rows)
        index, z = torch.tensor(places), self._kept.z
        return FrozenFeatures(None if z is None else z[index], self._kept.residuals[index])

    def _look_at(self, rows: Rows) -> FrozenFeatures:
        return frozen_features(self._network, rows, self._lineage, with_tokens=self._with_tokens)


class Growing:
    """A new branch (or a stream's first branches) and its head, from conception to frozen."""

    def __init__(self, model: GrowingClassifier, task: str, parts: Split, growth: GrowthSpec) -> None:
        self._model = model
        self.plan = _plan(model.manifest, model.network, task, parts, growth)
        self.newborn = conceive(self.plan, model.network, parts.train)
        self._frozen = FrozenParts(
            model.network, self.plan, self.newborn, concat([parts.train, parts.validation])
        )
        self._join(parts)
        self._validation = self._feed(parts.validation)
        self.losses: list[float] = []
        self.birth_loss = self._loss()
        self._best, self._best_loss = checkpoint.state_of(self.newborn.trainable()), self.birth_loss
        start_head(self.newborn, self._feed(parts.train), self.plan.seed)
        if (loss := self._loss()) < self.birth_loss:
            self._best, self._best_loss = checkpoint.state_of(self.newborn.trainable()), loss
        else:
            checkpoint.restore(self.newborn.trainable(), self._best)

    @property
    def pace(self) -> Pace:
        """Learning rate and end of training, from the validation losses so far."""
        return pace(self.plan.growth, self.birth_loss, self.losses)

    def prefixes(self, rows: Rows) -> Tensor:
        """Rows -> logits [n, B, C] of every prefix that ends in a new branch, the whole last."""
        newborn = self.newborn
        return newborn.head.prefixes(features_of(newborn, *self._tokens(rows)), len(newborn.branches))

    def end_epoch(self) -> None:
        """Measure on validation rows, and remember the weights if they are the best so far."""
        loss = self._loss()
        self.losses.append(loss)
        if loss < self._best_loss:
            self._best, self._best_loss = checkpoint.state_of(self.newborn.trainable()), loss

    def freeze(self) -> None:
        """Put the best weights back, freeze them, and prove that all that was frozen before is unchanged.

        Raises GrowLearnError where a frozen weight has changed, as a plugin that writes to parameters
        could have done.
        """
        checkpoint.restore(self.newborn.trainable(), self._best)
        for module in self.newborn.trainable():
            module.requires_grad_(False)
        _prove_unchanged(self.plan.base, self._model.network)
        self._model.take_over(self._manifest())

    def _loss(self) -> float:
        return validate(self.newborn, self._validation, 1).losses[-1]

    def _feed(self, rows: Rows) -> Feed:
        return Feed(
            lambda index: self._tokens(rows.take(index.numpy())),
            class_indices(rows.labels, self.plan.classes),
        )

    def _tokens(self, rows: Rows) -> tuple[Tensor, Tensor]:
        frozen, stem = self._frozen.of(rows), self.newborn.stem
        z = frozen.z if stem is None else stem(stem.encode(rows))  # [B, T, D]
        assert z is not None
        return z, torch.cat([z.mean(1, keepdim=True), frozen.residuals], dim=1)

    def _join(self, parts: Split) -> None:
        """Let the network answer the new task from now on, and the router know it."""
        plan, newborn, network = self.plan, self.newborn, self._model.network
        owner = plan.new_branches[0] if newborn.stem is not None else network.stem_owner(plan.lineage)
        for at, (name, branch) in enumerate(zip(plan.new_branches, newborn.branches, strict=True)):
            network.add_branch(name, branch, owner, newborn.stem if at == 0 else None)
        network.add_task(plan.task, plan.classes, (*plan.lineage, *plan.new_branches), newborn.head)
        shelf = self._model.shelf
        self._routed = grow_router(
            plan.base, network.root_stem, plan.task, plan.classes, (parts.train, parts.validation),
            shelf.get, shelf.put, plan.seed,
        )  # fmt: skip
        self._model.reroute(replace(plan.base, router=self._routed))

    def _manifest(self) -> Manifest:
        """The model with the new branches and head, stored."""
        plan, network, shelf = self.plan, self._model.network, self._model.shelf
        parent = None if plan.parent is None else plan.base.task(plan.parent).lineage[-1]
        branches = []
        for name in plan.new_branches:
            stored = shelf.put(network.branch_weights(name))
            branches.append(BranchWeights(id=name, parent=parent, stem=network.stem_of[name], sha256=stored))
            parent = name
        head = TaskHead(
            name=plan.task,
            classes=plan.classes,
            lineage=(*plan.lineage, *plan.new_branches),
            sha256=shelf.put(weights.dump(self.newborn.head.state_dict())),
        )
        return replace(
            plan.base,
            branches=(*plan.base.branches, *branches),
            tasks=(*plan.base.tasks, head),
            router=self._routed,
        )


def _plan(base: Manifest, network: GrowingNetwork, task: str, parts: Split, growth: GrowthSpec) -> GrowthPlan:
    """Plan as a stream's cycle does; the rows it stores on the way are let go at once."""
    at, grown = datetime.now(UTC), len(base.branches)
    job = Job(
        name=base.stream, source=SourceSpec(url="experiences"), schema=base.schema,
        model=base.model, growth=growth,
    )  # fmt: skip
    window = Window(
        stream=job.name, number=len(base.tasks) + 1, state=WindowState.JUDGED, source=task,
        discovered_at=at, updated_at=at,
    )  # fmt: skip
    ground = Ground(parts, ordered((*parts.train.labels, *parts.validation.labels)))
    known = Base(base, len(base.tasks) or None)
    return plan_growth(job, window, task, ground, known, grown, Shelf(), lambda _: network)


def _prove_unchanged(base: Manifest, network: GrowingNetwork) -> None:
    """Compare every earlier branch and head, buffers included, with the hash it was stored under."""
    changed = [
        branch.id
        for branch in base.branches
        if sha256(network.branch_weights(branch.id)).hexdigest() != branch.sha256
    ]
    changed += [
        f"head of {task.name}"
        for task in base.tasks
        if sha256(weights.dump(network.head(task.name).state_dict())).hexdigest() != task.sha256
    ]
    if changed:
        raise GrowLearnError(
            f"frozen weights were changed during training: {', '.join(changed)}",
            cure="leave out plugins that write to the model's parameters",
        )
