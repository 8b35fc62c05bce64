"""MLflow without telemetry, log output and long waits."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_ENV_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",  # it would copy the working folder's uv.lock into every model
    "GIT_PYTHON_REFRESH": "quiet",
    # The outbox retries a server that does not answer, so one call need not retry for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


def silence_mlflow() -> None:
    """Set MLflow's variables before it is first imported, except those the user has set."""
    for name, value in _ENV_DEFAULTS.items():
        os.environ.setdefault(name, value)
    # It logs a traceback for every error of its database that it raises too; who called it reports that.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # "building the font cache"


@contextmanager
def silence_warnings() -> Iterator[None]:
    """Ignore the warnings that MLflow's own code causes and the user cannot act on."""
    with warnings.catch_warnings():
        # mlflow 3.17 maps its tables in a way that SQLAlchemy 2.1 deprecates.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy")
        # Importing mlflow.pyfunc warns of the type hints in mlflow.pyfunc.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
        # It compares the column names of an example with a range, which pandas 3 deprecates.
        warnings.filterwarnings("ignore", message="Operation with range is deprecated")
        yield
