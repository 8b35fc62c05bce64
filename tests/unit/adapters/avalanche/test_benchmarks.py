"""Benchmarks of every kind that an Avalanche user brings: inputs, experiences and ways to evaluate."""

from __future__ import annotations

import copy
import io
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import TensorDataset

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.avalanche import BranchGrowth, GrowingClassifier, GrowthConfig
from growlearn.domain.errors import CannotGrow, GrowLearnError

from .conftest import MODEL, strategy

with patch_avalanche_import():
    from avalanche.benchmarks import nc_benchmark, ni_benchmark
    from avalanche.core import SupervisedPlugin
    from avalanche.evaluation.metrics import StreamAccuracy
    from avalanche.logging import TextLogger
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.plugins.lr_scheduling import LRSchedulerPlugin

CLASSES = 4
ACCURACY = "Top1_Acc_Stream/eval_phase/test_stream/Task{:03d}"


def rows(per_class: int, shape: tuple[int, ...] = (5,), dtype: torch.dtype = torch.float32) -> TensorDataset:
    """Four classes that are easily told apart, each around a point of its own; images lie within [0, 1]."""
    generator = torch.Generator().manual_seed(per_class)
    targets = torch.arange(CLASSES).repeat_interleave(per_class)
    centres = torch.rand(CLASSES, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = torch.randn(len(targets), *shape, generator=generator, dtype=torch.float64)
    inputs = (centres[targets] * 0.8 + 0.1 + 0.02 * noise).clamp(0, 1).to(dtype)
    return as_dataset(inputs, targets)


def as_dataset(inputs: Tensor, targets: Tensor) -> TensorDataset:
    dataset = TensorDataset(inputs, targets)
    dataset.targets = targets.tolist()  # type: ignore[attr-defined]
    return dataset


def make_benchmark(experiences: int = 2, *, task_labels: bool = False, **of_rows: Any) -> Any:
    train, test = rows(40, **of_rows), rows(20, **of_rows)
    return nc_benchmark(train, test, experiences, task_labels=task_labels, shuffle=False)


def train_all(learner: Any, stream: Any) -> dict[str, float]:
    for experience in stream.train_stream:
        learner.train(experience)
    results: dict[str, float] = learner.eval(stream.test_stream)
    return results


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((5,), torch.float32),
        ((5,), torch.float64),
        ((1, 8, 8), torch.float32),
        ((3, 8, 8), torch.float32),
        ((8, 8), torch.float64),
    ],
)
@pytest.mark.parametrize("task_labels", [True, False])
def test_inputs_of_every_form_are_learned(
    shape: tuple[int, ...], dtype: torch.dtype, task_labels: bool
) -> None:
    torch.manual_seed(0)
    stream = make_benchmark(task_labels=task_labels, shape=shape, dtype=dtype)
    results = train_all(strategy(train_epochs=10), stream)
    assert results[ACCURACY.format(1 if task_labels else 0)] > (
        0.8 if task_labels else 0.5
    )  # chance: 0.5, 0.25


def test_missing_values_are_read_and_predicted() -> None:
    train, test = rows(40), rows(20)
    train.tensors[0][::7, 1] = math.nan
    test.tensors[0][::5, 2] = math.nan
    results = train_all(strategy(train_epochs=3), nc_benchmark(train, test, 1, task_labels=False))
    assert results[ACCURACY.format(0)] > 0.8


def test_one_experience_is_plain_training() -> None:
    learner = strategy(train_epochs=3)
    assert train_all(learner, make_benchmark(experiences=1))[ACCURACY.format(0)] > 0.8
    assert len(learner.model.manifest.branches) == 1


def test_one_class_an_experience_is_told_apart_by_the_router() -> None:
    learner = strategy(train_epochs=1)
    assert train_all(learner, make_benchmark(experiences=CLASSES))[ACCURACY.format(0)] > 0.8
    assert [task.classes for task in learner.model.manifest.tasks] == [(0,), (1,), (2,), (3,)]


def test_classes_that_return_get_a_branch_for_each_experience() -> None:
    stream = ni_benchmark(rows(40), rows(20), n_experiences=2, task_labels=False, seed=0)
    learner = strategy(train_epochs=3)
    assert train_all(learner, stream)[ACCURACY.format(0)] > 0.8
    assert list(learner.model.network.task_index) == ["0", "0/2"]


def test_an_experience_trained_twice_changes_no_earlier_answer() -> None:
    stream, learner = make_benchmark(task_labels=True), strategy()
    learner.train(stream.train_stream[0])
    before = learner.model.network.logits(learner.model.to_rows(rows(20).tensors[0]), "0")
    learner.train(stream.train_stream[0])
    again = learner.model.network.logits(learner.model.to_rows(rows(20).tensors[0]), "0")
    assert (before == again).all()
    assert list(learner.model.network.task_index) == ["0", "0/2"]
    assert learner.eval(stream.test_stream[:1])[ACCURACY.format(0)] > 0.8


def test_a_row_for_validation_is_always_found() -> None:
    growth = GrowthConfig(init="warm_start", min_rows=1, validation_fraction=1e-9)
    dataset = as_dataset(torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]), torch.tensor([0, 1, 0]))
    learner = strategy(growth=growth)
    learner.train(nc_benchmark(dataset, dataset, 1, task_labels=False).train_stream[0])
    assert learner.model.manifest.tasks[0].classes == (0, 1)


