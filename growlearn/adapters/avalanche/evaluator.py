"""The `Evaluator` port on Avalanche's benchmarks and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import Cell
from growlearn.domain.lineage import Manifest
from growlearn.evaluation.answers import cell_of
from growlearn.evaluation.asking import LoadModel, answer
from growlearn.ports import Artifacts, Question


class AvalancheEvaluator:
    """Counts right answers with Avalanche: each question is one test experience of its own task.

    Avalanche is imported at the first evaluation, which takes a few seconds.
    """

    def __init__(self, artifacts: Artifacts, load_model: LoadModel) -> None:
        self._artifacts = artifacts
        self._load_model = load_model

    def evaluate(self, manifest: Manifest, questions: Sequence[Question]) -> Sequence[Cell]:
        """One cell a question, in order; rows without a label are not counted.

        Avalanche tells the share of right answers of each experience, from which the count is got
        back exactly: for fewer than 2^50 rows the rounding of a float is far below half a row.
        """
        from growlearn.adapters.avalanche.benchmark import accuracies  # noqa: PLC0415 - takes seconds

        model = self._load_model(manifest)
        answers = [answer(model, manifest, question, self._artifacts) for question in questions]
        shares = iter(accuracies([each for each in answers if len(each.truth)]))
        return [
            cell_of(
                each,
                question,
                round(next(shares) * len(each.truth)) if len(each.truth) else 0,
                self._artifacts.put,
            )
            for question, each in zip(questions, answers, strict=True)
        ]
