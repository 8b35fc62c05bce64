"""db upgrade, db check, db backup: the tables of the database, and a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from growlearn.app.cli.output import FAILED, echo


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    group = typer.Typer(no_args_is_help=True, help="The tables of the database, and a copy of it.")
    group.command()(upgrade)
    group.command()(check)
    group.command()(backup)
    app.add_typer(group, name="db", rich_help_panel="Run")


def upgrade() -> None:
    """Upgrade the database to the newest tables; does nothing where it has them."""
    from growlearn.adapters.db.migrate import upgrade_database
    from growlearn.adapters.db.revision import get_current_revision
    from growlearn.app.current_settings import load_settings

    url = load_settings().database_url
    before = get_current_revision(url)
    upgrade_database(url)
    after = get_current_revision(url)
    echo(f"database is at revision {after}" + ("" if before == after else f" (was {before or 'empty'})"))


def check() -> None:
    """Check that the database has the newest tables, unchanged."""
    from growlearn.adapters.db.migrate import check_database
    from growlearn.app.current_settings import load_settings

    state = check_database(load_settings().database_url)
    if state.is_up_to_date:
        echo(f"database is sound, at revision {state.current}")
        return
    if state.current != state.head:
        current = state.current or "none"
        echo(f"database is at revision {current}, {state.head} is wanted: growlearn db upgrade")
    for difference in state.differences:
        echo(f"differs from the newest tables: {difference}")
    raise typer.Exit(FAILED)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
) -> None:
    """Copy a SQLite database into one file, while others may write to it."""
    from growlearn.adapters.db.backup import backup_sqlite
    from growlearn.app.current_settings import load_settings

    backup_sqlite(load_settings().database_url, file)
    echo(f"database -> {file}, {file.stat().st_size / 1e6:.1f} MB")
