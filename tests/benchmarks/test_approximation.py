"""What every form of combining branches and every training scheme must do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from benchmarks.approximation.forms import FORMS, Approximation
from benchmarks.approximation.schemes import SCHEMES
from benchmarks.approximation.training import Trainer, score_prefixes, train_with_scheme
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import make_stem

SCHEMA = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))})
MODEL = ModelConfig(embed_dim=16, num_heads=2, patch_size=4, stem="patches")
CONFIG = GrowthConfig(batch_size=32, learning_rate=5e-3)
BRANCHES = 3
BATCHES = 4

Trained = Callable[[str, str], Approximation]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rows() -> Rows:
    bunch = load_digits()
    inputs = {"image": (bunch.images[: 32 * BATCHES] * 15.9375).astype(np.uint8)[:, None]}
    labels = object_column(bunch.target[: 32 * BATCHES].tolist())
    return Rows(inputs, labels, None, hash_rows(inputs, SCHEMA))


@pytest.fixture(scope="module")
def inputs(rows: Rows) -> EncodedInputs:
    return make_stem(SCHEMA, MODEL, rows).encode(rows)


@pytest.fixture(scope="module")
def targets(rows: Rows) -> Tensor:
    return torch.tensor([int(label) for label in rows.labels])


def make_model(form: str, rows: Rows, branches: int = BRANCHES, seed: int = 0) -> Approximation:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Approximation(form, MODEL, make_stem(SCHEMA, MODEL, rows), branches, classes=10)


def train(
    form: str,
    scheme: str,
    rows: Rows,
    data: tuple[EncodedInputs, Tensor],
    seed: int = 0,
    epochs: float = 6,
) -> Approximation:
    model = make_model(form, rows, seed=seed)
    model.zero_init_output()
    trainer = Trainer(model, SCHEMES[scheme], replace(CONFIG, seed=seed))
    for _ in train_with_scheme(trainer, *data, epochs=epochs):
        pass
    return model


@pytest.fixture(scope="module")
def trained(rows: Rows, inputs: EncodedInputs, targets: Tensor) -> Trained:
    """`trained(form, scheme)`: a model that several tests read and none changes."""
    models: dict[tuple[str, str], Approximation] = {}

    def get(form: str, scheme: str) -> Approximation:
        if (form, scheme) not in models:
            models[form, scheme] = train(form, scheme, rows, (inputs, targets))
        return models[form, scheme]

    return get


def weights(ablation: torch.nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in ablation.parameters()])


def test_every_prefix_has_logits_and_any_can_be_computed_alone(
    form: str, rows: Rows, inputs: EncodedInputs
) -> None:
    ablation = make_model(form, rows)
    with torch.no_grad():
        all_prefixes = ablation.prefix_logits(inputs)
        assert all_prefixes.shape == (BRANCHES, len(rows), 10)
        for prefix in range(1, BRANCHES + 1):
            alone = ablation.prefix_logits(inputs, prefix, prefix)
            assert alone.shape == (1, len(rows), 10)
            torch.testing.assert_close(alone[0], all_prefixes[prefix - 1])


def test_a_prefix_does_not_depend_on_later_branches(form: str, rows: Rows, inputs: EncodedInputs) -> None:
    ablation = make_model(form, rows)
    with torch.no_grad():
        before = ablation.prefix_logits(inputs, 1, 2)
        for parameter in ablation.branches[2].parameters():
            parameter.normal_()
        assert torch.equal(ablation.prefix_logits(inputs, 1, 2), before)
        assert not torch.equal(ablation.prefix_logits(inputs)[2], before[1])


def test_the_gradient_of_the_whole_reaches_stem_head_and_every_branch(
    form: str, rows: Rows, inputs: EncodedInputs, targets: Tensor
) -> None:
    ablation = make_model(form, rows)
    whole = ablation.prefix_logits(inputs, BRANCHES)[0]
    torch.nn.functional.cross_entropy(whole, targets).backward()  # type: ignore[no-untyped-call]
    for part in (ablation.stem, *ablation.branches, ablation.head):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0


def test_a_zero_residual_branch_changes_no_bit_except_in_the_paper_s_form(
    form: str, rows: Rows, inputs: EncodedInputs
) -> None:
    ablation = make_model(form, rows)
    ablation.branches[2].zero_init_output()  # type: ignore[operator]
    ablation.freeze_before(2)
    with torch.no_grad():
        two, three = ablation.prefix_logits(inputs, 2, 2)[0], ablation.prefix_logits(inputs, 3, 3)[0]
    assert torch.equal(two, three) == (form != "whole")


def test_one_whole_branch_is_a_plain_vit(rows: Rows, inputs: EncodedInputs) -> None:
    ablation = make_model("whole", rows, branches=1)
    norm, linear = ablation.head.norm, ablation.head.linear
    with torch.no_grad():
        z = ablation.stem(inputs)
        expected = linear(norm((z + ablation.branches[0](z)).mean(1)))  # type: ignore[operator]
        torch.testing.assert_close(ablation.prefix_logits(inputs)[0], expected)


def test_training_lowers_the_loss_of_the_whole_and_prefixes_differ(
    form: str, scheme: str, trained: Trained, inputs: EncodedInputs, targets: Tensor
) -> None:
    after = score_prefixes(trained(form, scheme), inputs, targets)
    assert len(after.losses) == len(after.accuracies) == BRANCHES
    assert after.losses[-1] < 2.2  # nats; chance is 2.30
    assert len(set(after.losses)) == BRANCHES


def test_equal_seeds_give_equal_bits_and_others_do_not(
    form: str, scheme: str, rows: Rows, inputs: EncodedInputs, targets: Tensor
) -> None:
    data = (inputs, targets)
    first, again, other = (train(form, scheme, rows, data, seed, epochs=1) for seed in (3, 3, 4))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_every_branch_is_trained(form: str, scheme: str, rows: Rows, trained: Trained) -> None:
    untrained, grown = make_model(form, rows), trained(form, scheme)
    untrained.zero_init_output()
    for before, after in zip(untrained.branches, grown.branches, strict=True):
        assert not torch.equal(weights(before), weights(after))


def test_greedy_training_freezes_stem_earlier_branches_and_their_own_heads(
    form: str, rows: Rows, inputs: EncodedInputs, targets: Tensor
) -> None:
    ablation = make_model(form, rows)
    trainer = Trainer(ablation, SCHEMES["greedy"], CONFIG)
    trainer.train_batch(inputs, targets, 0, 0.1)
    earlier = [weights(part) for part in (ablation.stem, ablation.branches[0])]
    first = ablation.prefix_logits(inputs, 1, 1).detach()
    later = weights(ablation.branches[2])
    for done in (0.4, 0.5):
        trainer.train_batch(inputs, targets, 0, done)
    assert all(
        torch.equal(before, weights(part))
        for before, part in zip(earlier, (ablation.stem, ablation.branches[0]), strict=True)
    )
    assert torch.equal(weights(ablation.branches[2]), later)
    if form == "own heads":
        assert torch.equal(ablation.prefix_logits(inputs, 1, 1), first)


@pytest.mark.parametrize(
    ("scheme", "steps"), [("joint", 1), ("averaged", 1), ("supervised", 1), ("greedy", 1), ("stepwise", 4)]
)
def test_an_epoch_has_the_number_of_steps_per_batch_of_its_source(scheme: str, steps: int) -> None:
    assert sum(len(schedule(BRANCHES, 0.5)) for schedule in SCHEMES[scheme].passes) == steps


def test_training_may_end_within_an_epoch(rows: Rows, inputs: EncodedInputs, targets: Tensor) -> None:
    trainer = Trainer(make_model("residual", rows), SCHEMES["averaged"], CONFIG)
    assert list(train_with_scheme(trainer, inputs, targets, epochs=1.5)) == [BATCHES / (1.5 * BATCHES), 1.0]


def test_an_interrupted_training_ends_with_the_same_bits(
    form: str, scheme: str, rows: Rows, inputs: EncodedInputs, targets: Tensor
) -> None:
    trainers = [Trainer(make_model(form, rows), SCHEMES[scheme], CONFIG) for _ in range(2)]
    for _ in train_with_scheme(trainers[0], inputs, targets, epochs=1.5):
        pass
    done = next(train_with_scheme(trainers[1], inputs, targets, epochs=1.5))
    restored = pickle.loads(pickle.dumps(trainers[1]))
    for _ in train_with_scheme(restored, inputs, targets, epochs=1.5, progress=done):
        pass
    assert torch.equal(weights(trainers[0].model), weights(restored.model))
