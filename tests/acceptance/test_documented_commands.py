"""The blocks of the pages, run as a reader would: the tutorial in an empty folder, the others on its stream.

All share the tutorial's trainings. Each page starts from a copy of the same folder, so pages may be run in
any order.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from tests.command_line import call
from tests.docs.blocks import PAGES_RUN, ROOT, find_runnable_blocks, split_commands
from tests.unit.tiny_encoders import TinyConv
from tests.warm_processes import make_path

TUTORIAL = ROOT / "docs" / "tutorial.md"
# What a page's placeholders, versions and windows stand for here; README's folder is there as it is.
PLACEHOLDERS = {
    "rollback STREAM 2": "rollback STREAM 1",
    "STREAM 3": "STREAM 2",
    "STREAM w5": "STREAM w3",
    "STREAM w7": "STREAM w3",
    "STREAM": "biopsies",
    "JOB.yaml": "biopsies.yaml",
    "job.yaml": "biopsies.yaml",
    "history/": "biopsies/",
    "digits@": "biopsies@",
    "digits/{": "biopsies/{",
    '"digits"': '"biopsies"',
}
SMALL = ("mean radius", "mean texture", "worst area", "worst concavity")

pytestmark = pytest.mark.timeout(600)  # the first test has the tutorial's trainings in its time


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder after the tutorial, and what its commands said."""
    folder = tmp_path_factory.mktemp("tutorial")
    output: list[str] = []
    for block in find_runnable_blocks(TUTORIAL):
        if block.language == "python":
            run_python(folder, block.text, {})
        else:
            output += run_shell(folder, block.text)
    return folder, output


def test_the_tutorial_runs_as_written_and_shows_what_it_says(tutorial: tuple[Path, list[str]]) -> None:
    lines = [line for line in tutorial[1] if line.startswith("biopsies")]
    assert "w1, 300 rows, first (task-1), promoted" in lines[0]
    assert "w2, 100 rows, stable (task-1), nothing grown" in lines[1]
    assert "w3, 169 rows, drift (task-2), promoted" in lines[2]
    assert lines[-2:] == [
        "biopsies: verified: 2 tasks give their stored logits to the last bit on cpu",
        "biopsies: champion version 1 -> version 2",
    ]


@pytest.mark.parametrize("page", PAGES_RUN)
def test_every_block_of_the_page_runs(page: str, tutorial: tuple[Path, list[str]], tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(tutorial[0], work)
    if "path/to/folder" in (ROOT / page).read_text(encoding="utf-8"):
        write_small_folder(work / "path" / "to" / "folder")
    for block in find_runnable_blocks(ROOT / page):
        text = block.text
        for placeholder, value in PLACEHOLDERS.items():
            text = text.replace(placeholder, value)
        if block.language == "python":
            run_python(work, text, make_names(page, work))
        else:
            run_shell(work, text)


def write_small_folder(folder: Path) -> None:
    """Two files of 100 rows of four columns, learned in seconds, and old enough to be read at once."""
    folder.mkdir(parents=True)
    frame = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=5)[[*SMALL, "target"]]
    for number in (0, 1):
        file = folder / f"{number}.csv"
        rows = frame[100 * number : 100 * number + 100]
        rows.rename(columns={"target": "label"}).to_csv(file, index=False)
        os.utime(file, (time.time() - 5, time.time() - 5))


def make_names(page: str, work: Path) -> dict[str, Any]:
    """Names that a page's Python block takes for given."""
    if page.endswith("encoders.md"):
        return {"module": TinyConv()}
    return {"frame": pd.read_csv(work / "biopsies" / "3.csv").drop(columns="target")}


def run_python(folder: Path, text: str, names: dict[str, Any]) -> None:
    """A Python block, in this process, as a script of that folder."""
    with pytest.MonkeyPatch.context() as monkeypatch, warnings.catch_warnings(action="ignore"):
        monkeypatch.chdir(folder)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # as it was afterwards, whatever a block sets
        try:
            exec(compile(text, "block.py", "exec"), names)
        finally:
            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


def run_shell(folder: Path, text: str) -> list[str]:
    """A shell block; the lines that its growlearn commands printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment["PATH"] = make_path(environment)
    environment["GROWLEARN_THREADS"] = "1"
    output: list[str] = []
    for is_plain, command in split_commands(text):
        if is_plain:
            done = call(folder, environment, tuple(shlex.split(command, comments=True)[1:]))
            assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
            output += done.out.splitlines()
        else:
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, check=True
            )
            time.sleep(1.1)  # longer than source.min_file_age_s, as a process takes to start
    return output
