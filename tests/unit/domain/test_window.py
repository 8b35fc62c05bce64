from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from growlearn.domain.errors import IllegalTransition
from growlearn.domain.window import PENDING, TRANSITIONS, Verdict, Window, WindowState, check_transition

FINAL = [state for state in WindowState if not TRANSITIONS[state]]


class WindowMachine(RuleBasedStateMachine):
    """Any order of legal and illegal transitions; only legal ones are applied."""

    def __init__(self) -> None:
        super().__init__()
        self.path = [WindowState.OPEN]

    @rule(target_state=st.sampled_from(WindowState))
    def move(self, target_state: WindowState) -> None:
        """Try a transition from the current state."""
        state = self.path[-1]
        if target_state in TRANSITIONS[state]:
            check_transition(state, target_state)
            self.path.append(target_state)
        else:
            with pytest.raises(IllegalTransition, match=f"from {state} to {target_state}"):
                check_transition(state, target_state)

    @invariant()
    def no_state_is_entered_twice(self) -> None:
        """A window is processed once, and once more after each wait for labels."""
        states = self.since_last_wait()
        assert len(set(states)) == len(states)

    def since_last_wait(self) -> list[WindowState]:
        """The states after the last completed wait."""
        waits = [index for index, state in enumerate(self.path[:-1]) if state is WindowState.AWAITING_LABELS]
        return self.path[waits[-1] + 1 :] if waits else self.path

    @invariant()
    def what_was_grown_was_judged_first(self) -> None:
        """No stage is skipped."""
        if WindowState.PROMOTED in self.path:
            pending = [state for state in self.since_last_wait()[:-1] if state is not WindowState.OPEN]
            assert pending == list(PENDING)

    @invariant()
    def a_window_waits_only_once_it_was_judged(self) -> None:
        """And is judged again afterwards."""
        for before, state, after in zip(self.path, self.path[1:], [*self.path[2:], None], strict=False):
            if state is WindowState.AWAITING_LABELS:
                assert before is WindowState.JUDGED
                assert after in (None, WindowState.ACCEPTED)

    @invariant()
    def a_window_is_final_or_pending_or_open_or_waits(self) -> None:
        """Nothing gets lost between the stages."""
        state = self.path[-1]
        is_waiting = state in (WindowState.OPEN, WindowState.AWAITING_LABELS)
        assert (state in FINAL) + (state in PENDING) + is_waiting == 1


WindowMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
test_a_window_follows_the_table = WindowMachine.TestCase


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached = {WindowState.OPEN} | {target for targets in TRANSITIONS.values() for target in targets}
    assert set(TRANSITIONS) == reached == set(WindowState)


def test_an_illegal_transition_names_the_legal_ones() -> None:
    message = "cannot go from judged to promoted; it goes to skipped, growing, awaiting_labels"
    with pytest.raises(IllegalTransition, match=message):
        check_transition(WindowState.JUDGED, WindowState.PROMOTED)


@pytest.mark.parametrize("state", FINAL)
def test_a_final_state_leads_nowhere(state: WindowState) -> None:
    with pytest.raises(IllegalTransition, match="nowhere: it is final"):
        check_transition(state, WindowState.ACCEPTED)


def test_three_verdicts_need_growth() -> None:
    assert [verdict for verdict in Verdict if verdict.needs_growth] == ["first", "drift", "new task"]


def test_a_window_is_named_by_its_number() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(
        stream="s", number=3, state=WindowState.ACCEPTED, source="f", discovered_at=now, updated_at=now
    )
    assert window.id == "w3"
    assert window.labels_missing is None


def test_a_waiting_window_says_how_many_labels_are_missing() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(
        stream="s", number=3, state=WindowState.AWAITING_LABELS, source="f", discovered_at=now,
        updated_at=now, rows=100, labelled=20, labels_required=59,
    )  # fmt: skip
    assert window.labels_missing == 39
