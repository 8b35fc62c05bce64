"""api: the HTTP API as a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from growlearn.app.cli.output import echo

HostOption = Annotated[str | None, typer.Option("--host", help="Default: GROWLEARN_API_HOST.")]
PortOption = Annotated[int | None, typer.Option("--port", help="0: a free one.", min=0, max=65535)]


def register(app: typer.Typer) -> None:
    """Put this command into the program."""
    app.command(rich_help_panel="Run")(api)


def api(host: HostOption = None, port: PortOption = None) -> None:
    """Run only the HTTP API, until stopped; any number may run."""
    from growlearn.app.api.http_layer import log_to_stdout
    from growlearn.app.api.server import listen, open_context, run_server
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    listener = listen(host or settings.api_host, settings.api_port if port is None else port)
    address = listener.getsockname()
    context = open_context(settings, log_to_stdout)
    echo(f"HTTP API   http://{_format_host(address[0])}:{address[1]}/api/v1")
    if not any(key.revoked_at is None for key in context.records.keys()):  # noqa: SIM118 - no dictionary
        echo("no keys yet; run growlearn keys create NAME --role operator in another terminal")
    run_server(context, listener, log_to_stdout)


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
