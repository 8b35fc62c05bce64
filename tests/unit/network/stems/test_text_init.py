"""A text stem starts from what a linear model knows."""

from __future__ import annotations

import numpy as np
import torch

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.stem import make_stem
from growlearn.network.stems.text_init import Bags, collect_bags, fit_linear_embedding

SCHEMA = Schema(inputs={"t": InputColumn(type=InputType.TEXT)})


def bags_of(*rows: list[int]) -> Bags:
    length = max(map(len, rows))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    weights = torch.tensor([[1.0] * len(row) + [0.0] * (length - len(row)) for row in rows])
    return collect_bags((ids[part], weights[part]) for part in (slice(0, 2), slice(2, None)))


def test_padding_is_no_part_of_a_bag() -> None:
    bags = bags_of([3, 1], [2], [], [0, 1, 2])
    assert bags.lengths.tolist() == [2, 1, 0, 3]
    assert bags.ids.tolist() == [3, 1, 2, 0, 1, 2]
    assert bags.sum(torch.eye(4)).tolist() == [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0]]


def test_texts_of_one_class_lie_on_one_side() -> None:
    torch.manual_seed(0)
    bags = bags_of([0, 4], [1, 4], [0, 5], [1, 5])
    embedding = fit_linear_embedding(bags, ["a", "b", "a", "b"], (6, 8))
    assert embedding.shape == (6, 8)
    sums = bags.sum(embedding)  # [4, D]
    assert torch.cosine_similarity(sums[0], sums[2], dim=0) > 0.9
    assert torch.cosine_similarity(sums[0], sums[1], dim=0) < -0.9
    assert abs(float(sums.std()) - 1) < 1e-4
    assert embedding[4].norm() < 0.1 * embedding[0].norm()  # it tells nothing


def test_there_may_be_more_classes_than_dimensions_or_only_one() -> None:
    bags = bags_of([0], [1], [2], [3])
    assert torch.isfinite(fit_linear_embedding(bags, [1, 2, 3, 4], (6, 2))).all()
    assert not fit_linear_embedding(bags, [1, 1, 1, 1], (6, 2)).any()


def stem_of(labels: list[int | None]) -> torch.Tensor:
    texts = object_column([f"{('good', 'bad')[row % 2]} thing {row // 2}" for row in range(len(labels))])
    inputs = {"t": texts}
    rows = Rows(inputs, object_column(labels), None, hash_rows(inputs, SCHEMA))
    torch.manual_seed(0)
    stem = make_stem(SCHEMA, ModelConfig(embed_dim=8, num_heads=2), rows)
    with torch.no_grad():
        z: torch.Tensor = stem(stem.encode(rows))[:, 0]
    return z


def test_labels_decide_the_first_tokens_and_missing_ones_do_not_matter() -> None:
    labels: list[int | None] = [row % 2 for row in range(30)]
    z = stem_of([*labels, None, None])
    good, bad = z[0:30:2], z[1:30:2]
    between = float((good.mean(0) - bad.mean(0)).norm())
    assert between > 2 * float((good - good.mean(0)).norm(dim=1).mean())
    assert between > 2 * float(
        (stem_of([None] * 30)[0:30:2].mean(0) - stem_of([None] * 30)[1:30:2].mean(0)).norm()
    )
    assert float((z[30] - good.mean(0)).norm()) < float((z[30] - bad.mean(0)).norm())
    assert np.isfinite(z.numpy()).all()
