"""db upgrade, db check: the tables of the record."""

from __future__ import annotations

import typer

from growlearn.app.cli.output import FAILED, say


def register(app: typer.Typer) -> None:
    """Put this group's commands into the program."""
    group = typer.Typer(no_args_is_help=True, help="The tables of the record.")
    group.command()(upgrade)
    group.command()(check)
    app.add_typer(group, name="db", rich_help_panel="Run")


def upgrade() -> None:
    """Bring the database to the newest tables; harmless where it is there already."""
    from growlearn.adapters.db.migrate import upgrade as upgrade_database
    from growlearn.adapters.db.revision import current_revision
    from growlearn.app.here import settings

    url = settings().database_url
    before = current_revision(url)
    upgrade_database(url)
    after = current_revision(url)
    say(f"database is at revision {after}" + ("" if before == after else f" (was {before or 'empty'})"))


def check() -> None:
    """Tell whether the database is at the newest tables and nobody has changed them."""
    from growlearn.adapters.db.migrate import check as check_database
    from growlearn.app.here import settings

    state = check_database(settings().database_url)
    if state.sound:
        say(f"database is sound, at revision {state.current}")
        return
    if state.current != state.head:
        say(
            f"database is at revision {state.current or 'none'}, {state.head} is wanted: growlearn db upgrade"
        )
    for difference in state.differences:
        say(f"differs from the newest tables: {difference}")
    raise typer.Exit(FAILED)
