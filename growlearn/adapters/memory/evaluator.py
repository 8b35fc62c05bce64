"""Right answers counted with numpy alone: the twin of Avalanche's evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import Cell
from growlearn.domain.lineage import Manifest
from growlearn.evaluation.answers import Answers, cell_of
from growlearn.evaluation.asking import LoadModel, answer
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

    def _cell(self, answers: Answers, question: Question) -> Cell:
        return cell_of(answers, question, int(answers.right.sum()), self._artifacts.put)
