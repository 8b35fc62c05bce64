"""The model of an exported folder: MLflow runs this file where it was copied to.

It needs mlflow, torch, safetensors and the files beside it: manifest.json and its sha256, weights/, and the
code it was exported with, a package below code/ whose name no installed package has.
"""

from __future__ import annotations

import importlib
import os
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from pydantic import TypeAdapter

with warnings.catch_warnings():  # importing mlflow.pyfunc warns of the type hints in mlflow.pyfunc
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    from mlflow.pyfunc.model import PythonModel

_FOLDER = Path(__file__).parent


class GrownModel(PythonModel):
    """Predicts like the library: prediction, probability and task of each row."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002 - it reads only files beside it
        """Rebuild the network; called by MLflow once, before the first prediction."""
        package = _import_code()
        lineage = importlib.import_module(f"{package}.domain.lineage")
        predictor = importlib.import_module(f"{package}.serving.predictor")
        manifest = TypeAdapter(lineage.Manifest).validate_json(_read_manifest())
        execution = importlib.import_module(f"{package}.domain.execution").Execution(
            os.environ.get("GROWLEARN_EXECUTION") or "loop"
        )
        device = importlib.import_module(f"{package}.network.devices").open_device(
            os.environ.get("GROWLEARN_DEVICE") or "auto", "GROWLEARN_DEVICE"
        )
        self._predictor = predictor.Predictor(manifest, _read_weights, execution, device)
        self._refusal: type[Exception] = importlib.import_module(f"{package}.domain.errors").GrowLearnError

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """One prediction per row; the task column, where there is one, gives each row's task.

        Rows that are refused raise MlflowException with the reason, which MLflow's server answers as 400.
        """
        try:
            predictions: pd.DataFrame = self._predictor.predict(model_input, **(params or {}))
        except self._refusal as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from error
        return predictions


def _import_code() -> str:
    """Import every module of the exported code and return the package's name.

    A later prediction then imports nothing from the folder, which its user may have deleted by then; nor does
    another model of the same code, whose modules Python finds in memory.
    """
    (package,) = (_FOLDER / "code").glob("growlearn_*")
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
    return package.name


def _read_manifest() -> bytes:
    digest = (_FOLDER / "manifest.sha256").read_text(encoding="ascii").split()[0]
    return _read_intact(_FOLDER / "manifest.json", digest, "manifest.sha256")


def _read_weights(digest: str) -> bytes:
    return _read_intact(_FOLDER / "weights" / f"{digest}.safetensors", digest, "its name")


def _read_intact(path: Path, digest: str, where: str) -> bytes:
    content = path.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise ValueError(
            f"{path} is corrupt: its content does not have the hash in {where}; export the model again"
        )
    return content


set_model(GrownModel())
