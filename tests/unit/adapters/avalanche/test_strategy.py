"""A real Avalanche script on scikit-learn's digits, task- and class-incremental."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch

from growlearn.adapters.avalanche.branch_training import BranchTraining, RowFeatureCache
from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.avalanche import BranchGrowth, GrowthConfig
from growlearn.domain.errors import CannotGrow, GrowLearnError
from growlearn.network.model.network import load_network
from tests.second_device import SECOND, second_device

from .conftest import GROWTH, MODEL, Script, benchmark, counting_plugin, digits, strategy

with patch_avalanche_import():
    from avalanche.benchmarks import class_incremental_benchmark
    from avalanche.benchmarks.utils import as_classification_dataset
    from avalanche.core import SupervisedPlugin
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.logging import TextLogger
    from avalanche.training.plugins import EarlyStoppingPlugin, EvaluationPlugin, ReplayPlugin


@pytest.fixture(params=["with_labels", "without_labels"])
def script(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_each_experience_grows_one_branch_and_one_head(script: Script) -> None:
    manifest = script.strategy.model.manifest
    assert [branch.id for branch in manifest.branches] == ["b1", "b2", "b3", "b4", "b5"]
    assert [task.classes for task in manifest.tasks] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert all(not parameter.requires_grad for parameter in script.strategy.model.parameters())


def test_tasks_are_learned_and_not_forgotten(with_labels: Script) -> None:
    last = with_labels.results[-1]
    assert last["Top1_Acc_Stream/eval_phase/test_stream/Task004"] > 0.9
    assert last["StreamForgetting/eval_phase/test_stream"] == 0.0


def test_without_task_labels_the_router_answers(without_labels: Script) -> None:
    last = without_labels.results[-1]
    assert last["Top1_Acc_Stream/eval_phase/test_stream/Task000"] > 0.75
    assert last["Loss_Stream/eval_phase/test_stream/Task000"] < 2.0  # probabilities, no masks of -1000


def test_earlier_answers_stay_the_same_bits(script: Script) -> None:
    for before, after in zip(script.answers, script.answers[1:], strict=False):
        assert all(torch.equal(old, new) for old, new in zip(before, after, strict=False))


def test_every_callback_of_avalanche_is_triggered(script: Script) -> None:
    calls = script.plugin.calls
    assert [name for name in script.plugin.names if not calls[name]] == []
    assert calls["before_training_exp"] == calls["after_training_exp"] == 5
    assert calls["before_eval_exp"] == 25
    assert calls["before_training_iteration"] == calls["after_update"] >= 5 * 5


def test_metrics_reach_the_loggers(script: Script) -> None:
    printed = script.printed.getvalue()
    for metric in ("Top1_Acc_Epoch/train_phase", "Loss_MB/train_phase", "StreamForgetting/eval_phase"):
        assert metric in printed


def test_the_model_is_one_that_growlearn_itself_can_load(script: Script) -> None:
    model = script.strategy.model
    rows = model.to_rows(digits(slice(0, 200)).tensors[0])
    loaded = load_network(model.manifest, model.shelf.get)
    for task, answers in zip(loaded.task_index, script.answers[-1], strict=True):
        assert torch.equal(torch.from_numpy(loaded.logits(rows, task)), answers)


def test_a_state_dict_restores_all_and_grows_on(script: Script) -> None:
    file = io.BytesIO()
    torch.save(script.strategy.model.state_dict(), file)
    file.seek(0)
    again = strategy()
    again.model.load_state_dict(torch.load(file, weights_only=True))
    images = digits(slice(0, 100)).tensors[0]
    with torch.no_grad():
        assert torch.equal(again.model(images), script.strategy.model(images))
    again.train(benchmark(task_labels=False).train_stream[0])
    assert len(again.model.manifest.branches) == 6
    with torch.no_grad():
        assert torch.equal(
            again.model(images, 1), script.strategy.model(images, 1)
        ) or not again.model.list_task_versions(1)


@pytest.mark.parametrize("num_learned", [0, 1])
def test_an_experience_that_is_interrupted_leaves_nothing_behind(num_learned: int) -> None:
    """As a person stops a cell of a notebook: the same experience is trained as if for the first time."""

    class Interrupting(SupervisedPlugin):  # type: ignore[misc] # avalanche ships no types
        def after_training_epoch(self, *_: Any, **__: Any) -> None:
            if is_armed:
                raise KeyboardInterrupt

    is_armed, stream = False, benchmark(task_labels=True).train_stream
    learner = strategy([Interrupting()])
    learner.train(stream[:num_learned])
    is_armed = True
    with pytest.raises(KeyboardInterrupt):
        learner.train(stream[num_learned])
    model = learner.model
    assert list(model.network.task_index) == [task.name for task in model.manifest.tasks]
    is_armed = False
    learner.train(stream[num_learned])
    assert [branch.id for branch in model.manifest.branches] == ["b1", "b2"][: num_learned + 1]
    assert list(model.network.task_index) == [task.name for task in model.manifest.tasks]
    assert model.list_task_versions(num_learned) == (str(num_learned),)
    images = digits(slice(0, 100)).tensors[0]
    with torch.no_grad():
        assert torch.isfinite(model(images)).all()


def test_before_anything_has_grown_every_class_is_as_likely() -> None:
    fresh = strategy()
    fresh.eval(benchmark(task_labels=True).test_stream[0])
    assert torch.equal(fresh.model(torch.zeros(3, 1, 8, 8)), torch.zeros(3, 2))


def test_early_stopping_ends_an_experience_and_the_next_one_is_trained() -> None:
    evaluator = EvaluationPlugin(accuracy_metrics(stream=True), loggers=[TextLogger(io.StringIO())])
    stopping = EarlyStoppingPlugin(patience=1, val_stream_name="test_stream", margin=0.9)
    counting = counting_plugin()
    learner = strategy([stopping, counting], evaluator=evaluator, train_epochs=20, eval_every=1)
    stream, calls = benchmark(task_labels=True), counting.calls
    with pytest.warns(UserWarning, match="EarlyStopping"):
        learner.train(stream.train_stream[:2], eval_streams=[stream.test_stream[:1]])
    assert 2 <= calls["after_training_epoch"] <= 10
    assert len(learner.model.manifest.tasks) == 2


def test_rows_from_a_memory_change_nothing_and_do_no_harm() -> None:
    learner, stream = strategy([ReplayPlugin(mem_size=50)]), benchmark(task_labels=False)
    with pytest.warns(DeprecationWarning, match="deprecated function update"):
        learner.train(stream.train_stream[:2])
    assert learner.eval(stream.test_stream[:2])["Top1_Acc_Stream/eval_phase/test_stream/Task000"] > 0.6


def test_a_plugin_that_writes_to_frozen_weights_is_found_out() -> None:
    class Careless(SupervisedPlugin):  # type: ignore[misc]
        def after_training_epoch(self, strategy: Any, **_: Any) -> None:
            with torch.no_grad():
                strategy.model.network.heads[0].linear.bias += 1.0

    learner, stream = strategy(), benchmark(task_labels=True)
    learner.train(stream.train_stream[0])
    learner.plugins.append(Careless())
    with pytest.raises(GrowLearnError, match="frozen weights were changed during training: head of 0"):
        learner.train(stream.train_stream[1])


@pytest.mark.parametrize("init", ["residual", "warm_start", "scratch"])
def test_cached_features_equal_recomputed_ones(init: Any) -> None:
    seen: list[RowFeatureCache] = []
    learner, stream = strategy(growth=replace(GROWTH, init=init)), benchmark(task_labels=True)
    learner.train(stream.train_stream[0])
    keep = type("Keep", (), {"before_training": lambda self, strategy, **_: None})()
    learner.plugins.append(keep)
    keep.before_training_exp = lambda strategy, **_: seen.append(strategy.branch_training._feature_cache)
    learner.train(stream.train_stream[1])
    rows = learner.model.to_rows(torch.stack([x for x, *_ in stream.train_stream[1].dataset])[:20])
    cached, computed = seen[0].get_features(rows), seen[0]._compute_features(rows)
    assert (cached.z is None) == (init != "residual" and learner.model.manifest.branches[1].stem == "b2")
    assert torch.allclose(cached.residuals, computed.residuals, atol=1e-6)
    assert cached.z is None or computed.z is None or torch.allclose(cached.z, computed.z, atol=1e-6)


def test_a_benchmark_without_any_task_labels_is_routed() -> None:
    stream = class_incremental_benchmark(
        {
            "train": as_classification_dataset(digits(slice(0, 900))),
            "test": as_classification_dataset(digits(slice(900, None))),
        },
        num_experiences=5,
        class_order=list(range(10)),
    )
    learner = strategy()
    for experience in list(stream.streams["train"])[:2]:
        learner.train(experience, eval_streams=[])
    assert list(learner.model.network.task_index) == ["0", "0/2"]
    learner.eval(list(stream.streams["test"])[:2])


def test_patience_ends_an_experience() -> None:
    learner = strategy(growth=replace(GROWTH, patience=1, learning_rate=1.0), train_epochs=30)
    learner.train(benchmark(task_labels=True).train_stream[0])
    assert learner.clock.train_exp_epochs < 30


def test_what_cannot_be_grown_is_an_error() -> None:
    with pytest.raises(GrowLearnError, match="device is 'gpu', but this machine has"):
        BranchGrowth(model=MODEL, device="gpu")
    with pytest.raises(CannotGrow, match="fewer than 5000"):
        strategy(growth=GrowthConfig(min_rows=5000)).train(benchmark(task_labels=True).train_stream[0])


@pytest.mark.parametrize("task_labels", [True, False])
def test_experiences_are_grown_and_answered_on_another_device(
    task_labels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("growlearn.adapters.avalanche.strategy.resolve_device", lambda *_: SECOND)
    stream, images = benchmark(task_labels, experiences=2), digits(slice(0, 60)).tensors[0]
    with second_device() as device:
        learner = strategy(device="second", train_epochs=1)
        for experience in stream.train_stream:
            learner.train(experience)
        results = learner.eval(stream.test_stream)
        with torch.no_grad():
            answers = learner.model(images, 1)
            moved = learner.model.to(torch.device("cpu"))(images, 1)
    assert next(value for name, value in results.items() if "Top1" in name) > 0.2
    assert answers.device == device
    assert (answers.cpu() - moved).abs().max() < 1e-4


def test_growlearn_alone_imports_neither_torch_nor_avalanche() -> None:
    light = "import sys, growlearn; sys.exit('torch' in sys.modules or 'avalanche' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", light], check=False).returncode == 0


@pytest.mark.parametrize("rate_given", [False, True])
def test_averaged_weights_are_validated_unless_the_optimizer_is_given(
    rate_given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def end_epoch(training: BranchTraining) -> None:
        state = grown.optimizer.state
        seen.extend(
            "average" in slots and torch.equal(weight, slots["average"]) for weight, slots in state.items()
        )
        original(training)

    original = BranchTraining.end_epoch
    monkeypatch.setattr(BranchTraining, "end_epoch", end_epoch)
    given = {"optimizer": torch.optim.Adam([torch.zeros(1)], lr=1e-3)} if rate_given else {}
    grown = strategy(train_epochs=1, **given)
    grown.train(benchmark(task_labels=True).train_stream[0])
    assert seen
    assert set(seen) == {not rate_given}
