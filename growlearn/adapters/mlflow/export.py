"""One version as a self-contained MLflow model folder."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from pydantic import TypeAdapter

from growlearn.adapters.mlflow.code_copy import CodeCopy, copy_code
from growlearn.adapters.mlflow.example import example_rows, signature
from growlearn.adapters.mlflow.quiet import quietly
from growlearn.domain.circumstances import Provenance
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest
from growlearn.growth.model.network import load_network
from growlearn.ports import Artifacts

with quietly():
    from mlflow.pyfunc import FLAVOR_NAME, save_model

_ENTRY = "growlearn.serving.predictor"
_MODEL_FILE = Path(__file__).with_name("served_model.py")
_DISTRIBUTIONS = {"PIL": "pillow"}  # where a package is installed under another name than it is imported by


def export_model(
    manifest: Manifest,
    artifacts: Artifacts,
    folder: Path,
    identity: Model | None = None,
    provenance: Provenance | None = None,
) -> Path:
    """Write a model that needs mlflow, torch and nothing of ours; returns the folder.

    In it: the weights as they are stored (safetensors, named by sha256), manifest.json, a copy of
    the code that answers, signature, input example and requirements; nothing pickled. `identity`
    carries the ids of the MLflow run and model it will belong to; where it came from is written to
    provenance.json if it is known. Raises GrowLearnError where the
    folder holds something already, DamagedArtifact where weights are missing.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GrowLearnError(f"{folder} is not an empty folder", cure="name one that does not exist yet")
    code = _serving_code()
    model = identity or Model()
    example = example_rows(manifest, load_network(manifest, artifacts.get))
    with tempfile.TemporaryDirectory() as scratch, quietly():
        save_model(
            folder,
            python_model=_MODEL_FILE,
            mlflow_model=model,
            code_paths=[str(code.write(Path(scratch)))],
            signature=signature(manifest),
            input_example=example,
            pip_requirements=requirements(code),
        )
    _add_weights(manifest, artifacts, folder)
    if provenance is not None:
        content = TypeAdapter(Provenance).dump_json(provenance, indent=1)
        (folder / "provenance.json").write_bytes(content)
    _finish(model, folder)
    return folder


@cache
def _serving_code() -> CodeCopy:
    return copy_code(_ENTRY)


def requirements(code: CodeCopy) -> list[str]:
    """Exact versions of what the code imports, as the package index names them."""
    modules = [module for module in code.third_party if module not in sys.stdlib_module_names]
    names = ["mlflow", *(_DISTRIBUTIONS.get(module, module) for module in modules)]
    # A local part, as in 2.13.0+cpu, is a build that the package index does not have.
    return [f"{name}=={version(name).split('+')[0]}" for name in names]


def _add_weights(manifest: Manifest, artifacts: Artifacts, folder: Path) -> None:
    (folder / "weights").mkdir()
    for digest in manifest.answering:
        (folder / "weights" / f"{digest}.safetensors").write_bytes(artifacts.get(digest))
    (folder / "manifest.json").write_bytes(TypeAdapter(Manifest).dump_json(manifest, indent=1))


def _finish(model: Model, folder: Path) -> None:
    """Say the true size, and nothing of the machine the model was exported on."""
    flavor = model.flavors[FLAVOR_NAME]
    flavor["model_code_path"] = _MODEL_FILE.name
    del flavor["cloudpickle_version"]  # MLflow writes it always; nothing here was pickled
    model.model_size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    model.save(str(folder / MLMODEL_FILE_NAME))
