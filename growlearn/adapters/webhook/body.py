"""An alert as the body of a request, in the formats that receivers take."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from growlearn.domain.alert import FoldedAlert


def write_json(folded: FoldedAlert) -> bytes:
    """Flat JSON; `id` is that of the newest alert it stands for, and grows within an installation."""
    alert = folded.newest
    return _encode(
        {
            "id": folded.ids[-1],
            "kind": alert.kind.value,
            "stream": alert.stream,
            "window": alert.window,
            "version": alert.version,
            "text": alert.text,
            "at": _format_time(alert.at),
            "count": folded.count,
            "first_at": _format_time(folded.first_at),
        }
    )


def write_slack(folded: FoldedAlert) -> bytes:
    """One line of text, as Slack, Mattermost, Rocket.Chat and others take it."""
    alert = folded.newest
    subject = alert.stream if alert.window is None else f"{alert.stream} {alert.window}"
    since = f"{folded.first_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    repeated = "" if folded.count == 1 else f" ({folded.count} since {since}; this is the newest)"
    return _encode({"text": f"*{alert.kind}* {_escape(subject)}: {_escape(alert.text)}{repeated}"})


FORMATS: Mapping[str, Callable[[FoldedAlert], bytes]] = {"json": write_json, "slack": write_slack}
"""The bodies by the name of the setting."""


def _encode(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode("ascii")


def _escape(text: str) -> str:
    """Text in which Slack sees no link, mention or entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
