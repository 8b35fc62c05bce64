"""One version as a self-contained MLflow model folder."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME

from growlearn.adapters.mlflow.code_snapshot import CodeSnapshot, snapshot_code
from growlearn.adapters.mlflow.example import make_example_rows, make_signature
from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.domain.environment import Provenance
from growlearn.domain.errors import DiskFull, GrowLearnError, is_disk_full
from growlearn.domain.lineage import Manifest
from growlearn.network.model.network import load_network
from growlearn.ports import Artifacts
from growlearn.registry.json_codec import to_json

with silence_warnings():
    from mlflow.pyfunc import FLAVOR_NAME, save_model

_ENTRY_MODULE = "growlearn.serving.predictor"
_MODEL_FILE = Path(__file__).with_name("served_model.py")
MANIFEST_FILE, DIGEST_FILE = "manifest.json", "manifest.sha256"
"""What a model consists of, and the sha256 of that file, which is checked at every load."""
_TOKENISER = "tokenizers"  # an extra
_DISTRIBUTIONS = {"PIL": "pillow"}  # where a package is installed under another name than it is imported by


def export_model(
    manifest: Manifest,
    artifacts: Artifacts,
    folder: Path,
    identity: Model | None = None,
    provenance: Provenance | None = None,
) -> Path:
    """Write a model that needs mlflow, torch and safetensors but not growlearn; returns the folder.

    It holds the weights as they are stored (safetensors, named by sha256), manifest.json and its sha256, a
    copy of the inference code, signature, input example and requirements; nothing is pickled. `identity`
    carries the ids of the MLflow run and model it will belong to; `provenance` is written to provenance.json.
    Raises GrowLearnError where the folder is not empty, CorruptArtifact where weights are missing.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GrowLearnError(f"{folder} is not an empty folder", hint="name one that does not exist yet")
    code = _snapshot_serving_code()
    model = identity or Model()
    example = make_example_rows(manifest, load_network(manifest, artifacts.get))
    with _name_full_disk(folder), tempfile.TemporaryDirectory() as scratch, silence_warnings():
        save_model(
            folder,
            python_model=_MODEL_FILE,
            mlflow_model=model,
            code_paths=[str(code.write(Path(scratch)))],
            signature=make_signature(manifest),
            input_example=example,
            pip_requirements=list_requirements(code, manifest),
        )
        _write_weights(manifest, artifacts, folder)
        if provenance is not None:
            (folder / "provenance.json").write_bytes(to_json(provenance, Provenance, indent=1))
        _write_model_file(model, folder)
        _apply_umask(folder)
    return folder


@contextmanager
def _name_full_disk(folder: Path) -> Iterator[None]:
    """MLflow reports a full disk as a file that it could not copy."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            raise DiskFull(f"the model cannot be written to {folder}") from error
        raise


@cache
def _snapshot_serving_code() -> CodeSnapshot:
    return snapshot_code(_ENTRY_MODULE)


def list_requirements(code: CodeSnapshot, manifest: Manifest) -> list[str]:
    """Exact versions of what the code imports; of a tokeniser only where an encoder reads texts."""
    encoder = manifest.model.encoder
    unused = set() if encoder is not None and encoder.reads == "text" else {_TOKENISER}
    unused |= sys.stdlib_module_names
    modules = [module for module in code.third_party if module not in unused]
    names = ["mlflow", *(_DISTRIBUTIONS.get(module, module) for module in modules)]
    # A local part, as in 2.13.0+cpu, is a build that the package index does not have.
    return [f"{name}=={version(name).split('+')[0]}" for name in names]


def _write_weights(manifest: Manifest, artifacts: Artifacts, folder: Path) -> None:
    (folder / "weights").mkdir()
    for digest in manifest.inference_artifacts:
        (folder / "weights" / f"{digest}.safetensors").write_bytes(artifacts.get(digest))
    content = to_json(_without_folders(manifest), Manifest, indent=1)
    (folder / MANIFEST_FILE).write_bytes(content)
    # as sha256sum writes it, so that `sha256sum --check` reads it
    (folder / DIGEST_FILE).write_text(f"{sha256(content).hexdigest()}  {MANIFEST_FILE}\n", encoding="ascii")


def _apply_umask(folder: Path) -> None:
    """MLflow copies the modes of installed files, which everybody may read."""
    umask = os.umask(0o077)
    os.umask(umask)
    for path in (folder, *folder.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)


def _without_folders(manifest: Manifest) -> Manifest:
    """The manifest without the path that an encoder's weights had on this machine, but for their name."""
    encoder = manifest.model.encoder
    if encoder is None or encoder.weights is None:
        return manifest
    named = replace(encoder, weights=Path(encoder.weights).name)
    return replace(manifest, model=replace(manifest.model, encoder=named))


def _write_model_file(model: Model, folder: Path) -> None:
    """Write the true size, and nothing about the machine the model was exported on."""
    flavor = model.flavors[FLAVOR_NAME]
    flavor["model_code_path"] = _MODEL_FILE.name
    del flavor["cloudpickle_version"]  # MLflow writes it always; nothing here was pickled
    model.model_size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    model.save(str(folder / MLMODEL_FILE_NAME))
