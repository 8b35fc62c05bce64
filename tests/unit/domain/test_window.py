from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from growlearn.domain.errors import IllegalTransition
from growlearn.domain.window import (
    PENDING,
    TRANSITIONS,
    Verdict,
    Window,
    WindowState,
    check_transition,
)

FINAL = [state for state in WindowState if not TRANSITIONS[state]]


class WindowLife(RuleBasedStateMachine):
    """Any order of legal and illegal moves: only legal ones count; between two waits every life is short."""

    def __init__(self) -> None:
        super().__init__()
        self.path = [WindowState.DISCOVERED]

    @rule(target_state=st.sampled_from(WindowState))
    def move(self, target_state: WindowState) -> None:
        """Try a move from where the window stands."""
        here = self.path[-1]
        if target_state in TRANSITIONS[here]:
            check_transition(here, target_state)
            self.path.append(target_state)
        else:
            with pytest.raises(IllegalTransition, match=f"from {here} to {target_state}"):
                check_transition(here, target_state)

    @invariant()
    def no_state_is_met_twice(self) -> None:
        """A window is handled once, or once more each time it has waited."""
        lately = self.since_it_waited()
        assert len(set(lately)) == len(lately)

    def since_it_waited(self) -> list[WindowState]:
        """The states after the last wait that has ended."""
        waits = [place for place, state in enumerate(self.path[:-1]) if state is WindowState.WAITING]
        return self.path[waits[-1] + 1 :] if waits else self.path

    @invariant()
    def what_was_grown_was_judged_first(self) -> None:
        """No stage is left out."""
        if WindowState.PROMOTED in self.path:
            pending = [state for state in self.since_it_waited()[:-1] if state is not WindowState.DISCOVERED]
            assert pending == list(PENDING)

    @invariant()
    def a_window_waits_only_once_it_was_judged(self) -> None:
        """And is judged anew afterwards."""
        for before, state, after in zip(self.path, self.path[1:], [*self.path[2:], None], strict=False):
            if state is WindowState.WAITING:
                assert before is WindowState.JUDGED
                assert after in (None, WindowState.ACCEPTED)

    @invariant()
    def a_window_is_final_or_pending_or_open_or_waits(self) -> None:
        """Nothing gets lost between the stages."""
        where = self.path[-1]
        elsewhere = where in (WindowState.DISCOVERED, WindowState.WAITING)
        assert (where in FINAL) + (where in PENDING) + elsewhere == 1


WindowLife.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
test_a_window_lives_by_the_table = WindowLife.TestCase


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached = {WindowState.DISCOVERED} | {target for targets in TRANSITIONS.values() for target in targets}
    assert set(TRANSITIONS) == reached == set(WindowState)


def test_an_illegal_move_names_the_legal_ones() -> None:
    with pytest.raises(
        IllegalTransition, match="cannot go from judged to promoted; it goes to settled, growing, waiting"
    ):
        check_transition(WindowState.JUDGED, WindowState.PROMOTED)


@pytest.mark.parametrize("state", FINAL)
def test_a_final_state_leads_nowhere(state: WindowState) -> None:
    with pytest.raises(IllegalTransition, match="nowhere: it is final"):
        check_transition(state, WindowState.ACCEPTED)


def test_three_verdicts_call_for_growth() -> None:
    assert [verdict for verdict in Verdict if verdict.calls_for_growth] == ["first", "drift", "new task"]


def test_a_window_is_named_by_its_number() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(
        stream="s", number=3, state=WindowState.ACCEPTED, source="f", discovered_at=now, updated_at=now
    )
    assert window.id == "w3"
    assert window.lacking is None


def test_a_waiting_window_tells_how_many_labels_it_lacks() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(
        stream="s", number=3, state=WindowState.WAITING, source="f", discovered_at=now, updated_at=now,
        rows=100, labelled=20, wanted=59,
    )  # fmt: skip
    assert window.lacking == 39
