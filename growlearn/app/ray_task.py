"""One training as a task of Ray: what runs on a node."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from growlearn import __version__
from growlearn.adapters.engines.protocol import ChildMessage
from growlearn.adapters.engines.scratch import Plan, ScratchUser
from growlearn.adapters.engines.subprocess_engine import as_failure
from growlearn.app.file_modes import PRIVATE_UMASK
from growlearn.app.training_process import build_training_engine, build_training_environment
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError
from growlearn.ports import ProgressCallback
from growlearn.registry.json_codec import from_json, to_json

_ID_DIGITS = 12
_MAX_SILENCE_S = 30 * 86_400


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """What a task must know of the installation whose worker started it.

    `addresses` are those of the artifacts, as a training process gets them. A node keeps checkpoints in a
    folder of its own in `scratch`, and a training goes on from them on the same node.
    """

    addresses: tuple[str, ...]
    scratch: str
    threads: int
    device: str
    version: str = __version__


def train_on_node(settings: NodeSettings, plan: bytes, claim: int, on_progress: ProgressCallback) -> bytes:
    """Train one plan (JSON); returns its result, or why there is none, as JSON of a `ChildMessage`."""
    started_s = time.time()
    os.environ.update(build_training_environment(settings.threads))  # before torch is loaded
    os.umask(PRIVATE_UMASK)
    try:
        _require_version(settings.version)
        work = from_json(plan, Plan)
        engine = build_training_engine(
            settings.addresses,
            _make_node_scratch(Path(settings.scratch)),
            settings.threads,
            settings.device,
            ScratchUser(claim, started_s),
        )
        if isinstance(work, ConsolidationPlan):
            return to_json(engine.consolidate(work, on_progress), ChildMessage)
        return to_json(engine.run([work], on_progress)[0], ChildMessage)
    except (GrowLearnError, OSError) as error:
        return to_json(as_failure(error), ChildMessage)


def _require_version(version: str) -> None:
    if version != __version__:
        raise GrowLearnError(
            f"a node of the Ray cluster has growlearn {__version__}, and its worker {version}",
            hint="install the same version on every node",
        )


def _make_node_scratch(scratch: Path) -> Path:
    """A folder of the node's own: where nodes share a disk, a training thought dead may write to another's.

    Those of nodes that have been gone for long are deleted.
    """
    import ray

    folder = scratch / f"ray-{ray.get_runtime_context().get_node_id()[:_ID_DIGITS]}"
    folder.mkdir(parents=True, exist_ok=True)
    for other in scratch.glob("ray-*"):
        with suppress(FileNotFoundError):
            if time.time() - other.stat().st_mtime > _MAX_SILENCE_S:
                shutil.rmtree(other, ignore_errors=True)
    return folder
