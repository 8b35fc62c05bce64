"""Names, labels and files that somebody made to harm: shown escaped, refused by reason, others taken in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.integration.cli.conftest import Place
from tests.unit.ingest.expanding_files import WORD, dictionary, parquet, stream

_ESCAPE = "\x1b[2J\x1b[31m"
_TURN = "\u202e"
_COMMANDS = (
    ("status",),
    ("windows", "blobs"),
    ("windows", "blobs", "w1"),
    ("why", "blobs", "w1"),
    ("doctor",),
)


@pytest.fixture(scope="module")
def attacked(make_place: Callable[[str], Place]) -> tuple[Place, str]:
    """A place with bad files before, between and after good ones, and what `run` said."""
    place = make_place("attacked")
    incoming = place.folder / "incoming"
    (place.folder / "blobs.yaml").write_text(
        (place.folder / "blobs.yaml").read_text().replace("    y:", "    c: {type: category}\n    y:")
        + "windowing: {by: file}\n"
    )
    columns = {
        "x": [0.5] * 9,
        "y": [1.5] * 9,
        "c": [f"{_ESCAPE}c"] * 9,
        "label": [f"{_ESCAPE}\r\nfine{_TURN}"] * 9,
    }
    good = parquet(pa.table(columns))
    (incoming / f"1-{_ESCAPE}\r\nok.parquet").write_bytes(b"PAR1 nothing")
    (incoming / f"2{_TURN}\n.parquet").write_bytes(good)
    nulls = pa.Array.from_buffers(pa.null(), 2**40, [None])
    (incoming / "3.arrow").write_bytes(stream(pa.RecordBatch.from_arrays([nulls] * 3, ["x", "y", "c"])))
    rows = 20_000
    shared = {
        "x": [0.0] * rows,
        "y": [0.0] * rows,
        "c": dictionary("a", rows),
        "label": dictionary(WORD, rows),
    }
    (incoming / "4.parquet").write_bytes(parquet(pa.table(shared)))
    (incoming / "5.csv").write_text(
        "x,y,c,label\n" + "".join(f"{i},{i},c,{'k' * (i + 195)}\n" for i in range(9))
    )
    (incoming / "6.csv").write_text(",".join(f'"{_ESCAPE}{i}"' for i in range(5_000)) + "\n1\n")
    done = place.growlearn("run", "blobs.yaml")
    assert done.code == 3, done.err
    return place, done.out + done.err


def test_each_bad_file_has_one_short_reason_and_the_good_ones_are_taken_in(
    attacked: tuple[Place, str],
) -> None:
    place, _ = attacked
    windows = json.loads(place.growlearn("windows", "blobs", "--json").out)["windows"]
    states = [window["state"] for window in windows]
    assert [state == "quarantined" for state in states] == [True, False, True, True, False, True]
    reasons = [window["reason"] for window in windows]
    assert "not valid Parquet" in reasons[0]
    assert "1,099,511,627,776 rows; at most 10,000,000" in reasons[2]
    assert "in all 20,000 label is too long" in reasons[3] or "once it is decoded" in reasons[3]
    assert "column 'x' is missing" in reasons[5]
    assert "and 4,990 more" in reasons[5]
    assert all(len(reason) <= 1_000 for reason in reasons)


def test_nothing_that_is_shown_moves_or_recolours_text(attacked: tuple[Place, str]) -> None:
    place, said = attacked
    shown = [said]
    for command in _COMMANDS:
        done = place.growlearn(*command)
        shown.append(done.out + done.err)
    shown += [place.growlearn(*command, "--json").out for command in _COMMANDS[:2]]
    for text in shown:
        assert all(line.isprintable() for line in text.split("\n")), text
    assert r"1-\x1b[2J\x1b[31m\r\nok.parquet" in said


def test_a_bad_job_file_ends_with_exit_code_2(attacked: tuple[Place, str]) -> None:
    place, _ = attacked
    bad = Path(place.folder, f"{_ESCAPE}bad.yaml")
    bad.write_text(
        'name: "a\\e[2J\\nb"\nsource: {url: http://host/in}\nschema: {inputs: {x: {type: number}}}\n'
    )
    done = place.growlearn("apply", str(bad))
    assert done.code == 2
    assert all(line.isprintable() for line in done.err.split("\n"))
    bad.write_text("name: b\nsource: {url: http://host/in}\nschema: {inputs: {x: {type: number}}}\n")
    done = place.growlearn("apply", str(bad))
    assert (done.code, "protocol http is not allowed here" in done.err) == (2, True)
