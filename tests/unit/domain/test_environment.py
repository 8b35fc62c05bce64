from __future__ import annotations

from dataclasses import replace

from growlearn.domain.environment import EnvironmentDifference, TrainingEnvironment, compare_environments

ENVIRONMENT = TrainingEnvironment(
    growlearn="0.1.0",
    commit="a" * 40,
    code_sha256="0" * 64,
    python="3.11.9",
    packages={"torch": "2.13.0", "numpy": "2.4.6"},
    packages_sha256="1" * 64,
    platform="Linux",
    cpu="EPYC",
    cpu_capability="AVX2",
    threads=2,
    device="cpu",
)


def test_a_training_differs_from_itself_in_nothing() -> None:
    assert compare_environments(ENVIRONMENT, ENVIRONMENT) == ()


def test_the_same_code_of_another_commit_is_the_same_code() -> None:
    assert compare_environments(ENVIRONMENT, replace(ENVIRONMENT, commit=None)) == ()
    other = replace(ENVIRONMENT, commit="b" * 40, code_sha256="9" * 64)
    differences = compare_environments(ENVIRONMENT, other)
    assert [difference.name for difference in differences] == ["commit", "code_sha256"]


def test_packages_are_listed_by_name_with_added_and_removed_ones() -> None:
    other = replace(ENVIRONMENT, packages={"torch": "2.14.0", "scipy": "1.17.1"})
    assert compare_environments(ENVIRONMENT, other) == (
        EnvironmentDifference(name="torch", recorded="2.13.0", current="2.14.0"),
        EnvironmentDifference(name="numpy", recorded="2.4.6", current=None),
        EnvironmentDifference(name="scipy", recorded=None, current="1.17.1"),
    )


def test_every_value_counts() -> None:
    other = replace(
        ENVIRONMENT, growlearn="1", python="3.12.1", packages_sha256="", platform="macOS", cpu="M1",
        cpu_capability="NEON", threads=1, device="mps",
    )  # fmt: skip
    names = [difference.name for difference in compare_environments(ENVIRONMENT, other)]
    assert names == [
        "growlearn", "python", "packages_sha256", "platform", "cpu", "cpu_capability", "threads", "device",
    ]  # fmt: skip
