"""Where and with what a version was made, and where that version came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the bits of a training may depend on besides its plan.

    `code_sha256` is of every source file of growlearn, `commit` that of the checkout it ran from, if it did.
    `packages` holds the exact versions of those that compute or store; `packages_sha256` is of the names and
    versions of all that are installed. `instructions` are the vector instructions that torch makes use of.
    """

    growlearn: str
    commit: str | None
    code_sha256: str
    python: str
    packages: dict[str, str]
    packages_sha256: str
    platform: str
    cpu: str
    instructions: str
    threads: int
    device: str

    def facts(self) -> dict[str, str]:
        """Every one as text, by name; a package under its own name."""
        return {
            "growlearn": self.growlearn,
            "commit": self.commit or "unknown",
            "code_sha256": self.code_sha256,
            "python": self.python,
            **self.packages,
            "packages_sha256": self.packages_sha256,
            "platform": self.platform,
            "cpu": self.cpu,
            "instructions": self.instructions,
            "threads": str(self.threads),
            "device": self.device,
        }


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One circumstance in which two trainings differ; None where one of them does not know it."""

    name: str
    recorded: str | None
    here: str | None


def differences(recorded: Circumstances, here: Circumstances) -> tuple[Difference, ...]:
    """All in which two trainings differ, in a fixed order; the commit only where the code differs.

    >>> from dataclasses import replace
    >>> one = Circumstances(
    ...     growlearn="1", commit="a", code_sha256="0", python="3.11.9", packages={"torch": "2.13.0"},
    ...     packages_sha256="1", platform="Linux", cpu="EPYC", instructions="AVX2", threads=2, device="cpu",
    ... )
    >>> [each.name for each in differences(one, replace(one, commit="b", threads=1, packages={}))]
    ['torch', 'threads']
    """
    before, now = recorded.facts(), here.facts()
    if recorded.code_sha256 == here.code_sha256:  # which may be that of many commits
        now["commit"] = before["commit"]
    return tuple(
        Difference(name=name, recorded=before.get(name), here=now.get(name))
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    )


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What it takes to make one version again, as the record has it.

    `data` holds the sha256 of each part of the stored rows by its name: train, validation, holdout; of a
    consolidation TASK/train and so on. `circumstances` is None for versions made before they were kept.
    """

    stream: str
    version: int
    parent: int | None
    window: str
    seed: int
    data: dict[str, str]
    circumstances: Circumstances | None
