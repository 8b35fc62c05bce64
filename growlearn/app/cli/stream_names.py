"""The names of streams, for the completion of a shell."""

from __future__ import annotations


def complete_stream(incomplete: str) -> list[str]:
    """The streams whose names begin so; none where the record cannot be read, for a shell cannot say why."""
    from growlearn.app.composition import system_clock
    from growlearn.app.current_settings import load_settings
    from growlearn.app.doctor.context import CheckContext, open_store_context
    from growlearn.domain.errors import GrowLearnError

    try:
        context = CheckContext(settings=load_settings(), clock=system_clock())
        with open_store_context(context) as opened:  # read-only: a look must make no home
            names = [] if opened is None else [item.name for item in opened.store.stream_schedules()]
    except GrowLearnError:
        return []
    return [name for name in names if name.startswith(incomplete)]
