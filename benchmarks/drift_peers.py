"""Delays and times beside river, frouros, Evidently and alibi-detect, all at one rate of false alarms.

Each peer runs in an environment of its own below --peers, made where it is missing; one that cannot be made
is named as such. --keep FOLDER goes on where it was interrupted. Peers are measured here and used nowhere.
With other --window-rows, and a --keep of their own, delays are counted in finer steps and no times taken.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from branch_growth import GrowingModel, make_rows
from drift_delay import noisy
from peers.streams import FALSE, REFERENCE_ROWS, Array, Pace, Rows, save
from results import publish
from score_monitors import TRAINED, train

from growlearn.domain.drift_config import DriftConfig

PACE = Pace()
CLASSES = 8  # known ones; rows of the other two are new
OURS = (
    "GrowLearn sequential, as shipped",
    "GrowLearn sequential, no min_effect_size",
    "GrowLearn sequential, calibrated",
)
INSTALL_S = 300


@dataclass(frozen=True)
class Peer:
    """One module of peers/, what pip installs for it, and whether it borrows this environment's torch."""

    module: str
    packages: tuple[str, ...] = ()
    torch: bool = False


PEERS = {
    "GrowLearn": Peer("with_growlearn"),
    "river": Peer("with_river"),
    "frouros": Peer("with_frouros", ("frouros==0.9.0",)),
    "Evidently": Peer(
        "with_evidently", ("evidently==0.7.23", "pandas<3")
    ),  # it does not import with pandas 3
    "alibi-detect": Peer("with_alibi_detect", ("alibi-detect==0.13.0",), torch=True),
}


@dataclass(frozen=True)
class Case:
    """A change: what becomes of images, of labels, and how many rows of a window have changed."""

    name: str
    images: Callable[[Array], Array] = lambda images: images
    labels: Callable[[Array], Array] = lambda labels: labels
    share: float = 1.0
    slow: bool = False
    new: bool = False
    weak: bool = False


def next_label(labels: Array) -> Array:
    """Every label takes the next one's name."""
    return (labels + 1) % CLASSES


CASES = (
    Case("rotated by 90 degrees", lambda images: np.rot90(images, axes=(1, 2))),
    Case("inverted", lambda images: 255 - images),
    Case("noise 0.1", lambda images: noisy(images, 0.1)),
    Case("noise 0.3", lambda images: noisy(images, 0.3)),
    Case("noise 0.5", lambda images: noisy(images, 0.5)),
    Case("slowly inverted", lambda images: 255 - images, slow=True),
    Case("new classes, 25 % of rows", share=0.25, new=True),
    Case("labels permuted", labels=next_label),
    Case("half as bright", lambda images: images * 0.5),
    Case("moved by 2 pixels", lambda images: np.roll(images, 2, axis=2)),
    Case("noise 0.05", lambda images: noisy(images, 0.05), weak=True),
    Case("new classes, 5 % of rows", share=0.05, new=True, weak=True),
    Case("labels permuted in 10 % of rows", labels=next_label, share=0.1, weak=True),
    Case("20 % darker", lambda images: images * 0.8, weak=True),
    Case("moved by 1 pixel", lambda images: np.roll(images, 1, axis=2), weak=True),
)


def main() -> None:
    """Prepare rows and environments, run every peer in its own, print and keep both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, default=Path(".peers"), help="folder of the environments")
    parser.add_argument("--keep", type=Path, help="folder of what was measured so far")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--window-rows", type=int, default=PACE.window_rows)
    parser.add_argument("--only", help="measure this peer alone, and print nothing")
    parser.add_argument("--report", action="store_true", help="measure nothing, print what --keep holds")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder)
    missing = {}
    for name, peer in PEERS.items():
        if options.only in (None, name) and not options.report:
            reason = run(peer, options.peers.absolute() / name, folder, options)
            missing.update({name: reason} if reason else {})
    if options.only is None:
        tables(folder, missing, options)


def prepare(folder: Path) -> None:
    """Train one model and keep what it says of every row, before and after each change."""
    if (folder / "cases.json").exists():
        return
    torch.set_num_threads(2)
    images, labels = fashion_mnist.load("train")
    later, truth = fashion_mnist.load("t10k")
    few, old = labels < CLASSES, truth < CLASSES
    learnt = few.copy()
    learnt[TRAINED:] = False
    model = train(images[learnt], labels[learnt])
    watched = few & ~learnt
    known = predict_rows(model, images[watched], labels[watched])
    save(folder, "known", known)
    pixels: dict[str, npt.NDArray[Any]] = {
        "reference": images[:5000],
        "same": images[5000:10_000],
        "moved": noisy(images[5000:6000], 0.3),
    }
    for side, rows in pixels.items():
        np.save(folder / f"pixels-{side}.npy", (rows.reshape(len(rows), -1) / 255).astype(np.float32))
    lines = []
    for number, case in enumerate(CASES):
        rows = ~old if case.new else old
        changed = predict_rows(model, case.images(later[rows]).astype(np.uint8), case.labels(truth[rows]))
        save(folder, f"case{number}", changed)
        before = 1 - known.wrong.mean()
        after = case.share * (1 - changed.wrong.mean()) + (1 - case.share) * before
        lines.append(
            {"name": case.name, "rows": f"case{number}", "share": case.share, "slow": case.slow}
            | {"weak": case.weak, "accuracy": f"{before:.0%} to {after:.0%}"}
        )
    (folder / "cases.json").write_text(json.dumps(lines), encoding="utf-8")


def predict_rows(model: GrowingModel, images: Array, labels: Array) -> Rows:
    """The model's outputs, the features its head reads, and whether its answers are wrong."""
    features, outputs = model.load(model.manifest).features_and_probabilities(
        make_rows(images, labels), "known"
    )
    return Rows(outputs, features, (outputs.argmax(1) != labels).astype(float))


