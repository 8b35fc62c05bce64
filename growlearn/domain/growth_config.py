"""How branches are trained, searched for, pruned and consolidated."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias

from growlearn.domain.device import is_device_name
from growlearn.domain.validation import MAX_COUNT, STRICT, require

_BATCH_SIZE, _MAX_BATCH_SIZE = 128, 1024
_MAX_STEPS = 512  # of an epoch, before larger batches are taken
_EPOCHS, _PATIENCE = 6, 3
_IMAGE_EPOCHS, _IMAGE_ROWS = 30, 3_000  # so many epochs for so many rows
_MIN_IMAGE_EPOCHS, _MAX_IMAGE_EPOCHS = 18, 60
_FEW_IMAGES, _SMALL_BATCH_SIZE = 2_000, 32

AugmentationName: TypeAlias = Literal["flip", "shift"]
"""A random change of training images: mirrored left to right, or shifted by a few pixels."""


@dataclass(frozen=True, kw_only=True)
class GrowthConfig:
    """How a branch is trained."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    epochs: int | Literal["auto"] = "auto"  # auto: 6, or with images by the number of training rows
    batch_size: int | Literal["auto"] = "auto"  # auto: by the number of training rows
    learning_rate: float = 2e-3
    weight_decay: float = 1.0
    dropout: float = 0.0  # of a branch's tokens and of the feature that its head reads, a share of 1
    validation_fraction: float = 0.1  # of the training rows, used to choose the epoch
    patience: int | Literal["auto"] = "auto"  # epochs without a better validation loss before stopping
    min_rows: int = 20  # fewer labelled training rows: nothing is grown
    seed: int = 0
    init: Literal["auto", "residual", "warm_start", "scratch"] = "auto"  # of every branch but the first
    augmentation: Literal["auto", "none"] | tuple[AugmentationName, ...] = "auto"  # of training images
    device: str = "auto"  # that trains: cpu, cuda, cuda:N or mps; auto: that of the training process
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products in training

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "min_rows"):
            value = getattr(self, name)
            require(
                value == "auto" or 1 <= value <= MAX_COUNT, f"{name} must be 1 or more, at most {MAX_COUNT:,}"
            )
        require(0 < self.learning_rate <= 1, "learning_rate must lie between 0 and 1")
        require(0 <= self.weight_decay < math.inf, "weight_decay must be 0 or more")
        require(0 <= self.dropout < 1, "dropout must be 0 or more, and less than 1")
        require(0 < self.validation_fraction < 0.9, "validation_fraction must lie between 0 and 0.9")
        require(is_device_name(self.device), "device must be auto, cpu, cuda, cuda:N or mps")
        require(0 <= self.seed < 2**32, "seed must be a whole number from 0 to 4294967295")
        require(
            isinstance(self.augmentation, str) or len(set(self.augmentation)) == len(self.augmentation),
            "augmentation must name each once",
        )

    @property
    def max_epochs(self) -> int:
        """The number of epochs; that of a training without images where it is not resolved yet."""
        return _EPOCHS if self.epochs == "auto" else self.epochs

    @property
    def max_patience(self) -> int:
        """The patience in epochs; that of a training without images where it is not resolved yet."""
        return _PATIENCE if self.patience == "auto" else self.patience

    def resolve(self, rows: int, *, has_images: bool) -> GrowthConfig:
        """The same with `epochs` and `patience` as numbers, for so many training rows.

        `auto` is 6 and 3. With images the epochs are inversely proportional to the square root of the rows,
        30 for 3,000 rows, and patience is a third of them, since a stem that is trained from nothing on
        augmented images needs many (docs/adr/0003); fewer than 2,000 images are trained in batches of 32.

        >>> images = [GrowthConfig().resolve(n, has_images=True) for n in (500, 3_000, 12_000, 50_000)]
        >>> [(config.epochs, config.patience, config.batch_size) for config in images]
        [(60, 20, 32), (30, 10, 'auto'), (18, 6, 'auto'), (18, 6, 'auto')]
        """
        if not has_images:
            return replace(self, epochs=self.max_epochs, patience=self.max_patience)
        patience, batch_size = self.patience, self.batch_size
        wanted = round(_IMAGE_EPOCHS * math.sqrt(_IMAGE_ROWS / max(rows, 1)))
        bounded = min(max(wanted, _MIN_IMAGE_EPOCHS), _MAX_IMAGE_EPOCHS)
        epochs = bounded if self.epochs == "auto" else self.epochs
        if patience == "auto":
            patience = max(_PATIENCE, epochs // 3)
        if batch_size == "auto" and rows < _FEW_IMAGES:
            batch_size = _SMALL_BATCH_SIZE
        return replace(self, epochs=epochs, patience=patience, batch_size=batch_size)

    def batching(self, rows: int) -> tuple[int, float]:
        """Rows a step, and the factor of the learning rate, for an epoch of so many training rows.

        `auto` is 128, doubled while an epoch would have more than 512 steps, at most up to 1,024; the rate
        grows with its square root.

        >>> [GrowthConfig().batching(rows) for rows in (1_000, 65_536, 250_000, 4_000_000)]
        [(128, 1.0), (128, 1.0), (512, 2.0), (1024, 2.8284271247461903)]
        >>> GrowthConfig(batch_size=32).batching(4_000_000)
        (32, 1.0)
        """
        if self.batch_size != "auto":
            return self.batch_size, 1.0
        size = _BATCH_SIZE
        while size < _MAX_BATCH_SIZE and rows > size * _MAX_STEPS:
            size *= 2
        return size, math.sqrt(size / _BATCH_SIZE)


@dataclass(frozen=True, kw_only=True)
class HyperparameterSearchConfig:
    """Which candidates of a growth are compared, and the epochs they may cost.

    There is one candidate for each learning rate, seed and init; with a single candidate there is no search.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    learning_rates: tuple[float, ...] = ()  # in addition to growth.learning_rate
    num_seeds: int = 1
    num_inits: int = 1  # best inits and parents by the linear probe
    epoch_budget: int = 24  # of all candidates together, before the best one is trained in full
    scope: Literal["first", "all"] = "first"  # first: later growths reuse the learning rate

    def __post_init__(self) -> None:
        require(all(0 < rate <= 1 for rate in self.learning_rates), "learning_rates must lie between 0 and 1")
        for name in ("num_seeds", "num_inits", "epoch_budget"):
            require(1 <= getattr(self, name) <= MAX_COUNT, f"{name} must be 1 or more, at most {MAX_COUNT:,}")
        num_candidates = (1 + len(self.learning_rates)) * self.num_seeds * self.num_inits
        # One epoch for each candidate of each round's share.
        min_epochs = num_candidates * math.ceil(math.log2(num_candidates))
        require(
            self.epoch_budget >= min_epochs,
            f"epoch_budget must be {min_epochs} or more for {num_candidates} candidates",
        )


@dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Pruning of a stream's first branches: the fewest within the allowed accuracy drop are kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_accuracy_drop: float | None = None  # a share of 1, on validation rows; None keeps every branch

    def __post_init__(self) -> None:
        require(
            self.max_accuracy_drop is None or 0 <= self.max_accuracy_drop <= 1,
            "max_accuracy_drop is a share of 1, such as 0.01",
        )


@dataclass(frozen=True, kw_only=True)
class ConsolidationConfig:
    """How a model that has reached its branch budget is distilled into fewer branches.

    All other settings (batch size, learning rate and so on) are those of `growth`; all epochs are run.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    target_branches: int = 4  # after the consolidation, at most
    max_accuracy_drop: float = 0.01  # of any task, a share of 1 of its hold-out rows
    epochs: int = 10

    def __post_init__(self) -> None:
        for name in ("target_branches", "epochs"):
            require(1 <= getattr(self, name) <= MAX_COUNT, f"{name} must be 1 or more, at most {MAX_COUNT:,}")
        require(0 <= self.max_accuracy_drop <= 1, "max_accuracy_drop is a share of 1, such as 0.01")
