"""A commented job file for data that was looked at."""

from __future__ import annotations

import json
import math

from growlearn.app.inspection import Findings
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import GrowthSpec, require_name
from growlearn.domain.schema import Input, InputType

_TEMPLATE = """\
# Job file of the stream {name}: what to watch, when, how to judge drift, how to grow, what must hold.
# Written by growlearn init; every key but name, source and schema may be left out.
name: {name}
schedule: {{every: 5m}}                      # or {{cron: "0 3 * * *"}}, in UTC
source: {{type: {source_type}, url: {url}, pattern: {pattern}}}
schema:
  inputs:
{inputs}
  label: {label}
{task}
window: {{by: file}}                         # or {{rows: 2000}}
holdout: 0.15                              # share of the rows that only measure; or {{url: FOLDER}}
model: {{width: 64, depth: 1, {patch}max_branches: 32}}
drift: {{detectors: [output-ks], alpha: 0.001}}  # share of stable windows that may raise a false alarm
growth: {growth}
gates: {{min_gain: 0.0, max_forgetting: 0.0}}
registry: {{model: {name}, promote: auto}}   # or manual: a person promotes
retain: none
"""
_MANY_ROWS = 5000  # fewer want smaller batches, and a larger share of them to choose the epoch by
_STEPS = 1000  # of training that the first window is given, however small it is
_SMALL_STEPS = 600
_MOST_EPOCHS = 60
_TOKENS_A_SIDE = 8
_TOKENS_A_SERIES = 16


def draft_job(name: str, findings: Findings) -> str:
    """The YAML of a job that reads these findings; raises GrowLearnError for an impossible name."""
    try:
        require_name(name)
    except ValueError as error:
        raise GrowLearnError(str(error), cure="choose another with --name") from error
    inputs = [f"    {_quoted(column)}: {_input(spec)}" for column, spec in findings.inputs.items()]
    inputs += [f"    # {_quoted(column)}: {why}" for column, why in findings.left_out.items()]
    task = "  # task: COLUMN                          # where a column names the task"
    return _TEMPLATE.format(
        name=name,
        source_type=findings.source_type,
        url=_quoted(findings.url),
        pattern=_quoted(findings.pattern),
        inputs="\n".join(inputs),
        label=_quoted(findings.label),
        patch=_patch(findings.inputs),
        growth=_growth(findings.rows),
        task=f"  task: {_quoted(findings.task)}" if findings.task else task,
    )


def _input(spec: Input) -> str:
    if spec.vocabulary is not None:
        keys = f"vocabulary: {spec.vocabulary}, length: {spec.length}"
        return f"{{type: {spec.type}, {keys}}}  # guessed: ids below vocabulary, the first length of a row"
    shape = f", shape: {list(spec.shape)}" if spec.shape else ""
    return f"{{type: {spec.type}{shape}}}"


def _patch(inputs: dict[str, Input]) -> str:
    """A patch that cuts the largest image into about 8 x 8 tokens, or else the longest series into 16."""
    sides = [max(spec.shape[1:]) for spec in _of(inputs, InputType.IMAGE) if spec.shape]
    if sides:
        return f"patch: {max(2, 2 ** round(math.log2(max(sides) / _TOKENS_A_SIDE)))}, "
    steps = [spec.shape[0] for spec in _of(inputs, InputType.SERIES) if spec.shape]
    if steps:
        return f"patch: {max(1, 2 ** round(math.log2(max(steps) / _TOKENS_A_SERIES)))}, "
    return ""


def _of(inputs: dict[str, Input], kind: InputType) -> list[Input]:
    return [spec for spec in inputs.values() if spec.type is kind]


def _growth(rows: int) -> str:
    """Enough steps for a window of so many rows."""
    few = rows < _MANY_ROWS
    batch, steps, validation = (32, _SMALL_STEPS, 0.2) if few else (128, _STEPS, 0.1)
    default = GrowthSpec()
    epochs = min(max(steps * batch // max(rows, 1), default.epochs), _MOST_EPOCHS)
    patience = max(epochs // 5, default.patience)
    keys = f"epochs: {epochs}, batch_size: {batch}, validation: {validation}, patience: {patience}"
    return f"{{{keys}}}  # for windows of about {rows:,} rows"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string
