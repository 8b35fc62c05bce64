from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.student import distillation_loss


def test_a_student_that_agrees_with_its_teacher_has_the_label_loss_alone() -> None:
    teacher_logits, targets = (
        torch.randn(7, 3, generator=torch.Generator().manual_seed(0)),
        torch.arange(7) % 3,
    )
    label_loss = F.cross_entropy(teacher_logits, targets, reduction="sum")
    assert distillation_loss(teacher_logits, teacher_logits, targets).item() == pytest.approx(
        0.5 * label_loss.item()
    )


def test_the_gradient_points_to_the_class_of_teacher_and_label() -> None:
    logits = torch.zeros(1, 2, requires_grad=True)
    distillation_loss(logits, torch.tensor([[3.0, -3.0]]), torch.tensor([0])).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_a_task_with_fewer_classes_uses_its_own_teacher_logits_only() -> None:
    logits, targets = torch.tensor([[1.0, -1.0]]), torch.tensor([0])
    padded = torch.tensor([[0.5, 0.2, 9.0]])
    assert torch.equal(
        distillation_loss(logits, padded, targets), distillation_loss(logits, padded[:, :2], targets)
    )


def test_rows_add_up() -> None:
    logits, teacher_logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 1, 2, 0])
    parts = [distillation_loss(logits[[row]], teacher_logits[[row]], targets[[row]]) for row in range(4)]
    assert distillation_loss(logits, teacher_logits, targets).item() == pytest.approx(
        sum(map(float, parts)), rel=1e-5
    )