def run(peer: Peer, home: Path, folder: Path, options: argparse.Namespace) -> str:
    """One peer through all streams and clocks; why it could not, or nothing."""
    python = Path(sys.executable)
    if peer.packages:
        python = home / "bin" / "python"
        reason = "" if python.exists() else install(peer, home)
        if reason:
            return reason
    command = [str(python), str(Path(__file__).parent / "peers" / "run.py"), peer.module, str(folder)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for what in ("times", "streams") if options.window_rows == PACE.window_rows else ("streams",):
        asked = [what, str(options.seeds), str(options.window_rows)]
        done = subprocess.run([*command, *asked], env=alone, check=False)
        if done.returncode:
            return f"it failed with exit code {done.returncode}"
    return ""


def install(peer: Peer, home: Path) -> str:
    """Make a peer's environment; why that failed, or nothing."""
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *peer.packages]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        return f"not installed within {INSTALL_S} s"
    if done.returncode:
        return f"pip: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"
    if peer.torch:  # behind its own packages, so that its pinned ones are found first
        site = next((home / "lib").glob("python*/site-packages"))
        (site / "torch.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")
    return ""


def tables(folder: Path, missing: Mapping[str, str], options: argparse.Namespace) -> None:
    """All tables on one page."""
    pace = Pace(options.window_rows)
    cases = json.loads((folder / "cases.json").read_text())
    found = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "found").glob("*.json"))}
    times = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "times").glob("*.json"))}
    absent = [
        f"- {name}: not measured; {reason}" for name, reason in {**unfinished(folder), **missing}.items()
    ]
    mean = means_of(cases, found, pace.most)
    table = [*delays_of(cases, found, mean), "", *verdicts_of(cases, mean), ""]
    if pace == PACE:
        title = "Mean windows from a change to the alarm, and time per verdict, beside others' detectors"
        publish("drift_peers", title, [*table, *times_of(times), "", *absent], note(options.seeds, pace))
        return
    publish(
        f"drift_peers_{pace.window_rows}",
        f"Mean windows of {pace.window_rows} rows from a change to the alarm, beside others' detectors",
        [*table, *absent],
        note(options.seeds, pace),
        f"drift_peers.py --window-rows {pace.window_rows} --seeds {options.seeds}",
    )


def note(seeds: int, pace: Pace) -> str:
    """How the figures came about."""
    times = (
        "; times are CPU seconds of one thread, the median; MMD compares 1,000 x 784 with 1,000 x 784, which "
        "is what mmd draws of more, by 200 permutations unless said otherwise"
    )
    min_effect_size = DriftConfig(decision_rule="sequential").min_effect_size_or_default
    return (
        f"{seeds} streams a case; windows of {pace.window_rows} rows, reference of {REFERENCE_ROWS:,}; real "
        f"Fashion-MNIST, one model of {CLASSES} classes trained once on theirs of {TRAINED:,} rows; "
        f"{pace.most} changed windows, counted as {pace.most} where no alarm comes; a slow change is "
        f"complete after {pace.fading}; what remembers reads {pace.stable} stable windows before the change; "
        "streams with an alarm among them are marked as false and left out of the mean; thresholds are the "
        f"lowest at which at most {FALSE:.0%} of stationary streams of {pace.stable} windows ever alarm, "
        "other streams than those of the cases, the same for all; ADWIN, HDDM-A and the calibrated evidence "
        "on a grid, all others exactly; the first and second line keep alpha = 0.05 for life and needed no "
        "calibration; the second was added after the others had been seen, and min_effect_size of the "
        f"first, {min_effect_size:g}, was chosen after that by drift_effect.py on the same images; the cases "
        "were fixed before any detector was run; what reads errors sees every label, and so does the evidence"
        f"{times if pace == PACE else ''}"
    )


