"""Renders templates: every value is escaped, and rid of the secrets that an address in it may have."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from growlearn import __version__
from growlearn.app.dashboard.formats import FILTERS
from growlearn.app.dashboard.static_files import get_asset_url
from growlearn.domain.api_key import ApiKey, Role
from growlearn.domain.redaction import redact


def render(
    request: Request, template: str, *, code: HTTPStatus = HTTPStatus.OK, **values: Any
) -> HTMLResponse:
    """A page; besides `values` it knows who asks (`role`, None: nobody) and where (`here`)."""
    key = request.scope.get("growlearn_key")
    role = key.role if isinstance(key, ApiKey) else None
    page = get_environment().get_template(template).render(
        role=role,
        is_operator=role is not None and role.includes(Role.OPERATOR),
        here=get_path(request) + (f"?{request.url.query}" if request.url.query else ""),
        **values,
    )  # fmt: skip
    return HTMLResponse(page, code)


def get_path(request: Request) -> str:
    """The path of a request as a browser sends it: in ASCII."""
    return quote(request.scope["path"])


def make_stream_url(stream: str, *parts: str | int) -> str:
    """The path of a stream's page.

    >>> make_stream_url("a/b", "windows", "w3")
    '/streams/a%2Fb/windows/w3'
    """
    return "/".join(["/streams", *(quote(str(part), safe="") for part in (stream, *parts))])


@cache
def get_environment() -> Environment:
    """The templates, with what all of them use."""
    environment = Environment(
        loader=PackageLoader("growlearn.app.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_redact_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    names: dict[str, Callable[..., Any] | str] = {
        "asset": get_asset_url, "stream_url": make_stream_url, "growlearn_version": __version__
    }  # fmt: skip
    environment.globals |= names
    return environment


def _redact_text(value: Any) -> Any:
    return redact(value) if isinstance(value, str) and not isinstance(value, Markup) else value
