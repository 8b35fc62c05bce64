"""Was growing worth it? The branch against what is cheaper, on the same hold-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.evaluation import Cell


class Means(StrEnum):
    """Ways to answer a new task, the cheapest first."""

    NOTHING = "nothing"  # an earlier task that has all of its classes answers it as it is
    HEAD = "head"  # a head of its own on frozen branches
    FINE_TUNE = "fine-tune"  # a copy of the newest branch, trained on
    BRANCH = "branch"  # what was planned


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way, trained at the plan's budget, and what it costs.

    `parameters` are those it would add, `branches` how many are run for an answer, `latency_s` the median
    time of an answer to one row, `seconds` its training took. `validation_loss` chooses among ways of one
    cost; None where nothing was trained.
    """

    means: Means
    cell: Cell
    parameters: int
    branches: int
    latency_s: float
    seconds: float
    validation_loss: float | None = None

    @property
    def cost(self) -> tuple[int, int]:
        """Parameters, then branches run: by this contenders are dearer or cheaper."""
        return self.parameters, self.branches


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A cheaper way against a dearer one, row by row.

    `gained` are rows that only the dearer has right, `lost` those that only the cheaper has (negative flips).
    `difference` is the dearer's accuracy minus the cheaper's, within `low` and `high` at 1 - alpha; `p_value`
    is of the one-sided test that the dearer is no better. `beaten` takes a difference worth its price, too.
    """

    cheaper: Means
    dearer: Means
    gained: int
    lost: int
    rows: int
    difference: float
    low: float
    high: float
    p_value: float
    beaten: bool


@dataclass(frozen=True, kw_only=True)
class Worth:
    """All contenders, cheapest first, how they compare, and the cheapest that no dearer one beats: `winner`.

    Of contenders that cost the same only the one with the lowest validation loss is compared.
    """

    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    alpha: float
    winner: Means
    min_effect: float = 0.0

    def contender(self, means: Means) -> Contender:
        """The contender of that name; KeyError where it did not compete."""
        return {each.means: each for each in self.contenders}[means]
