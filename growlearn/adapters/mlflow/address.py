"""MLflow's address, with its password hidden."""

from __future__ import annotations


def redact_url(uri: str) -> str:
    """The address without its password.

    >>> redact_url("postgresql://ann:secret@db/mlflow")
    'postgresql://ann:***@db/mlflow'
    """
    from sqlalchemy import make_url  # noqa: PLC0415 - slow; needed only for messages
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    if uri.startswith("sqlite"):  # SQLAlchemy would show the file's name escaped
        return uri
    try:
        return make_url(uri).render_as_string(hide_password=True)
    except ArgumentError:  # not a URL, so without a password
        return uri


def redact_message(text: str, uri: str) -> str:
    """A message that may name the address, with its password hidden there.

    >>> redact_message("no route to http://ann:secret@host", "http://ann:secret@host")
    'no route to http://ann:***@host'
    """
    return text.replace(uri, redact_url(uri))
