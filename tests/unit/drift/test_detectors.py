from __future__ import annotations

import subprocess
import sys


def test_naming_the_detectors_loads_none_of_their_libraries() -> None:
    """A job file is read with every command; its detectors run in a worker."""
    code = (
        "import sys; from growlearn.drift.detectors import DETECTORS; assert len(DETECTORS) > 1; "
        "print([name for name in ('river', 'scipy', 'sklearn', 'torch') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
