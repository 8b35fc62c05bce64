"""What one answer measures on validation rows."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.metric import Metric


@dataclass(frozen=True)
class ValidationScore:
    """A model on validation rows: loss in nats, accuracy, and the value of the metric.

    The loss is that after a temperature, where the model gets one. `value` is None where the metric is
    accuracy, or not defined on the rows.
    """

    loss: float
    accuracy: float
    value: float | None = None

    def cost(self, metric: Metric) -> float:
        """What the best epoch has least of: the metric turned round, or the loss where it has no value.

        Accuracy is chosen by the loss too: it follows the same order, and does not move in steps of a row.
        """
        return self.loss if self.value is None else -metric.merit(self.value)

    def merit(self, metric: Metric) -> float:
        """What prefixes are compared by, more is better: the metric, or accuracy where it has no value."""
        return self.accuracy if self.value is None else metric.merit(self.value)
