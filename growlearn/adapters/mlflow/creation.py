"""Requests that create something at an MLflow server, each sent once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES

_lock = threading.Lock()  # environment variables are the whole process's


@contextmanager
def send_once() -> Iterator[None]:
    """Let a request of the block fail where its connection breaks, whatever number of retries is set.

    MLflow's client repeats any request then. One that creates something may have been carried out, only its
    answer was lost, and would do it twice; the next delivery looks for it first.
    """
    name = MLFLOW_HTTP_REQUEST_MAX_RETRIES.name
    with _lock:
        before = os.environ.get(name)
        os.environ[name] = "0"
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
