"""Inference without task names."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.growth import BranchInit
from growlearn.network.model.network import load_network
from growlearn.network.router.routed_inference import MASKED_LOGIT, all_labels, predict_routed, predict_task
from growlearn.network.router.router import load_router
from growlearn.serving.predictor import Predictor


def test_each_row_gets_the_logits_of_its_routed_head_as_when_served(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1, 2)))
    builder.keep(builder.plan(builder.only(2, 3, 4), init=BranchInit.SCRATCH))
    manifest, read = builder.manifest, builder.artifacts.get
    network = load_network(manifest, read)
    rows = builder.only(0, 1, 3, 4)

    logits, chosen = predict_routed(network, load_router(manifest, network.root_stem, read), manifest, rows)

    assert all_labels(manifest) == (0, 1, 2, 3, 4)
    assert logits.shape == (len(rows), 5)
    unmasked = logits > MASKED_LOGIT
    assert {tuple(row) for row in unmasked.tolist()} <= {
        (True,) * 3 + (False,) * 2,
        (False,) * 2 + (True,) * 3,
    }
    assert chosen.tolist() == logits.argmax(1).tolist()
    served, _, _ = Predictor(manifest, read).predict_rows(rows)
    assert np.array(all_labels(manifest))[logits.argmax(1)].tolist() == served.tolist()


def test_with_one_task_every_row_goes_to_it(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1, 2)))
    manifest, read = builder.manifest, builder.artifacts.get
    network = load_network(manifest, read)
    rows = builder.only(0, 1, 2)
    logits, _ = predict_routed(network, load_router(manifest, network.root_stem, read), manifest, rows)
    expected, _ = predict_task(network, manifest.task("task-1"), rows)
    assert np.array_equal(logits, expected)
    assert logits.argmax(1).tolist() == network.logits(rows, "task-1").argmax(1).tolist()
