"""A commented job file for data that was looked at."""

from __future__ import annotations

import json

from growlearn.app.inspection import Findings
from growlearn.domain.schema import Input

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
model: {{width: 64, depth: 1, max_branches: 32}}
drift: {{detectors: [output-ks], alpha: 0.05}}
growth: {{epochs: 6, batch_size: 128}}
gates: {{min_gain: 0.0, max_forgetting: 0.0}}
registry: {{model: {name}, promote: auto}}   # or manual: a person promotes
retain: none
"""


def draft_job(name: str, findings: Findings) -> str:
    """The YAML of a job that reads these findings."""
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
        task=f"  task: {_quoted(findings.task)}" if findings.task else task,
    )


def _input(spec: Input) -> str:
    shape = f", shape: {list(spec.shape)}" if spec.shape else ""
    return f"{{type: {spec.type}{shape}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string
