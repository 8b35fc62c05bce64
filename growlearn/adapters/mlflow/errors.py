"""Errors of MLflow and the network, as one error the user can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.domain.errors import DiskFull, GrowLearnError, Undeliverable, is_disk_full

_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "NOT_IMPLEMENTED", "FEATURE_DISABLED")
_LASTING_STATUSES = (400, 405, 410, 411, 413, 414, 415, 422, 431, 501)
_STATUS = re.compile(r"failed with error code (\d{3}) ")  # as MLflow words an answer that is not JSON


class TrackerUnavailable(GrowLearnError):
    """MLflow could not be reached; nothing is lost, the message stays in the outbox."""


@contextmanager
def wrap_tracker_errors(tracking_uri: str) -> Iterator[None]:
    """Turn failures of MLflow, its database, its server or its disk into TrackerUnavailable.

    Undeliverable is raised where MLflow refuses what a request says: too large, invalid, not supported.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow; needed only where MLflow is used
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as failure:
        reason = str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
        if _is_refusal(failure):
            raise Undeliverable(
                f"MLflow at {tracking_uri} refused the request: {reason}",
                hint="it would refuse it again: change what the reason names",
            ) from failure
        if is_disk_full(failure) or "database or disk is full" in str(failure):
            raise DiskFull(f"MLflow at {tracking_uri} cannot be told: {reason}") from failure
        raise TrackerUnavailable(
            f"MLflow at {tracking_uri} rejected the request or did not answer: {reason}",
            hint="check that it is reachable and writable; the message will be sent again",
        ) from failure


def _is_refusal(failure: Exception) -> bool:
    """Whether the same request would be refused again, however often it is sent.

    Refused rights, a missing path and too many requests may pass: a person or a proxy mends them.
    """
    if "sqlalche.me" in str(failure):  # its database failed, which MLflow calls a bad request
        return False
    if getattr(failure, "error_code", None) in _REFUSALS:
        return True
    status = getattr(getattr(failure, "response", None), "status_code", None)
    if status is None and (match := _STATUS.search(str(failure))):
        status = int(match[1])
    return status in _LASTING_STATUSES
