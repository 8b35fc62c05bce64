"""`python run.py MODULE FOLDER streams|times SEEDS WINDOW_ROWS`, in the environment of that peer."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).parents[1])

from peers.streams import Pace, clock, measure  # noqa: E402


def main(module: str, folder: Path, what: str, seeds: int, window_rows: int) -> None:
    """Measure one peer's methods and leave the figures in the folder."""
    warnings.simplefilter("ignore")
    peer = import_module(f"peers.{module}")
    if what == "streams":
        measure(peer.METHODS, folder, seeds, Pace(window_rows))
    else:
        sides = [np.load(folder / f"pixels-{side}.npy") for side in ("reference", "same", "moved")]
        clock(peer.timings(*sides), folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
