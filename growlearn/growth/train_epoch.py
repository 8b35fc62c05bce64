"""One pass over the training rows of a branch."""

from __future__ import annotations

import torch

from growlearn.domain.growth import GrowthPlan
from growlearn.growth.augmentation import make_augmentation_generator
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.dropout import seed_dropout
from growlearn.growth.label_smoothing import label_smoothing
from growlearn.growth.lr_schedule import LrSchedule
from growlearn.growth.mixed_precision import mixed_precision
from growlearn.growth.prefix_evaluation import last_prefix_logits, prefix_losses
from growlearn.growth.training_data import CachedDataset
from growlearn.growth.training_loop import mean_loss, optimizer_step
from growlearn.network.stems.stem import training_mode


def train_epoch(
    trainable: TrainableParts,
    train: CachedDataset,
    plan: GrowthPlan,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    lr_schedule: LrSchedule,
) -> float:
    """One pass over the rows in an order that depends only on seed and epoch; returns the mean loss."""
    batch_size, rate_factor = plan.growth.batching(len(train))
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(plan.seed * 1009 + epoch))
    batches = torch.split(order, batch_size)
    stem, device = trainable.stem, train.targets.device
    losses = torch.empty(len(batches), device=device)  # one: see mean_loss
    noise = make_augmentation_generator(plan.seed, epoch), plan.growth.dropout
    with seed_dropout(plan.seed, epoch):
        for batch_index, index in enumerate(batches):
            with training_mode(stem), mixed_precision(stem, device, plan.growth.precision):
                logits = last_prefix_logits(
                    trainable, train, index, trainable.num_prefixes, noise
                )  # [n, B, C]
                targets, row_weights = train.targets_at(index), train.weights_at(index)
                loss = prefix_losses(logits, targets, row_weights, label_smoothing(plan)).mean()
            rate = lr_schedule.learning_rate_at(epoch - 1 + batch_index / len(batches)) * rate_factor
            optimizer_step(optimizer, loss, rate)
            losses[batch_index] = loss.detach()
    return mean_loss(losses, batches)
