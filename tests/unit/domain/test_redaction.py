"""No spelling of an address lets a credential through; what is no credential stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.redaction import redact, redact_values

SECRET = "hunter2Zq"

_ENDS = re.compile(r"[\s'\"<>`]")

ADDRESSES = [
    "postgresql://ann:{}@db/growlearn",
    "postgresql+psycopg://ann:{}@[::1]:5432/growlearn",
    "postgresql://ann:p@ss/{}@db/growlearn",
    "postgresql://ann:12/{}@db/growlearn",
    "postgresql://ann:5{}@db",
    "postgresql://ann:{} x@db/growlearn",
    "postgresql://ann:x {}@db/growlearn",
    "postgresql://ann:x'{}@db/growlearn",
    'postgresql://ann:x"{}@db/growlearn',
    "postgresql://ann:x?{}@db/growlearn",
    "postgresql://ann:x#{}@db/growlearn",
    "postgresql://ann:{}",
    "postgresql://ann:{}/growlearn",
    "postgresql://db/growlearn?password={}",
    "postgresql://db/growlearn?user=ann&sslpassword={}&connect_timeout=3",
    "postgresql://db/growlearn?pass%77ord={}",
    "postgresql:///growlearn?host=/run&PASSWORD={}",
    "s3://KEY:{}@bucket/in",
    "s3://{}@bucket/in",
    "s3://bucket/in?aws_secret_access_key={}",
    "simplecache::s3://KEY:{}@bucket/in",
    "https://host/in?token={}",
    "https://host/in?a=1&sig={}",
    "https://host/in?api_key={}#top",
    "https://{}@host/in",
    "https://ann:{}@host:5000/in",
    "abfs://container@account.dfs.core.windows.net/in?sas={}",
    "host=db user=ann password={} dbname=growlearn",
    "host=db password='{} x' dbname=growlearn",
    "{{'key': 'K', 'secret': '{}'}}",
    '{{"client_secret": "{}"}}',
    "AWS_SECRET_ACCESS_KEY={}",
    "http://proxy:{}/without-an-at",
    "postgres//ann:{}@db/growlearn",
    "postgres:/ann:{}@db/growlearn",
    "ann:{}@db:5432",
    "https://hooks.slack.com/services/T0/B0/{}",
    "https://hooks.slack.com/workflows/T0/{}/1",
    "https://discord.com/api/webhooks/1/{}/slack",
    "https://x.webhook.office.com/webhookb2/{}",
]


@pytest.mark.parametrize("template", ADDRESSES)
@pytest.mark.parametrize("frame", ["{}", "cannot reach {}: timeout", "{!r} is no database URL", "[{!r}, 3]"])
def test_no_credential_is_seen(template: str, frame: str) -> None:
    shown = redact(frame.format(template.format(SECRET)))
    assert SECRET not in shown
    assert "***" in shown


@given(st.text(min_size=1).filter(lambda text: "\n" not in text and not ("@" in text and _ENDS.search(text))))
def test_whatever_a_password_consists_of_it_is_hidden(password: str) -> None:
    """But for one that has an @ and also what ends an address in a text."""
    secret = f"{SECRET}{password}{SECRET}"
    assert SECRET not in redact(f"cannot reach postgresql://ann:{secret}@db/growlearn")


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////srv/home%41/what?/growlearn.db",
        "sqlite:///C:/growlearn.db",
        "postgresql://ann@db:5432/growlearn?connect_timeout=3",
        "http://mlflow.example:5000",
        "http://[::1]:5000/api",
        "s3://bucket/in/day=3/part.parquet",
        "s3://bucket/mail@home/part:1.parquet",
        "file:///srv/a@b",
        "pip install 'tokenizers==0.21.0'",
        "max_tokens=5, n_keys=3, key=4",
        "the class 'token' is rare: 5 of 100 rows",
        "growth: {learning_rate: 0.01}",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text


def test_the_rest_of_an_address_and_of_a_message_stays() -> None:
    text = "MLflow at http://ann:secret@host:5000/x did not answer: timeout after 3 s (see http://docs/a)"
    assert redact(text) == text.replace("secret", "***")


def test_a_redacted_text_does_not_change_any_more() -> None:
    for template in ADDRESSES:
        shown = redact(template.format(SECRET))
        assert redact(shown) == shown


def test_plain_data_is_redacted_throughout() -> None:
    view = {"urls": [f"s3://K:{SECRET}@b", {"deep": (f"?token={SECRET}",)}], "rows": 3, "none": None}
    assert redact_values(view) == {
        "urls": ["s3://K:***@b", {"deep": ["?token=***"]}],
        "rows": 3,
        "none": None,
    }


def test_every_error_is_redacted_with_its_hint() -> None:
    assert GrowLearnError("no such file").hint is None
    shown = GrowLearnError(f"postgresql://a:{SECRET}@db", hint=f"try s3://K:{SECRET}@b")
    assert SECRET not in f"{shown} {shown.message} {shown.hint}"
