"""Where MLflow is, as people may read it."""

from __future__ import annotations


def shown(uri: str) -> str:
    """The address without its password.

    >>> shown("postgresql://ann:secret@db/mlflow")
    'postgresql://ann:***@db/mlflow'
    """
    from sqlalchemy import make_url  # noqa: PLC0415 - slow; wanted only where something is told
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        return make_url(uri).render_as_string(hide_password=True)
    except ArgumentError:  # no address at all: no password either
        return uri


def without_password(text: str, uri: str) -> str:
    """A message that may name the address, with its password hidden there.

    >>> without_password("no route to http://ann:secret@host", "http://ann:secret@host")
    'no route to http://ann:***@host'
    """
    return text.replace(uri, shown(uri))
