"""The linear term learns which ids, pairs and n-grams tell the classes apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.linear_fit import find_least, fit_linear_term, make_linear_head
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.stem import Stem, make_stem

MODEL = ModelConfig(embed_dim=16, num_heads=2)
SCHEMA = Schema(inputs={"words": InputColumn(type=InputType.TOKENS, vocabulary=50, length=8)})

TEXT_SCHEMA = Schema(inputs={"t": InputColumn(type=InputType.TEXT)})


def rows_of(num_classes: int, count: int = 300, seed: int = 0) -> Rows:
    """Random ids, among which one pair tells the class: (40, 41), (41, 40) or none."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 40, (count, 8)).astype(np.int32)
    labels = rng.integers(0, num_classes, count)
    for row, label in enumerate(labels):
        words[row, 3:5] = [(40, 41), (41, 40), (42, 43)][label]
    return Rows({"words": words}, object_column(labels.tolist()), None, hash_rows({"words": words}, SCHEMA))


def fitted(rows: Rows, classes: tuple[int, ...], weights: tuple[float, ...] = ()) -> Stem:
    torch.manual_seed(0)
    stem = make_stem(SCHEMA, MODEL, rows)
    fit_linear_term(stem, rows, classes, weights)
    return stem


def predicted(stem: Stem, rows: Rows) -> torch.Tensor:
    head = make_linear_head(stem, num_features=2)
    assert head is not None
    z = stem(stem.encode(rows))
    features = torch.stack([z.mean(1), torch.randn(len(rows), 16)], dim=1)  # the second is not read
    logits: torch.Tensor = head(features)
    return logits


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_pair_of_ids_tells_the_classes_of_other_rows(num_classes: int) -> None:
    stem = fitted(rows_of(num_classes), tuple(range(num_classes)))
    other = rows_of(num_classes, seed=1)
    assert (predicted(stem, other).argmax(1).numpy() == other.labels).mean() > 0.95


def test_the_head_gives_the_scores_of_the_term() -> None:
    rows = rows_of(3)
    stem = fitted(rows, (0, 1, 2))
    assert stem.linear is not None
    assert torch.allclose(predicted(stem, rows), stem.linear(stem.encode(rows)), atol=1e-3)


def test_a_class_without_a_training_row_is_the_least_likely() -> None:
    rows = rows_of(2)
    assert (predicted(fitted(rows, (-1, 0, 1)), rows).argmin(1) == 0).all()


def test_heavy_rows_decide() -> None:
    rows = rows_of(2)
    rows.inputs["words"][:] = 1  # nothing tells the classes apart
    scores = predicted(fitted(rows, (0, 1), (10.0, 0.1)), rows)
    assert (scores.argmax(1) == 0).all()


@pytest.mark.parametrize(("num_classes", "count"), [(2, 60), (1, 300)])
def test_few_rows_or_a_single_class_leave_the_stem_as_it_is(num_classes: int, count: int) -> None:
    stem = fitted(rows_of(num_classes, count), (0, 1))
    assert stem.linear is None
    assert make_linear_head(stem, 2) is None


def text_rows(count: int, seed: int = 0) -> Rows:
    """Nonsense of which the ending of one word tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    stems = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(count)]
    texts = [f"the {stem}{('ing', 'ed')[label]} thing" for stem, label in zip(stems, labels, strict=True)]
    inputs = {"t": object_column([*texts[:-1], None])}
    return Rows(inputs, object_column(labels.tolist()), None, hash_rows(inputs, TEXT_SCHEMA))


def test_the_ending_of_an_unknown_word_tells_the_class_of_a_text() -> None:
    rows, other = text_rows(300), text_rows(300, seed=1)
    stem = make_stem(TEXT_SCHEMA, MODEL, rows)
    fit_linear_term(stem, rows, (0, 1))
    assert (predicted(stem, other).argmax(1).numpy() == other.labels).mean() > 0.95


def test_a_term_that_is_there_is_replaced_or_taken_away() -> None:
    stem = fitted(rows_of(3), (0, 1, 2))
    fit_linear_term(stem, rows_of(2), (0, 1))
    assert stem.linear is not None
    assert stem.linear.weight.shape[1] == 2
    fit_linear_term(stem, rows_of(2, 60), (0, 1))
    assert stem.linear is None


def test_strengths_are_tried_while_the_loss_falls() -> None:
    tried = []

    def loss(strength: float) -> float:
        tried.append(strength)
        return abs(strength - 10)

    assert find_least((1.0, 3.0, 10.0, 30.0, 100.0), loss) == 10.0
    assert tried == [1.0, 3.0, 10.0, 30.0]
