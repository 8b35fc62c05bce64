"""Checks that alerts reach the webhook."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding
from growlearn.domain.alert import ALERT_LIFETIME


def webhook(context: StoreContext) -> Iterator[Finding]:
    """Whether there is one, whether it is signed, and what it has not taken."""
    from growlearn.adapters.db.health import find_alert_backlog
    from growlearn.adapters.webhook.send import describe_receiver

    settings = context.settings
    if not settings.webhook_url:
        yield ok_finding("webhook", "none: nobody is told of drift or failures unless they look")
        return
    receiver = describe_receiver(settings.webhook_url)
    if settings.webhook_format == "json" and not settings.webhook_secret:
        yield warning_finding(
            "webhook", f"alerts to {receiver} are not signed", "set GROWLEARN_WEBHOOK_SECRET"
        )
    since = context.clock.now() - ALERT_LIFETIME
    backlog = find_alert_backlog(context.engine, settings.webhook_events, since)
    if backlog is None or backlog.attempted_at is None:
        unsent = (
            "all alerts were sent" if backlog is None else f"{pluralize(backlog.alerts, 'alert')} to come"
        )
        yield ok_finding("webhook", f"{receiver}: {unsent}")
        return
    tried = f"{backlog.attempted_at:%Y-%m-%d %H:%M:%S} UTC: {backlog.reason}"
    yield error_finding(
        "webhook",
        f"{pluralize(backlog.alerts, 'alert')} unsent since {backlog.since:%Y-%m-%d %H:%M:%S} UTC; tried "
        f"{pluralize(backlog.attempts, 'time')}, last at {tried}",
        "fix what the reason names; alerts are tried again for a day",
    )
