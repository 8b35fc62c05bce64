"""Which of MLflow's failures may pass, and which would come again however often a request is sent."""

from __future__ import annotations

import errno

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    REQUEST_LIMIT_EXCEEDED,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)
from sqlalchemy.exc import OperationalError

from growlearn.adapters.mlflow.errors import TrackerUnavailable, wrap_tracker_errors
from growlearn.domain.errors import DiskFull, GrowLearnError, Undeliverable

URI = "http://ann:secret@mlflow.example:5000"
NOT_JSON = "API request to endpoint /api failed with error code {} != 200. Response body: '<html>'"
FULL = OperationalError("INSERT", {}, Exception("database or disk is full"))


def status_error(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status} error", response=response)


def raised_for(failure: Exception) -> GrowLearnError:
    with pytest.raises(GrowLearnError) as raised, wrap_tracker_errors(URI):
        raise failure
    assert "secret" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    "failure",
    [
        MlflowException("Invalid model name", INVALID_PARAMETER_VALUE),
        RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": f"{URI} key too long"}),  # type: ignore[no-untyped-call]
        MlflowException("no such thing here", BAD_REQUEST),
        MlflowException(NOT_JSON.format(413)),
        status_error(413),
        status_error(400),
    ],
)
def test_what_is_refused_for_what_it_says_can_never_be_delivered(failure: Exception) -> None:
    error = raised_for(failure)
    assert isinstance(error, Undeliverable)
    assert "would refuse it again" in str(error.hint)


@pytest.mark.parametrize(
    "failure",
    [
        MlflowException("busy", TEMPORARILY_UNAVAILABLE),
        MlflowException("slow down", REQUEST_LIMIT_EXCEEDED),
        MlflowException("not yours", PERMISSION_DENIED),
        MlflowException("deleted meanwhile", RESOURCE_DOES_NOT_EXIST),
        MlflowException(str(OperationalError("INSERT", {}, Exception("database is locked"))), BAD_REQUEST),
        MlflowException(NOT_JSON.format(502)),
        MlflowException(NOT_JSON.format(404)),
        status_error(401),
        status_error(429),
        status_error(503),
        requests.ConnectionError(f"no route to {URI}"),
        TimeoutError(),
        OSError(errno.EACCES, "denied"),
    ],
)
def test_what_may_pass_is_tried_again(failure: Exception) -> None:
    assert isinstance(raised_for(failure), TrackerUnavailable)


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left"), FULL, MlflowException(str(FULL))]
)
def test_a_full_disk_is_called_one(failure: Exception) -> None:
    error = raised_for(failure)
    assert isinstance(error, DiskFull)
    assert str(error).startswith("the disk is full: MLflow at http://ann:***@mlflow.example:5000")
