"""What a person can type, set or read has its place in the documentation, and every link leads somewhere."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from growlearn.adapters.db.tables import Base
from growlearn.adapters.sources import SOURCES
from growlearn.app.doctor.checks import INSTALLATION_CHECKS, SETTINGS_CHECKS, STORE_CHECKS
from growlearn.app.job_schema import job_keys, walk_fields
from growlearn.app.jobfile import read_job
from growlearn.app.main import app
from growlearn.app.yaml_positions import format_key_path
from growlearn.domain.execution import Execution
from growlearn.domain.job import Job
from growlearn.domain.schema import InputType
from growlearn.domain.window import Verdict, WindowState
from growlearn.drift.detectors import DETECTORS
from growlearn.evaluation.gates import GATES
from growlearn.growth.combination import COMBINATIONS
from growlearn.network.model.execution import EXECUTORS
from growlearn.network.stems.images import IMAGE_STEMS
from growlearn.settings import ENV_PREFIX, Settings, read_settings

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NO_DEFAULT: list[Any] = [dataclasses.MISSING, None]


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for sub, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {sub}")
        else:
            yield f"{name} {sub}", command


COMMANDS = dict(commands(typer.main.get_command(app), "growlearn"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_command_line_page(name: str) -> None:
    section = re.search(rf"^### `{name}\b.*?(?=^##|\Z)", page("command-line.md"), re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/command-line.md has no section ### `{name} ...`"
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in section[0], f"{name} {option}"


def rows_of(text: str) -> dict[str, str]:
    """Second cell of each table row by its first one, code marks taken off."""
    rows = re.findall(r"^\| `([^`]+)` \|\s*([^|]*?)\s*\|", text, re.MULTILINE)
    return {key: cell.strip("`") for key, cell in rows}


def test_every_job_key_is_on_the_job_file_page_with_its_default() -> None:
    told = rows_of(page("job-file.md"))
    assert sorted(told) == sorted(job_keys())
    for path, field in walk_fields(Job, ()):
        if field.default not in _NO_DEFAULT:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert yaml.safe_load(told[format_key_path(path)]) == default, format_key_path(path)


def test_every_setting_is_on_the_settings_page() -> None:
    assert sorted(rows_of(page("settings.md"))) == sorted(
        ENV_PREFIX + field.name.upper() for field in dataclasses.fields(Settings)
    )


def test_every_default_of_a_setting_is_on_the_settings_page(tmp_path: Path) -> None:
    told = rows_of(page("settings.md"))
    settings = read_settings({}, tmp_path)
    for field in dataclasses.fields(Settings):
        if field.name not in ("threads", "worker"):  # the machine's
            value = getattr(settings, field.name)
            value = " ".join(value) if isinstance(value, tuple) else str(value).removesuffix(".0")
            value = value.replace(str(settings.home), "HOME")
            default = {"HOME": ".growlearn"}.get(value, value)
            written = told.get(ENV_PREFIX + field.name.upper(), "no line of the table")
            assert written.replace(",", "") == default, field.name


def test_every_command_with_json_is_on_the_json_page() -> None:
    named = [name for name, command in COMMANDS.items() if "--json" in str([p.opts for p in command.params])]
    assert len(named) > 5
    assert [name for name in named if not re.search(rf"`{name}\b[^`]* --json`", page("json.md"))] == []


def test_every_json_key_is_on_the_json_page() -> None:
    files = sorted((ROOT / "growlearn" / "app").rglob("*view*.py"))
    assert len(files) >= 4, "a command's JSON is made in a file whose name holds view"
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    dicts = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = {key.value for node in dicts for key in node.keys if isinstance(key, ast.Constant)}
    assert len(keys) > 30
    assert [key for key in sorted(map(str, keys)) if f"`{key}`" not in page("json.md")] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("job-file.md", [*SOURCES, *InputType, *IMAGE_STEMS]),
        ("drift.md", [*DETECTORS, *Verdict]),
        ("evaluation.md", list(GATES)),
        ("network.md", [*EXECUTORS, *Execution]),
        ("record.md", [*Base.metadata.tables, *WindowState]),
        (
            "../how-to/doctor.md",
            [each.__name__ for each in (*INSTALLATION_CHECKS, *SETTINGS_CHECKS, *STORE_CHECKS)],
        ),
    ],
)
def test_every_entry_of_a_table_is_on_its_page(name: str, words: list[str]) -> None:
    assert [word for word in words if f"`{word}`" not in page(name)] == []


def test_every_weight_that_a_branch_may_join_with_is_on_the_network_page() -> None:
    pairs = [f"({pair.frozen_weight:g}, {pair.step_size:g})" for pair in COMBINATIONS]
    assert [pair for pair in pairs if pair not in page("network.md")] == []


def test_every_table_of_a_benchmark_is_told_with_its_age() -> None:
    told = (ROOT / "docs" / "explanation" / "measurements.md").read_text(encoding="utf-8")
    tables = sorted(file.name for file in (ROOT / "benchmarks" / "results").glob("*.md"))
    assert [name for name in tables if f"benchmarks/results/{name})" not in told] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), f"{path.relative_to(ROOT)} links to {target}"
            if anchor:
                assert anchor in anchors(there), f"{path.relative_to(ROOT)} links to {target}"


def anchors(path: Path) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}-{number}", text)
        for path in PAGES
        for number, (kind, text) in enumerate(_BLOCK.findall(path.read_text(encoding="utf-8")), 1)
        if kind == language
    ]


def test_every_whole_job_file_on_a_page_is_one_that_growlearn_takes(tmp_path: Path) -> None:
    whole = [(where, text) for where, text in blocks("yaml") if re.search("^name: ", text, re.MULTILINE)]
    assert whole
    for where, text in whole:
        (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
        assert read_job(tmp_path / "job.yaml", tmp_path).name, where


def test_every_json_example_is_json() -> None:
    assert blocks("json")
    for _where, text in blocks("json"):
        json.loads(text)


def test_every_page_can_be_reached_from_the_front_page() -> None:
    reached, waiting = {ROOT / "README.md"}, [ROOT / "README.md"]
    while waiting:
        at = waiting.pop()
        for target in _LINK.findall(at.read_text(encoding="utf-8")):
            there = (at.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.exists() and there not in reached:
                reached.add(there)
                waiting.append(there)
    assert [str(p.relative_to(ROOT)) for p in PAGES if p not in reached] == []
