"""Errors of MLflow and the network, as one error the user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.adapters.mlflow.address import redact_message
from growlearn.domain.errors import GrowLearnError


class TrackerUnavailable(GrowLearnError):
    """MLflow could not be reached; nothing is lost, the message stays in the outbox."""


@contextmanager
def wrap_tracker_errors(tracking_uri: str) -> Iterator[None]:
    """Turn failures of MLflow, its database, its server or its disk into TrackerUnavailable."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow; needed only where MLflow is used
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as failure:
        reason = str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
        raise TrackerUnavailable(
            redact_message(
                f"MLflow at {tracking_uri} rejected the request or did not answer: {reason}", tracking_uri
            ),
            hint="check that it is reachable and writable; the message will be sent again",
        ) from failure
