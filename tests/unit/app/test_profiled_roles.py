"""Which column `growlearn init` takes for the task, and which it says to be the label again."""

from __future__ import annotations

from pathlib import Path

import pytest

from growlearn.app.data_profile import profile_data


def test_a_column_that_is_the_label_under_another_name_is_pointed_out(tmp_path: Path) -> None:
    lines = "".join(
        f"{number % 7}.5,{number % 3},{'abc'[number % 3]},{number % 5}\n" for number in range(300)
    )
    (tmp_path / "p.csv").write_text("x,species_id,species,other\n" + lines)
    notes = profile_data(tmp_path / "p.csv", "species").notes
    assert notes == (
        "column 'species_id' has one value for each label: leave it out if it is written with the label",
    )


@pytest.mark.parametrize("value", ["d{number}.com", "{number}.5", "{number}"])
def test_a_column_of_many_values_is_no_task_whatever_its_name(tmp_path: Path, value: str) -> None:
    lines = "".join(
        f"{number % 7}.5,{value.format(number=number % 90)},{number % 2}\n" for number in range(300)
    )
    (tmp_path / "p.csv").write_text("x,domain,label\n" + lines)
    profile = profile_data(tmp_path / "p.csv", None)
    assert (profile.task, "domain" in profile.inputs) == (None, True)
