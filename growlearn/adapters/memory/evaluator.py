"""Right answers counted with numpy alone: the twin of Avalanche's evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import Cell
from growlearn.domain.lineage import Manifest
from growlearn.evaluation.answers import Answers, LoadModel, answer
from growlearn.ports import Artifacts, Question


class PlainEvaluator:
    """Implements `Evaluator`; an answer is the class of the largest logit, the first of equals."""

    def __init__(self, artifacts: Artifacts, load_model: LoadModel) -> None:
        self._artifacts = artifacts
        self._load_model = load_model

    def evaluate(self, manifest: Manifest, questions: Sequence[Question]) -> Sequence[Cell]:
        """One cell a question, in order; rows without a label are not counted."""
        model = self._load_model(manifest)
        return [self._cell(answer(model, manifest, each, self._artifacts), each) for each in questions]

    @staticmethod
    def _cell(answers: Answers, question: Question) -> Cell:
        correct = int((answers.logits.argmax(axis=1) == answers.truth).sum())
        return Cell(task=question.task, correct=correct, rows=len(answers.truth))
