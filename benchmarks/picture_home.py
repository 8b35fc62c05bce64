"""A home with real streams for pictures: the demo's digits, and three tables that scikit-learn brings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from sklearn import datasets

from growlearn.app.demo.home import load_demo_settings, make_demo_home
from growlearn.app.demo.run import run_demo

DATA = "data"
_INCHES = 0.3937


def make_home(home: Path) -> None:
    """Deliver every file and handle it; takes minutes. What an earlier call has made is kept."""
    folder = home / DATA
    if not home.exists():
        run_demo(load_demo_settings(make_demo_home(home, overwrite=False), os.environ), threading.Event())
    if folder.exists():
        return
    for name, label, deliver in (
        ("biopsies", "target", _deliver_biopsies),
        ("scans", "target", _deliver_scans),
        ("wines", "target", _deliver_wines),
    ):
        (folder / name).mkdir(parents=True)
        batches = deliver()
        _write(folder / name, 0, batches[0])
        _growlearn(home, "init", name, "--label", label)
        _lighten(folder / f"{name}.yaml", by_hand=name == "biopsies")
        for number, batch in enumerate(batches[1:], start=1):
            _write(folder / name, number, batch)
        if name == "wines":
            (folder / name / "99.csv").write_text("this is no table,\x00 it is a note\n", encoding="utf-8")
        _growlearn(home, "run", f"{name}.yaml")


def _write(folder: Path, number: int, batch: pd.DataFrame) -> None:
    batch.to_csv(folder / f"{number:02}.csv", index=False)


def _lighten(job: Path, *, by_hand: bool) -> None:
    """Train in seconds: pictures need no better model. `by_hand`: a person promotes."""
    text = job.read_text(encoding="utf-8")
    text = text.replace("size: small", "size: tiny")
    text = text.replace("baselines: [no_change, new_head, fine_tune]", "baselines: []")
    text = re.sub(r"epochs: \d+", "epochs: 12", text)
    job.write_text(text.replace("promote: auto", "promote: manual") if by_hand else text, encoding="utf-8")


def _split(frame: pd.DataFrame, first: int, size: int) -> list[pd.DataFrame]:
    frame = frame.sample(frac=1, random_state=5)
    return [frame[:first], *(frame[start : start + size] for start in range(first, len(frame), size))]


def _scaled(frame: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    columns = frame.columns.drop("target")
    return frame.assign(**{name: change(frame[columns])[name] for name in columns})


def _deliver_biopsies() -> list[pd.DataFrame]:
    """Four deliveries of breast cancer biopsies; the last is measured in inches."""
    batches = _split(datasets.load_breast_cancer(as_frame=True).frame, 209, 120)
    return [*batches[:-1], _scaled(batches[-1], lambda values: values * _INCHES)]


def _deliver_scans() -> list[pd.DataFrame]:
    """Digits as 64 grey levels: the first 357, then twelve deliveries of 120; from the ninth on turned."""
    batches = _split(datasets.load_digits(as_frame=True).frame, 357, 120)
    return [*batches[:9], *(_scaled(batch, _turn) for batch in batches[9:])]


def _turn(pixels: pd.DataFrame) -> pd.DataFrame:
    return pixels.iloc[:, ::-1].set_axis(pixels.columns, axis=1)


def _deliver_wines() -> list[pd.DataFrame]:
    """Three deliveries of wines; some values of the second cannot be read."""
    batches = _split(datasets.load_wine(as_frame=True).frame, 100, 39)
    spoilt = batches[1].astype(object)
    spoilt.iloc[[2, 7, 11], 0] = ["n/a?", "12,3", "strong"]
    spoilt.iloc[[4, 5], -1] = ["red?", None]
    return [batches[0], spoilt, *batches[2:]]


def _growlearn(home: Path, *arguments: str) -> None:
    command = [sys.executable, "-c", "from growlearn.app.main import main; main()", *arguments]
    environment = {**os.environ, "GROWLEARN_HOME": str(home.resolve())}
    done = subprocess.run(
        command, cwd=home / DATA, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3):  # 3: some rows were refused, which is wanted
        raise SystemExit(f"growlearn {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
