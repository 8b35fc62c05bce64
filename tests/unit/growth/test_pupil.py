from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.pupil import distillation


def test_a_pupil_that_agrees_with_its_teacher_pays_for_the_labels_alone() -> None:
    taught, targets = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)), torch.arange(7) % 3
    truth = F.cross_entropy(taught, targets, reduction="sum")
    assert distillation(taught, taught, targets).item() == pytest.approx(0.5 * truth.item())


def test_the_gradient_leads_to_the_teacher_where_the_label_says_the_same() -> None:
    logits = torch.zeros(1, 2, requires_grad=True)
    distillation(logits, torch.tensor([[3.0, -3.0]]), torch.tensor([0])).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_a_task_with_fewer_classes_reads_its_own_logits_of_the_teacher_only() -> None:
    logits, targets = torch.tensor([[1.0, -1.0]]), torch.tensor([0])
    padded = torch.tensor([[0.5, 0.2, 9.0]])
    assert torch.equal(distillation(logits, padded, targets), distillation(logits, padded[:, :2], targets))


def test_rows_add_up() -> None:
    logits, taught = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 1, 2, 0])
    parts = [distillation(logits[[at]], taught[[at]], targets[[at]]) for at in range(4)]
    assert distillation(logits, taught, targets).item() == pytest.approx(sum(map(float, parts)), rel=1e-5)
