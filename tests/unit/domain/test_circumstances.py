from __future__ import annotations

from dataclasses import replace

from growlearn.domain.circumstances import Circumstances, Difference, differences

ONE = Circumstances(
    growlearn="0.1.0",
    commit="a" * 40,
    code_sha256="0" * 64,
    python="3.11.9",
    packages={"torch": "2.13.0", "numpy": "2.4.6"},
    packages_sha256="1" * 64,
    platform="Linux",
    cpu="EPYC",
    instructions="AVX2",
    threads=2,
    device="cpu",
)


def test_a_training_differs_from_itself_in_nothing() -> None:
    assert differences(ONE, ONE) == ()


def test_the_same_code_of_another_commit_is_the_same_code() -> None:
    assert differences(ONE, replace(ONE, commit=None)) == ()
    other = replace(ONE, commit="b" * 40, code_sha256="9" * 64)
    assert [each.name for each in differences(ONE, other)] == ["commit", "code_sha256"]


def test_packages_are_told_by_name_with_those_that_came_or_went() -> None:
    other = replace(ONE, packages={"torch": "2.14.0", "scipy": "1.17.1"})
    assert differences(ONE, other) == (
        Difference(name="torch", recorded="2.13.0", here="2.14.0"),
        Difference(name="numpy", recorded="2.4.6", here=None),
        Difference(name="scipy", recorded=None, here="1.17.1"),
    )


def test_every_fact_counts() -> None:
    other = replace(
        ONE, growlearn="1", python="3.12.1", packages_sha256="", platform="macOS", cpu="M1",
        instructions="NEON", threads=1, device="mps",
    )  # fmt: skip
    told = [each.name for each in differences(ONE, other)]
    assert told == [
        "growlearn", "python", "packages_sha256", "platform", "cpu", "instructions", "threads", "device",
    ]  # fmt: skip