def test_rows_that_are_all_the_same_leave_none_to_train_on() -> None:
    dataset = as_dataset(torch.ones(50, 2), torch.arange(50) % 2)
    with pytest.raises(CannotGrow, match="0 training rows"):
        strategy().train(nc_benchmark(dataset, dataset, 1, task_labels=False).train_stream[0])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.zeros(40), "no batch of images"),
        (torch.full((40, 2), math.inf), "infinite numbers"),
        (torch.full((40, 1, 4, 4), math.nan), "NaN or infinite pixels"),
    ],
)
def test_inputs_that_cannot_be_read_are_an_error(inputs: Tensor, message: str) -> None:
    dataset = as_dataset(inputs, torch.arange(40) % 2)
    with pytest.raises(GrowLearnError, match=message):
        strategy().train(nc_benchmark(dataset, dataset, 1, task_labels=False).train_stream[0])


def test_another_form_of_input_than_the_first_experience_s_is_an_error() -> None:
    learner = strategy()
    learner.train(make_benchmark().train_stream[0])
    with pytest.raises(GrowLearnError, match=r"the first experience had \[5\]"):
        learner.eval(make_benchmark(shape=(1, 8, 8)).test_stream)


def test_evaluation_before_during_and_after_training() -> None:
    curve = "Top1_Acc_Stream/eval_phase/train_stream/Task000"
    evaluator = EvaluationPlugin(StreamAccuracy(), loggers=[TextLogger(io.StringIO())])
    learner, stream = strategy(evaluator=evaluator, eval_every=1), make_benchmark()
    learner.eval(stream.train_stream)
    learner.train(stream.train_stream[0])
    assert len(evaluator.get_all_metrics()[curve][1]) == 4  # before all, before training, after each epoch


@pytest.mark.filterwarnings("ignore:Cannot properly serialize the file object")  # pytest's own stdout
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda learner: pickle.loads(pickle.dumps(learner))])
def test_a_copy_of_a_strategy_predicts_the_same_and_trains_on(copied: Callable[[Any], Any]) -> None:
    stream = make_benchmark(task_labels=True)
    learner = strategy()
    learner.train(stream.train_stream[0])
    twin, inputs = copied(learner), rows(20).tensors[0]
    assert torch.equal(twin.model(inputs), learner.model(inputs))
    twin.train(stream.train_stream[1])
    assert list(twin.model.network.task_index) == ["0", "1"]
    assert list(learner.model.network.task_index) == ["0"]


class Rates(SupervisedPlugin):  # type: ignore[misc]
    """The learning rate of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def before_training_epoch(self, strategy: Any, **_: Any) -> None:
        self.seen.append(strategy.optimizer.param_groups[0]["lr"])


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")  # by Avalanche's own metric
def test_a_given_optimizer_keeps_its_rate_until_a_scheduler_changes_it() -> None:
    model = GrowingClassifier(MODEL)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)  # no loss is ever halved
    scheduler = LRSchedulerPlugin(
        ReduceLROnPlateau(optimizer, patience=0, factor=0.5, threshold=0.5), metric="train_loss"
    )
    rates, stream = Rates(), make_benchmark(task_labels=True)
    learner = strategy([scheduler, rates], model=model, optimizer=optimizer, train_epochs=3)
    for experience in stream.train_stream:
        learner.train(experience)
    assert learner.optimizer is optimizer
    assert rates.seen == [1e-4, 1e-4, 5e-5] * 2  # the plugin sets rate and scheduler back between them


def test_a_given_optimizer_trains_the_new_branch_alone() -> None:
    model = GrowingClassifier(MODEL)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    learner, stream = strategy(model=model, optimizer=optimizer), make_benchmark(task_labels=True)
    learner.train(stream.train_stream[0])
    learner.train(stream.train_stream[1])
    trained = {id(parameter) for parameter in optimizer.param_groups[0]["params"]}
    assert trained >= {id(parameter) for parameter in model.network.branches["b2"].parameters()}
    assert trained.isdisjoint(id(parameter) for parameter in model.network.branches["b1"].parameters())


def test_no_epoch_at_all_leaves_a_fitted_head() -> None:
    learner, stream = strategy(train_epochs=0), make_benchmark(task_labels=True)
    assert train_all(learner, stream)[ACCURACY.format(1)] > 0.8


def test_what_a_strategy_cannot_be_made_of_is_an_error() -> None:
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in (0.1, 0.2)]
    with pytest.raises(GrowLearnError, match="2 parameter groups"):
        strategy(optimizer=torch.optim.SGD(groups))


@pytest.mark.filterwarnings("ignore:No loggers specified")
@pytest.mark.parametrize("targets", [torch.tensor([0.0, 1.0]), torch.tensor([[0, 1]]), torch.tensor([-1, 0])])
def test_targets_that_are_no_class_labels_are_an_error(targets: Tensor) -> None:
    class Regression(BranchGrowth):
        @property
        def mb_y(self) -> Tensor:
            return targets

    with pytest.raises(GrowLearnError, match="no class labels"):
        Regression(model=MODEL, evaluator=None).train(make_benchmark().train_stream[0])
