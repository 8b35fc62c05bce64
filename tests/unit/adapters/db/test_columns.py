from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect

from growlearn.adapters.db.columns import (
    EnumText,
    Json,
    NullableFloat,
    SanitizedText,
    UtcDateTime,
    WindowId,
)
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.drift import DriftReport, DriftTestResult, EProcess, MonitorState
from growlearn.domain.environment import TrainingEnvironment
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation, GateResult, TaskScore
from growlearn.domain.growth import Epoch, GrowthPlan, GrowthResult, PrefixPoint, ProbeScore
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import WindowState, parse_window_number
from tests.unit.json_column import store_and_read

SQLITE = dialect()


INPUTS = st.one_of(
    st.builds(InputColumn, type=st.sampled_from([InputType.NUMBER, InputType.CATEGORY])),
    st.builds(
        InputColumn,
        type=st.just(InputType.IMAGE),
        shape=st.tuples(st.sampled_from([1, 3]), st.just(28), st.just(9)),
    ),
    st.builds(
        InputColumn,
        type=st.just(InputType.TOKENS),
        vocabulary=st.integers(2, 10**7),
        length=st.integers(1, 99),
    ),
    st.builds(
        InputColumn, type=st.just(InputType.SERIES), shape=st.tuples(st.integers(1, 999), st.integers(1, 9))
    ),
)
SCHEMAS = st.builds(
    Schema,
    inputs=st.dictionaries(st.text(min_size=1).filter(lambda name: name != "_row_hash"), INPUTS, min_size=1),
    label=st.just("the label, which no input is called"),
)
MANIFESTS = st.builds(Manifest, schema=SCHEMAS, model=st.builds(ModelConfig, embed_dim=st.just(32)))
PLANS = st.builds(GrowthPlan, parent_manifest=MANIFESTS, growth=st.just(GrowthConfig(epochs=2)))
PLAIN = [
    DriftTestResult,
    DriftReport,
    MonitorState,
    TaskScore,
    Evaluation,
    GateResult,
    Epoch,
    GrowthResult,
    ProbeScore,
    PrefixPoint,
    BranchWeights,
    TaskHead,
]


def test_a_value_of_another_version_of_the_program_says_what_it_is() -> None:
    with pytest.raises(GrowLearnError, match=r"cannot read: .*Field required \(run the version"):
        Json(TaskHead).process_result_value('{"name": "a"}', SQLITE)


@given(st.builds(GrowthResult))
def test_a_result_stored_without_a_prefix_curve_is_read(result: GrowthResult) -> None:
    stored = json.loads(Json(GrowthResult).process_bind_param(result, SQLITE) or "")
    del stored["prefix_curve"]
    read = Json(GrowthResult).process_result_value(json.dumps(stored), SQLITE)
    assert repr(read) == repr(replace(result, prefix_curve=()))


@given(st.one_of([st.tuples(st.just(kind), st.builds(kind)) for kind in PLAIN]))
def test_every_plain_dataclass_survives_as_json(typed_value: tuple[Any, Any]) -> None:
    kind, value = typed_value

    assert repr(store_and_read(kind, value)) == repr(value)  # as text, because nan is not nan


@given(st.lists(st.floats()), st.floats())
@example([math.inf, -math.inf, math.nan, -0.0, 5e-324, 0.1 + 0.2], -math.inf)
def test_a_monitor_state_keeps_every_bit(log_wealth: list[float], log_evidence: float) -> None:
    e_process = EProcess(fingerprint="r", log_wealth=tuple(log_wealth), max_log_evidence=log_evidence)
    state = MonitorState(risk=e_process, delayed_label_windows=(2, 3))

    kept = store_and_read(MonitorState, state)

    assert repr(kept) == repr(state)
    kept_numbers = [*kept.risk.log_wealth, kept.risk.max_log_evidence]
    assert list(map(_get_bits, kept_numbers)) == list(map(_get_bits, [*log_wealth, log_evidence]))


def _get_bits(number: float) -> bytes:
    return b"nan" if math.isnan(number) else struct.pack("d", number)


@given(MANIFESTS)
def test_a_manifest_survives_with_the_order_of_its_inputs(manifest: Manifest) -> None:
    kept = store_and_read(Manifest, manifest)

    assert repr(kept) == repr(manifest)  # as text, because nan is not nan
    assert list(kept.schema.inputs) == list(manifest.schema.inputs)


@given(PLANS)
def test_a_plan_survives(plan: GrowthPlan) -> None:
    assert repr(store_and_read(GrowthPlan, plan)) == repr(plan)


@pytest.mark.parametrize("kind", [Job, GrowthPlan, GrowthResult, Manifest])
def test_nothing_stays_nothing(kind: Any) -> None:
    assert Json(kind).process_bind_param(None, SQLITE) is None
    assert Json(kind).process_result_value(None, SQLITE) is None


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_times_survive_in_utc(time: datetime) -> None:
    column = UtcDateTime()

    bound = column.process_bind_param(time, SQLITE)

    assert bound == time
    assert bound.utcoffset() == timedelta(0)
    assert column.process_result_value(bound.replace(tzinfo=None), SQLITE) == time


def test_times_without_zone_are_refused() -> None:
    with pytest.raises(GrowLearnError, match="2026-01-01T00:00:00 has no zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), SQLITE)  # noqa: DTZ001 - the point


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_stored(text: str) -> None:
    stored = SanitizedText().process_bind_param(text, SQLITE)

    assert stored is not None
    stored.encode()
    assert "\x00" not in stored
    assert len(stored) == len(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_text_that_can_be_stored_is_left_alone(text: str) -> None:
    assert SanitizedText().process_bind_param(text, SQLITE) == text


@given(st.integers(1, 10**9 - 1))
def test_window_ids_are_their_numbers(number: int) -> None:
    column = WindowId()

    assert column.process_bind_param(f"w{number}", SQLITE) == number
    assert column.process_result_value(number, SQLITE) == f"w{number}"


@given(st.text().filter(lambda text: not text.startswith("w")))
def test_other_text_is_no_window(text: str) -> None:
    assert parse_window_number(text) == -1


@pytest.mark.parametrize("kind", [GrowthResult, ConsolidationResult])
@given(st.data())
def test_results_stored_without_environment_and_check_logits_are_read(kind: Any, data: Any) -> None:
    column = Json(GrowthResult | ConsolidationResult)
    result = data.draw(st.builds(kind, environment=st.builds(TrainingEnvironment), check_logits=st.text()))
    stored = json.loads(str(column.process_bind_param(result, SQLITE)))
    del stored["environment"], stored["check_logits"]

    read = column.process_result_value(json.dumps(stored), SQLITE)

    assert repr(read) == repr(
        replace(result, environment=None, check_logits=None)
    )  # losses may be no numbers


@given(st.floats() | st.none())
def test_floats_survive_and_nan_is_null(figure: float | None) -> None:
    column = NullableFloat()
    bound = column.process_bind_param(figure, SQLITE)

    assert bound == bound  # noqa: PLR0124 - nan alone differs from itself
    assert repr(column.process_result_value(bound, SQLITE)) == repr(
        float("nan") if figure is None else figure
    )


def test_an_enum_member_is_stored_as_its_value_and_other_text_is_an_error() -> None:
    column = EnumText(WindowState)

    assert column.process_bind_param(WindowState.JUDGED, SQLITE) == "judged"
    assert column.process_result_value("judged", SQLITE) is WindowState.JUDGED
    with pytest.raises(ValueError, match="judgd"):
        column.process_bind_param("judgd", SQLITE)  # type: ignore[arg-type]
