"""What every form of reading branches and every training scheme must do."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.growth.approximation.forms import FORMS, Approximation
from growlearn.growth.approximation.schemes import SCHEMES
from growlearn.growth.approximation.training import Trainer, figures, train
from growlearn.growth.stems.columns import Inputs
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, object_column, row_keys

SCHEMA = Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 8, 8))})
MODEL = ModelSpec(width=16, heads=2, patch=4, stem="patches")
SPEC = GrowthSpec(batch_size=32, learning_rate=5e-3)
BRANCHES = 3
BATCHES = 4


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
    return Rows(inputs, labels, None, row_keys(inputs, SCHEMA))


@pytest.fixture(scope="module")
def inputs(rows: Rows) -> Inputs:
    return new_stem(SCHEMA, MODEL, rows).encode(rows)


@pytest.fixture(scope="module")
def targets(rows: Rows) -> Tensor:
    return torch.tensor([int(label) for label in rows.labels])


def model(form: str, rows: Rows, branches: int = BRANCHES, seed: int = 0) -> Approximation:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Approximation(form, MODEL, new_stem(SCHEMA, MODEL, rows), branches, classes=10)


def trained(form: str, scheme: str, rows: Rows, data: tuple[Inputs, Tensor], seed: int = 0) -> Approximation:
    made = model(form, rows, seed=seed)
    made.born_zero()
    for _ in train(Trainer(made, SCHEMES[scheme], replace(SPEC, seed=seed)), *data, epochs=6):
        pass
    return made


def weights(made: torch.nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in made.parameters()])


def test_every_prefix_is_answered_and_any_of_them_alone(form: str, rows: Rows, inputs: Inputs) -> None:
    made = model(form, rows)
    with torch.no_grad():
        every = made.prefix_logits(inputs)
        assert every.shape == (BRANCHES, len(rows), 10)
        for prefix in range(1, BRANCHES + 1):
            alone = made.prefix_logits(inputs, prefix, prefix)
            assert alone.shape == (1, len(rows), 10)
            torch.testing.assert_close(alone[0], every[prefix - 1])


def test_a_prefix_does_not_depend_on_later_branches(form: str, rows: Rows, inputs: Inputs) -> None:
    made = model(form, rows)
    with torch.no_grad():
        before = made.prefix_logits(inputs, 1, 2)
        for parameter in made.branches[2].parameters():
            parameter.normal_()
        assert torch.equal(made.prefix_logits(inputs, 1, 2), before)
        assert not torch.equal(made.prefix_logits(inputs)[2], before[1])


def test_the_gradient_of_the_whole_reaches_stem_head_and_every_branch(
    form: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    made = model(form, rows)
    whole = made.prefix_logits(inputs, BRANCHES)[0]
    torch.nn.functional.cross_entropy(whole, targets).backward()  # type: ignore[no-untyped-call]
    for part in (made.stem, *made.branches, made.reading):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0


def test_a_branch_born_zero_changes_no_bit_but_in_the_papers_form(
    form: str, rows: Rows, inputs: Inputs
) -> None:
    made = model(form, rows)
    made.branches[2].born_zero()  # type: ignore[operator]
    made.begin(2)
    with torch.no_grad():
        two, three = made.prefix_logits(inputs, 2, 2)[0], made.prefix_logits(inputs, 3, 3)[0]
    assert torch.equal(two, three) == (form != "whole")


def test_one_whole_branch_is_a_plain_vit(rows: Rows, inputs: Inputs) -> None:
    made = model("whole", rows, branches=1)
    norm, linear = made.reading.norm, made.reading.linear
    with torch.no_grad():
        z = made.stem(inputs)
        expected = linear(norm((z + made.branches[0](z)).mean(1)))  # type: ignore[operator]
        torch.testing.assert_close(made.prefix_logits(inputs)[0], expected)


def test_training_lowers_the_loss_of_the_whole_and_prefixes_differ(
    form: str, scheme: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    made = trained(form, scheme, rows, (inputs, targets))
    after = figures(made, inputs, targets)
    assert len(after.losses) == len(after.accuracies) == BRANCHES
    assert after.losses[-1] < 2.2  # nats; chance is 2.30
    assert len(set(after.losses)) == BRANCHES


def test_equal_seeds_give_equal_bits_and_others_do_not(
    form: str, scheme: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    first, again, other = (trained(form, scheme, rows, (inputs, targets), seed) for seed in (3, 3, 4))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_every_branch_is_trained_in_the_end(
    form: str, scheme: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    born, grown = model(form, rows), trained(form, scheme, rows, (inputs, targets))
    born.born_zero()
    for before, after in zip(born.branches, grown.branches, strict=True):
        assert not torch.equal(weights(before), weights(after))


def test_greedy_training_freezes_stem_earlier_branches_and_their_own_heads(
    form: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    made = model(form, rows)
    trainer = Trainer(made, SCHEMES["greedy"], SPEC)
    trainer.on(inputs, targets, 0, 0.1)
    earlier = [weights(part) for part in (made.stem, made.branches[0])]
    first = made.prefix_logits(inputs, 1, 1).detach()
    later = weights(made.branches[2])
    for done in (0.4, 0.5):
        trainer.on(inputs, targets, 0, done)
    assert all(
        torch.equal(before, weights(part))
        for before, part in zip(earlier, (made.stem, made.branches[0]), strict=True)
    )
    assert torch.equal(weights(made.branches[2]), later)
    if form == "own heads":
        assert torch.equal(made.prefix_logits(inputs, 1, 1), first)


@pytest.mark.parametrize(
    ("scheme", "steps"), [("joint", 1), ("averaged", 1), ("supervised", 1), ("greedy", 1), ("stepwise", 4)]
)
def test_an_epoch_has_as_many_steps_for_a_batch_as_its_source_says(scheme: str, steps: int) -> None:
    assert sum(len(each(BRANCHES, 0.5)) for each in SCHEMES[scheme].passes) == steps


def test_training_may_end_within_an_epoch(rows: Rows, inputs: Inputs, targets: Tensor) -> None:
    trainer = Trainer(model("residual", rows), SCHEMES["averaged"], SPEC)
    assert list(train(trainer, inputs, targets, epochs=1.5)) == [BATCHES / (1.5 * BATCHES), 1.0]


def test_an_interrupted_training_ends_with_the_same_bits(
    form: str, scheme: str, rows: Rows, inputs: Inputs, targets: Tensor
) -> None:
    trainers = [Trainer(model(form, rows), SCHEMES[scheme], SPEC) for _ in range(2)]
    for _ in train(trainers[0], inputs, targets, epochs=2.5):
        pass
    done = next(train(trainers[1], inputs, targets, epochs=2.5))
    kept = pickle.loads(pickle.dumps(trainers[1]))
    for _ in train(kept, inputs, targets, epochs=2.5, done=done):
        pass
    assert torch.equal(weights(trainers[0].model), weights(kept.model))
