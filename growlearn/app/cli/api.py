"""api: the HTTP API as a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer

HostOption = Annotated[str | None, typer.Option("--host", help="Default: GROWLEARN_API_HOST.")]
PortOption = Annotated[int | None, typer.Option("--port", help="0: a free one.", min=0, max=65535)]


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Run")(api)


def api(host: HostOption = None, port: PortOption = None) -> None:
    """Run only the HTTP API, until stopped; any number may run."""
    from growlearn.app.api.server import serve
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    serve(
        settings,
        host or settings.api_host,
        settings.api_port if port is None else port,
        with_link=False,
    )
