"""Malformed job files: each one sentence on what, where and how, and exit code 2, within a moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import typer

from growlearn.app.jobfile import read_job
from growlearn.app.main import CommandGroup
from growlearn.domain.errors import JobError
from growlearn.domain.printable import printable

JOB = "name: a\nsource: {url: in}\nschema: {inputs: {x: {type: number}}}\n"
IMAGE = "name: a\nsource: {url: in}\nschema: {inputs: {x: {type: image, shape: [3, %s, %s]}}}\n"

MALFORMED: Mapping[str, tuple[str, str]] = {
    "aliases": (JOB + "a: &a [x]\nb: [" + ",".join(["*a"] * 100_000) + "]\n", r"line 5: .*aliases \(\*a\)"),
    "one alias": ("name: &n a\nsource: {url: *n}\n", r"line 2: not YAML: aliases \(\*n\) are not read"),
    "aliases that multiply": (
        "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}]\n" for i in range(9)),
        "aliases",
    ),
    "many nodes": (JOB + "a: [" + "1," * 60_000 + "1]\n", "line 4: .*more than 50,000 keys and values"),
    "nested lists": ("name: " + "[" * 3_000 + "]" * 3_000, "line 1: .*nested too deep"),
    "nested mappings": ("name: " + "{a: " * 3_000 + "1" + "}" * 3_000, "line 1: .*nested too deep"),
    "a long integer": (
        JOB + "gates: {max_parameters: " + "9" * 4_000 + "}\n",
        "max_parameters: a number of 4,000",
    ),
    "an integer of 5,000 digits": (
        JOB + "a: " + "9" * 5_000 + "\n",
        "a: 5,000 characters; at most 4,096",
    ),
    "a large integer": (JOB + "gates: {max_parameters: 1" + "0" * 30 + "}\n", "too large a number"),
    "a long sexagesimal": (
        JOB + "windowing: {rows: " + "59:" * 50 + "1}\n",
        "windowing.rows: a number of 151",
    ),
    "a lone surrogate": ('name: "\\ud800"\n', r"line 1: name: holds '\\ud800', which is no character"),
    "a surrogate in a column": (JOB.replace("x:", '"x\\udfff":'), r"holds '\\udfff'"),
    "NUL": (JOB + 'registry: {model: "a\\0b"}\n', r"registry.model: holds '\\x00'"),
    "NUL in a url": (JOB.replace("in}", '"in\\0"}'), r"source.url: holds '\\x00'"),
    "a day that is none": (
        JOB.replace("name: a", "name: 2026-99-99"),
        "2026-99-99 cannot be read: month must be",
    ),
    "a long cron line": (
        JOB + "schedule: {cron: '" + "1," * 200_000 + "1 * * * *'}\n",
        "schedule.cron: 400,009 char",
    ),
    "a cron line of 2 KB": (
        JOB + "schedule: {cron: '" + "1," * 1_000 + "1 * * * *'}\n",
        "cron: cron has 2,009",
    ),
    "a long interval": (
        JOB + "schedule: {every: '" + "9" * 3_000 + "m'}\n",
        "is not a duration of at most 10 years",
    ),
    "a wide model": (
        JOB + "model: {embed_dim: 1000000000}\n",
        "embed_dim: embed_dim 1000000000 and depth 1 make",
    ),
    "a deep model": (JOB + "model: {depth: 1000000000}\n", "and depth 1000000000 make a branch of"),
    "many branches": (JOB + "model: {num_initial_branches: 1000000000}\n", "num_initial_branches"),
    "a large vocabulary": (
        JOB.replace("number", "tokens, vocabulary: 10000000, length: 4") + "model: {embed_dim: 4096}\n",
        "make an embedding of 40,960,000,000 weights",
    ),
    "a python object": (
        JOB + "a: !!python/object/apply:os.system [id]\n",
        "line 4: not YAML: could not determine",
    ),
    "terminal escapes in a key": (
        JOB + '"\\e[2J\\r\\nfine": 1\n',
        r"line 4: \\x1b\[2J\\r\\nfine: no such key",
    ),
    "terminal escapes in a value": (JOB + 'metric: "\\e[2J"\n', r"metric: must be .*not '\\x1b\[2J'"),
    "a long key": (JOB + "k" * 1_000 + ": 1\n", r"line 4: k+ \.\.\. k+: no such key"),
    "many unknown keys": (JOB + "".join(f"k{i}: 1\n" for i in range(5_000)), "has 20 problems"),
    "many keys of a section with two forms": (
        JOB + "holdout: {" + ",".join(f"k{i}: 1" for i in range(5_000)) + "}\n",
        "has 20 problems",
    ),
    "bytes that are no text": ("name: \udcff\n", "is not text"),
    "a control character": ("name: \x1b[2J\n", "special characters are not allowed"),
    "no mapping": ("- a\n", "a job file is a mapping"),
    "two documents": (JOB + "---\n" + JOB, "line 4: not YAML"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_job_file_gets_one_short_reason(case: str, tmp_path: Path) -> None:
    content, reason = MALFORMED[case]
    job_file = tmp_path / "job.yaml"
    job_file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(JobError, match=reason) as caught:
        read_job(job_file, tmp_path)
    lines = str(caught.value).split("\n")
    assert all(line == printable(line) and len(line) < 2_500 for line in lines)
    assert len(lines) <= 22


def test_it_ends_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = typer.Typer(cls=CommandGroup)
    job_file = tmp_path / "bad\x1b[2J.yaml"
    job_file.write_text("name: &a b\nsource: {url: *a}\n")

    @program.command()
    def apply() -> None:
        read_job(job_file, tmp_path)

    @program.command()
    def other() -> None: ...

    with pytest.raises(SystemExit) as ended:
        program(["apply"])
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert shown.count("\n") == 1
    assert r"bad\x1b[2J.yaml, line 2: not YAML: aliases" in shown
