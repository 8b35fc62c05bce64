"""What `growlearn init` makes of columns of codes, and of times of day."""

from __future__ import annotations

from pathlib import Path

from growlearn.app.data_profile import profile_data
from growlearn.domain.schema import InputColumn, InputType

NUMBER = InputColumn(type=InputType.NUMBER)
CATEGORY = InputColumn(type=InputType.CATEGORY)


def test_codes_of_a_csv_are_categories_and_told(tmp_path: Path) -> None:
    lines = "".join(f"0{number % 7},{number % 9}.5,{number % 2}\n" for number in range(3000))
    (tmp_path / "p.csv").write_text("zip,share,label\n" + lines)
    profile = profile_data(tmp_path / "p.csv", None)
    assert profile.inputs == {"zip": CATEGORY, "share": NUMBER}
    assert profile.notes == (
        "column 'zip' is read as categories, because '00' looks like a code; if its cells are numbers, "
        "give it {type: number}",
    )


def test_one_code_far_down_a_csv_decides_its_column(tmp_path: Path) -> None:
    lines = [f"{number % 7},{number % 2}\n" for number in range(3000)]
    lines[1501] = "007,0\n"
    (tmp_path / "p.csv").write_text("code,label\n" + "".join(lines))
    profile = profile_data(tmp_path / "p.csv", None)
    assert profile.inputs == {"code": CATEGORY}
    assert len(profile.notes) == 1


def test_times_of_day_are_categories_in_csv_as_in_parquet(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("at,label\n" + "12:00,a\n13:30,b\n" * 30)
    assert profile_data(tmp_path / "p.csv", None).inputs == {"at": CATEGORY}
