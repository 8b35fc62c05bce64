"""Writes a commented job file for profiled data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from growlearn.app.data_profile import DataProfile
from growlearn.domain.drift_config import DriftConfig, RefineConfig, RetrainingPolicyConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth_config import ConsolidationConfig, GrowthConfig
from growlearn.domain.job import (
    BaselineComparisonConfig,
    GateConfig,
    HoldoutFraction,
    Job,
    RegistryConfig,
    validate_stream_name,
)
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType

_TEMPLATE = """\
# Job file of the stream {name}, written by growlearn init. Every key but name, source and schema may be left
# out. Values are the defaults, except where a comment says "chosen for this data".
name: {name}
schedule: {{every: 5m}}                      # or {{cron: "0 3 * * *"}}, in UTC
source: {{type: {source_type}, url: {url}, pattern: {pattern}}}
schema:
  inputs:
{inputs}
  label: {label}
{task}
  # id_column: COLUMN                     # where labels arrive later than their rows
windowing: {{by: file}}                      # or {{rows: 2000}}
duplicates: {duplicates}                           # or drop: rows with the inputs, label and task of an earlier one
holdout: {{fraction: {holdout.fraction}}}                 # of the labelled rows, for evaluation only
metric: {metric}                          # or balanced_accuracy, macro_f1, log_loss, roc_auc, average_precision
# class_weight: balanced                  # where classes are rare; or {{CLASS: weight}}
{model_note}model: {{size: {model.size}, {patch_size}max_branches: {model.max_branches}, \
max_lineage_length: {model.max_lineage_length}}}
{encoder}# alpha is the chance of a false alarm in each window; with action alert, drift is reported and nothing is grown:
drift: {{detectors: {detectors}, decision_rule: {drift.decision_rule}, action: {drift.action}, alpha: {drift.alpha}}}
# Windows in a row that must drift before a branch is grown, and windows to wait after a training:
retraining_policy: {{confirm_windows: {policy.confirm_windows}, cooldown_windows: {policy.cooldown_windows}}}
# New labelled rows of a known task: learned from when that can pay, in every_window, or never:
refine: {{when: {refine.when}, min_rows: {refine.min_rows}}}
growth: {growth}
# Trained on the fastest device that the worker has; growth.device, such as cpu or cuda:1, names another.
# A new branch is kept only if it beats these cheaper candidates; with [] it is not compared:
baseline_comparison: {{baselines: {baselines}, alpha: {comparison.alpha}, \
min_accuracy_gain: {comparison.min_accuracy_gain}}}
# What a candidate must meet to become champion; all but replace_task_after are fractions of hold-out rows:
gates: {{min_gain: {gates.min_gain}, max_forgetting: {gates.max_forgetting}, \
max_negative_flip_rate: {gates.max_negative_flip_rate}, \
max_routed_accuracy_drop: {gates.max_routed_accuracy_drop}, replace_task_after: {gates.replace_task_after}}}
registry: {{model: {name}, promote: {registry.promote}}}   # or manual: a person promotes
retain: {retain}                              # stored training rows of each task: none, all or {{per_class: 100}}
# consolidation: {{target_branches: {consolidation.target_branches}}}     # distils a model of max_branches; needs retain
# serving: {{request_log: {{}}}}              # rows that the HTTP API answers are learned from; needs id_column
# keep_versions: 20                         # growlearn retention then removes files of older versions,
# keep: 30d                                 # or of windows and versions older than that; without both, nothing
# silent_after: 2d                          # without a new file for so long, the webhook is told
"""  # noqa: E501
_LARGE_WINDOW_ROWS = 5000  # below: smaller batches, and a larger validation fraction
_LARGE_WINDOW_STEPS = 1000  # training steps on the first window, whatever its size
_SMALL_WINDOW_STEPS = 2000
_MAX_EPOCHS = 60
_EPOCHS_PER_PATIENCE = 4
_TOKENS_PER_SIDE = 8
_TOKENS_PER_SERIES = 16


def render_job_file(name: str, profile: DataProfile) -> str:
    """The YAML of a job for this data; raises GrowLearnError for an invalid name.

    It shows every key that decides something a user notices, with the default of its dataclass.
    """
    try:
        validate_stream_name(name)
    except ValueError as error:
        raise GrowLearnError(str(error), hint="choose another with --name") from error
    inputs = [f"    {_quote(column)}: {_format_input(spec)}" for column, spec in profile.inputs.items()]
    inputs += [f"    # {_quote(column)}: {reason}" for column, reason in profile.excluded.items()]
    task = "  # task: COLUMN                          # where a column names the task"
    patch_size = _format_patch_size(profile.inputs)
    drift, comparison = DriftConfig(), BaselineComparisonConfig()
    return _TEMPLATE.format(
        name=name,
        source_type=profile.source_type,
        url=_quote(profile.url),
        pattern=_quote(profile.pattern),
        inputs="\n".join(inputs),
        label=_format_label(profile),
        patch_size=patch_size,
        model_note="# patch_size is chosen for this data:\n" if patch_size else "",
        encoder=_format_encoder(profile.inputs),
        growth=_format_growth(profile),
        task=f"  task: {_quote(profile.task)}" if profile.task else task,
        duplicates=Job.duplicates,
        holdout=HoldoutFraction(),
        metric=Job.metric,
        model=ModelConfig(),
        drift=drift,
        detectors=_format_list(drift.detectors),
        policy=RetrainingPolicyConfig(),
        refine=RefineConfig(),
        comparison=comparison,
        baselines=_format_list(comparison.baselines),
        gates=GateConfig(),
        registry=RegistryConfig(),
        retain=Job.retain,
        consolidation=ConsolidationConfig(),
    )


def _format_list(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _format_label(profile: DataProfile) -> str:
    """The label column, with what to consider where classes are rare."""
    if not profile.rare_classes:
        return _quote(profile.label)
    label, fraction = profile.rare_classes[0]
    others = f" ({len(profile.rare_classes)} such classes)" if len(profile.rare_classes) > 1 else ""
    return (
        f"{_quote(profile.label)}  # {_quote(label)} is rare, {fraction:.1%} of the rows read{others}: "
        "consider metric: average_precision, or class_weight: balanced"
    )


def _format_input(column_input: InputColumn) -> str:
    if column_input.type is InputType.TEXT:
        return "{type: text}  # guessed: its words and their parts are read"
    if column_input.vocabulary is not None:
        keys = f"vocabulary: {column_input.vocabulary}, length: {column_input.length}"
        note = "guessed: ids are below vocabulary; only the first length of a row are used"
        return f"{{type: {column_input.type}, {keys}}}  # {note}"
    shape = f", shape: {list(column_input.shape)}" if column_input.shape else ""
    if column_input.pixel_max is not None:
        pixel_max = f", pixel_max: {column_input.pixel_max}"
        return f"{{type: {column_input.type}{shape}{pixel_max}}}  # guessed: 1 is white"
    return f"{{type: {column_input.type}{shape}}}"


def _format_encoder(inputs: Mapping[str, InputColumn]) -> str:
    """What to write for a pretrained encoder, where a column is one that it could read."""
    for input_type, given in (
        (InputType.IMAGE, "from: timm, name: MODEL"),
        (InputType.TEXT, "from: transformers, name: MODEL"),
    ):
        if _inputs_of_type(inputs, input_type):
            return f"# model: {{encoder: {{{given}}}}} reads each {input_type} with a pretrained network\n"
    return ""


def _format_patch_size(inputs: dict[str, InputColumn]) -> str:
    patch_size = choose_patch_size(inputs)
    return "" if patch_size is None else f"patch_size: {patch_size}, "


def choose_patch_size(inputs: Mapping[str, InputColumn]) -> int | None:
    """A patch size that cuts the largest image into about 8 x 8 tokens, or the longest series into 16.

    None where there is neither.
    """
    sides = [
        max(column_input.shape[1:])
        for column_input in _inputs_of_type(inputs, InputType.IMAGE)
        if column_input.shape
    ]
    if sides:
        return max(2, _nearest_power_of_two(max(sides) / _TOKENS_PER_SIDE))
    steps = [
        column_input.shape[0]
        for column_input in _inputs_of_type(inputs, InputType.SERIES)
        if column_input.shape
    ]
    return max(1, _nearest_power_of_two(max(steps) / _TOKENS_PER_SERIES)) if steps else None


def _nearest_power_of_two(value: float) -> int:
    return round(2.0 ** round(math.log2(value)))  # below 1 it is 0


def _inputs_of_type(inputs: Mapping[str, InputColumn], input_type: InputType) -> list[InputColumn]:
    return [column_input for column_input in inputs.values() if column_input.type is input_type]


def _format_growth(profile: DataProfile) -> str:
    """Settings for a window of this many rows; with images the defaults go by their number themselves."""
    if _inputs_of_type(profile.inputs, InputType.IMAGE):
        return (
            "{epochs: auto, batch_size: auto, patience: auto, augmentation: auto}  # by the number of images"
        )
    growth = choose_growth(profile.rows)
    keys = (
        f"epochs: {growth.epochs}, batch_size: {growth.batch_size}, "
        f"validation_fraction: {growth.validation_fraction}, patience: {growth.patience}"
    )
    return f"{{{keys}}}  # chosen for this data: windows of about {profile.rows:,} rows"


def choose_growth(rows: int) -> GrowthConfig:
    """Settings that train for enough steps on a window of this many rows without images."""
    is_small = rows < _LARGE_WINDOW_ROWS
    growth = GrowthConfig(batch_size=32, validation_fraction=0.2) if is_small else GrowthConfig()
    steps = _SMALL_WINDOW_STEPS if is_small else _LARGE_WINDOW_STEPS
    rows_a_step, _ = growth.batching(rows)
    epochs = min(max(steps * rows_a_step // max(rows, 1), growth.max_epochs), _MAX_EPOCHS)
    return replace(growth, epochs=epochs, patience=max(epochs // _EPOCHS_PER_PATIENCE, growth.max_patience))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string
