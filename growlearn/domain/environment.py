"""The environment a version was trained in, and its provenance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TrainingEnvironment:
    """What a training's bits may depend on besides its plan.

    `code_sha256` covers every source file of growlearn; `commit` is that of the checkout, if there is one.
    `packages` holds the exact versions of those that compute or store; `packages_sha256` covers the names and
    versions of all installed packages. `cpu_capability` names the vector instructions that torch uses.
    `device` is the one that trained: its type, and of a GPU its name and libraries.
    """

    growlearn: str
    commit: str | None
    code_sha256: str
    python: str
    packages: dict[str, str]
    packages_sha256: str
    platform: str
    cpu: str
    cpu_capability: str
    threads: int
    device: str

    def as_dict(self) -> dict[str, str]:
        """Every field as text, by name; a package under its own name."""
        return {
            "growlearn": self.growlearn,
            "commit": self.commit or "unknown",
            "code_sha256": self.code_sha256,
            "python": self.python,
            **self.packages,
            "packages_sha256": self.packages_sha256,
            "platform": self.platform,
            "cpu": self.cpu,
            "cpu_capability": self.cpu_capability,
            "threads": str(self.threads),
            "device": self.device,
        }


@dataclass(frozen=True, kw_only=True)
class EnvironmentDifference:
    """One value that differs between two environments; None where one of them lacks it."""

    name: str
    recorded: str | None
    current: str | None


def compare_environments(
    recorded: TrainingEnvironment, current: TrainingEnvironment
) -> tuple[EnvironmentDifference, ...]:
    """All values that differ, in a fixed order; the commit only where the code differs.

    >>> from dataclasses import replace
    >>> recorded = TrainingEnvironment(
    ...     growlearn="1", commit="a", code_sha256="0", python="3.11.9", packages={"torch": "2.13.0"},
    ...     packages_sha256="1", platform="Linux", cpu="EPYC", cpu_capability="AVX2", threads=2, device="cpu",
    ... )
    >>> current = replace(recorded, commit="b", threads=1, packages={})
    >>> [difference.name for difference in compare_environments(recorded, current)]
    ['torch', 'threads']
    """
    recorded_values, current_values = recorded.as_dict(), current.as_dict()
    if recorded.code_sha256 == current.code_sha256:  # many commits may have the same code
        current_values["commit"] = recorded_values["commit"]
    return tuple(
        EnvironmentDifference(name=name, recorded=recorded_values.get(name), current=current_values.get(name))
        for name in {**recorded_values, **current_values}
        if recorded_values.get(name) != current_values.get(name)
    )


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What reproducing one version takes, as recorded.

    `data` holds the sha256 of each part of the stored rows by name: train, validation, holdout; for a
    consolidation TASK/train and so on. `environment` is None where none was recorded.
    """

    stream: str
    version: int
    parent: int | None
    window: str
    seed: int
    data: dict[str, str]
    environment: TrainingEnvironment | None