def unfinished(folder: Path) -> dict[str, str]:
    """What was begun and has no figures: its run was stopped."""
    return {
        path.stem: "the run was stopped before it was done"
        for what in ("found", "times")
        for path in sorted((folder / f"{what}-planned").glob("*.json"))
        if not (folder / what / path.name).exists()
    }


def means_of(cases: list[dict[str, Any]], found: Mapping[str, Any], most: int) -> dict[str, dict[str, float]]:
    """The mean delay of each method in each case, of streams without a false alarm; `most` where none is."""

    def mean(delays: list[int]) -> float:
        real = [delay for delay in delays if delay > 0]
        return float(np.mean(real)) if real else float(most)

    names = [case["name"] for case in cases]
    return {method: {case: mean(one["delays"][case]) for case in names} for method, one in found.items()}


def delays_of(
    cases: list[dict[str, Any]], found: Mapping[str, Any], mean: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """A line for each method, a column for each case."""
    lines = []
    for strength, title in ((False, "case"), (True, "weaker change")):
        some = [case for case in cases if case["weak"] == strength]
        lines += [
            f"| {title} | {' | '.join(case['name'] for case in some)} | mean | stable streams that alarmed |",
            f"| --- |{' --- |' * (len(some) + 2)}",
            f"| accuracy | {' | '.join(case['accuracy'] for case in some)} | | |",
        ]
        for name in ordered(found):
            means = [mean[name][case["name"]] for case in some]
            false = [found[name]["delays"][case["name"]].count(0) for case in some]
            cells = [
                f"{one:.1f}" + (f" ({count} false)" if count else "")
                for one, count in zip(means, false, strict=True)
            ]
            rate = f"{found[name]['false']} of {found[name]['streams']}"
            lines.append(f"| {name} | {' | '.join(cells)} | {np.mean(means):.1f} | {rate} |")
        lines.append("")
    return lines[:-1]


def ordered(found: Mapping[str, Any]) -> list[str]:
    """Ours first."""
    others = sorted(found, key=lambda name: (not name.startswith("GrowLearn"), name))
    return [*(name for name in OURS if name in found), *(name for name in others if name not in OURS)]


def verdicts_of(cases: list[dict[str, Any]], means: Mapping[str, Mapping[str, float]]) -> list[str]:
    """In how many cases ours is shorter, equal or longer than each peer and the best of them."""
    strong, weak = ([case["name"] for case in cases if case["weak"] == kind] for kind in (False, True))
    mean = dict(means)
    mine = [name for name in OURS if name in mean]
    peers = [name for name in ordered(mean) if not name.startswith("GrowLearn")]
    mean["the best peer of each case"] = {
        case: min(mean[name][case] for name in peers) for case in strong + weak
    }
    lines = [
        "| against | " + " | ".join(f"{name}: shorter, equal, longer" for name in mine) + " |",
        f"| --- |{' --- |' * len(mine)}",
    ]
    for name in [*peers, "the best peer of each case"]:
        cells = [
            f"{score(mean[ours], mean[name], strong)} of {len(strong)}; "
            f"weaker {score(mean[ours], mean[name], weak)} of {len(weak)}"
            for ours in mine
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def score(ours: Mapping[str, float], theirs: Mapping[str, float], cases: list[str]) -> str:
    """Shorter, equal, longer."""
    signs = [np.sign(round(ours[case] - theirs[case], 6)) for case in cases]
    return ", ".join(str(signs.count(sign)) for sign in (-1, 0, 1))


def times_of(times: Mapping[str, Any]) -> list[str]:
    """Each test beside ours."""
    lines = [
        "| test, 5,000 x 784 against 5,000 x 784 | seconds | runs | times as long as ours |",
        "| --- | --- | --- | --- |",
    ]
    for kind in ("KS", "MMD", "other"):
        some = {name: one for name, one in times.items() if name.startswith(f"{kind}:")}
        base = next((one["median_s"] for name, one in some.items() if "GrowLearn" in name), None)
        for name, one in sorted(some.items(), key=lambda item: item[1]["median_s"]):
            ratio = "" if base is None else f"{one['median_s'] / base:.1f}"
            lines.append(f"| {name} | {one['median_s']:.2f} | {one['runs']} | {ratio} |")
    return lines


if __name__ == "__main__":
    main()
