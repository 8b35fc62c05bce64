"""Invalid files in the watched folder end in quarantine with a reason; the stream goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_invalid_files_are_quarantined_and_the_good_file_behind_them_is_learned(
    make_home: Callable[[str], Any], digits: tuple[Any, list[int]]
) -> None:
    home, (images, labels) = make_home("invalid"), digits
    (home.incoming / "1-empty.parquet").write_bytes(b"")
    (home.incoming / "2-text.parquet").write_text("this is no table")
    home.drop("3-cut.parquet", images[:50], labels[:50])
    whole = (home.incoming / "3-cut.parquet").read_bytes()
    (home.incoming / "3-cut.parquet").write_bytes(whole[: len(whole) // 2])
    outside = home.folder / "outside.parquet"
    outside.write_bytes(whole)
    (home.incoming / "4-link.parquet").symlink_to(outside)
    home.drop("5-small-images.parquet", images[:20, :4], labels[:20])
    home.drop("6-one-row.parquet", images[:1], labels[:1])
    home.drop("7-one-class.parquet", images[:100], [3] * 100)
    home.drop("8-good.parquet", images[100:500], labels[100:500])

    home.growlearn("run", "digits.yaml", status=3)

    windows = home.json("windows", "digits")["windows"]
    outcomes = {w["source"].rpartition("/")[2]: (w["state"], w["reason"]) for w in windows}
    assert [outcomes[name][0] for name in sorted(outcomes)] == [
        *["quarantined"] * 5,
        *["skipped"] * 2,
        "promoted",
    ]
    reasons = [
        ("1-empty.parquet", "the file is empty (0 bytes)"),
        ("2-text.parquet", "not valid Parquet"),
        ("3-cut.parquet", "not valid Parquet"),
        ("4-link.parquet", "leads out of the folder"),
        ("5-small-images.parquet", "image"),
        ("6-one-row.parquet", "only 1 labelled row, fewer than 20"),
        ("7-one-class.parquet", "nothing to tell apart"),
    ]
    for name, reason in reasons:
        assert reason in outcomes[name][1]
    assert home.json("status", "digits")["streams"][0]["champion"] == 1
