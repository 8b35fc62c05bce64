"""The page on Avalanche, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "avalanche.md"


def test_the_page_s_script_runs_and_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script = "\n".join(
        re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    )
    scope: dict[str, object] = {}
    exec(compile(script, str(PAGE), "exec"), scope)
    printed = capsys.readouterr().out
    share = re.search(r"^([\d.]+)% right$", printed, re.MULTILINE)
    assert share, printed
    assert float(share[1]) > 90
    assert "forgetting 0.0\n" in printed
