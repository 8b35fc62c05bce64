"""Answers of a model that is not told the task."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.growth import Birth
from growlearn.growth.model.network import load_network
from growlearn.growth.router.answering import UNASKED, labels_of, routed_logits
from growlearn.growth.router.router import load_router
from growlearn.serving.predictor import Predictor


def test_each_row_is_answered_by_the_head_it_is_sent_to_as_the_served_model_does(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1, 2)))
    nursery.keep(nursery.plan(nursery.only(2, 3, 4), birth=Birth.OWN))
    manifest, read = nursery.manifest, nursery.artifacts.get
    network = load_network(manifest, read)
    rows = nursery.only(0, 1, 3, 4)

    logits = routed_logits(network, load_router(manifest, network.root_stem, read), manifest, rows)

    assert labels_of(manifest) == (0, 1, 2, 3, 4)
    assert logits.shape == (len(rows), 5)
    asked = logits > UNASKED
    assert {tuple(row) for row in asked.tolist()} <= {(True,) * 3 + (False,) * 2, (False,) * 2 + (True,) * 3}
    served, _, _ = Predictor(manifest, read).answer(rows)
    assert np.array(labels_of(manifest))[logits.argmax(1)].tolist() == served.tolist()


def test_with_one_task_there_is_nowhere_else_to_go(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1, 2)))
    manifest, read = nursery.manifest, nursery.artifacts.get
    network = load_network(manifest, read)
    rows = nursery.only(0, 1, 2)
    logits = routed_logits(network, load_router(manifest, network.root_stem, read), manifest, rows)
    assert np.array_equal(logits, network.logits(rows, "task-1"))
