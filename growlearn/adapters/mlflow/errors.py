"""What MLflow and the network raise, as one error a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.adapters.mlflow.address import without_password
from growlearn.domain.errors import GrowLearnError


class TrackerUnavailable(GrowLearnError):
    """MLflow could not be told; nothing is lost, the message stays in the outbox."""


@contextmanager
def tracker_errors(tracking_uri: str) -> Iterator[None]:
    """Turn failures of MLflow, its database, its server or its disk into TrackerUnavailable."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow; wanted only where MLflow is
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as failure:
        reason = str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
        raise TrackerUnavailable(
            without_password(f"MLflow at {tracking_uri} did not take it: {reason}", tracking_uri),
            cure="check that it is reachable and writable; it will be told again",
        ) from failure
