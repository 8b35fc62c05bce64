from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from growlearn.adapters.webhook.body import write_json, write_slack
from growlearn.domain.alert import Alert, AlertKind, FoldedAlert

AT = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)
ALERT = Alert(stream="digits", kind=AlertKind.DRIFT, at=AT, text="drift: output 7 moved", window="w3")
ONE = FoldedAlert(ids=(7,), newest=ALERT, first_at=AT)


def test_a_body_in_json_says_what_happened_and_how_often() -> None:
    several = replace(ONE, ids=(5, 7), first_at=AT - timedelta(minutes=30))
    assert json.loads(write_json(several)) == {
        "id": 7,
        "kind": "drift",
        "stream": "digits",
        "window": "w3",
        "version": None,
        "text": "drift: output 7 moved",
        "at": "2026-01-02T12:30:00Z",
        "count": 2,
        "first_at": "2026-01-02T12:00:00Z",
    }


def test_a_body_for_slack_is_one_text() -> None:
    several = replace(ONE, ids=(5, 7), first_at=AT - timedelta(minutes=30))
    assert json.loads(write_slack(ONE)) == {"text": "*drift* digits w3: drift: output 7 moved"}
    assert json.loads(write_slack(several))["text"].endswith(
        "moved (2 since 2026-01-02 12:00 UTC; this is the newest)"
    )


def test_a_text_of_others_calls_nobody_and_holds_no_credentials() -> None:
    text = "<!channel> <https://evil|here> & s3://KEY:SECRET@bucket\n*x*"
    written = json.loads(write_slack(replace(ONE, newest=replace(ALERT, text=text))))["text"]
    assert written == (
        "*drift* digits w3: &lt;!channel&gt; &lt;https://evil|here&gt; &amp; s3://KEY:***@bucket\\n*x*"
    )
