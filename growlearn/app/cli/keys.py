"""keys create, keys list, keys revoke: who may use the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from growlearn.app.cli.inspect import JsonOption
from growlearn.app.cli.output import echo, echo_error, print_json, show_table
from growlearn.domain.api_key import Role

if TYPE_CHECKING:
    from growlearn.ports import ApiRecords

RoleOption = Annotated[Role, typer.Option("--role", help="What it may do.")]


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    group = typer.Typer(no_args_is_help=True, help="Who may use the HTTP API.")
    group.command()(create)
    group.command("list")(list_keys)
    group.command()(revoke)
    app.add_typer(group, name="keys", rich_help_panel="Run")


def _open_records() -> ApiRecords:
    from growlearn.app.composition import open_api_records, open_store
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    open_store(settings)  # creates the tables of a new home
    return open_api_records(settings)


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")],
    role: RoleOption = Role.VIEWER,
) -> None:
    """Create a key and show it; it is shown this once, and only its hash is stored."""
    from growlearn.app.api.keys import create_key
    from growlearn.app.composition import system_clock

    key, token = create_key(_open_records(), name, role, system_clock().now())
    echo_error(f"key {key.id} of {key.name}, role {key.role}; it is not shown again:")
    echo(token)


def list_keys(as_json: JsonOption = False) -> None:
    """Show every key, without its secret."""
    from growlearn.app.key_view import keys_view

    view = keys_view(_open_records().keys())
    if as_json:
        print_json(view)
        return
    columns = ("id", "name", "role", "created_at", "expires_at", "revoked_at")
    show_table(
        columns,
        [[key[column] for column in columns] for key in view["keys"]],
        empty="no keys yet; run: growlearn keys create NAME",
    )


def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]) -> None:
    """Revoke a key at once; it stays in the list."""
    from growlearn.app.composition import system_clock

    key = _open_records().revoke_key(key_id, system_clock().now())
    echo(f"key {key.id} of {key.name} is revoked")
