"""Hides credentials in any text that people, files or other programs may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ADDRESS_END = re.compile(r"[\s'\"<>`]|$")
_PORT = re.compile(r"\d*(?=[/?#]|$)")
_WITHOUT_USERS = ("file://", "local://", "memory://", "sqlite://")
_WITHOUT_SCHEME = re.compile(r"(?<![\w.+-])(?<!://)(?P<user>[\w.+-]+):(?!//)[^\s'\"]+@(?=[\w\[*])")
"""USER:PASSWORD@HOST, as where an address lacks a character of its scheme."""
_DATABASES = ("postgres", "mysql", "mariadb", "oracle", "mssql", "redis", "mongodb", "amqp")
_USER_IS_SECRET = ("http", "s3", "gs", "gcs", "abfs", "az")  # a token or a key stands before the @
_VALUE = r"'[^']*'|\"[^\"]*\"|[^&\s'\"<>,)\]}]*"
_PAIR = re.compile(rf"(?P<mark>[?&;]?)(?P<key>[\w.%-]+)=(?P<value>{_VALUE})")
_QUOTED_PAIR = re.compile(r"(?P<key>['\"][\w.%-]+['\"])\s*:\s*(?P<value>'[^']*'|\"[^\"]*\")")
_SECRET_KEY = re.compile(
    r"(password|passwd|passphrase|pwd|secret|token|credentials?|authorization|signature"
    r"|(api|access|secret|private|account|shared|auth)[-_.]?key)$"
)
_SECRET_PATH = re.compile(
    r"(hooks\.slack\.com/\w+/|discord(?:app)?\.com/api/webhooks/|\.webhook\.office\.com/\w+/)[^\s'\"<>`]+"
)
"""Addresses of webhooks whose path lets anybody write."""
_SECRET_QUERY_KEYS = ("auth", "key", "pass", "pw", "sas", "sig")
"""Too common to be hidden anywhere but in the query of an address."""


def redact(text: str) -> str:
    """The text without the passwords, keys and tokens of the addresses in it, in doubt without more.

    What stands before an @ in an address goes, also where the address does not parse, and so do values whose
    name says that they are secret, in a query or elsewhere.

    >>> redact("no route to postgresql://ann:p@ss/word@db/growlearn?sslpassword=x&connect_timeout=3")
    'no route to postgresql://ann:***@db/growlearn?sslpassword=***&connect_timeout=3'
    >>> redact("s3://KEY:SECRET@bucket/in, https://host/in?token=abc")
    's3://KEY:***@bucket/in, https://host/in?token=***'
    """
    if "://" in text:
        text = _SECRET_PATH.sub(rf"\g<1>{HIDDEN}", _hide_users(text))
    if "@" in text and ":" in text:
        text = _WITHOUT_SCHEME.sub(rf"\g<user>:{HIDDEN}@", text)
    if "=" in text:
        text = _PAIR.sub(_hide_pair, text)
    if ":" in text:
        text = _QUOTED_PAIR.sub(_hide_quoted_pair, text)
    return text


def redact_values(value: Any) -> Any:
    """Plain data with every text in it redacted, and every value whose key names a secret hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_values(item) for item in value]
    return value


def _hide_users(text: str) -> str:
    parts, end = [], 0
    for match in _SCHEME.finditer(text):
        if match.start() < end:  # inside what was hidden already
            continue
        hidden = _find_user_secret(text, match)
        if hidden is not None:
            parts += [text[end : hidden[0]], HIDDEN]
            end = hidden[1]
    return "".join(parts) + text[end:]


def _find_user_secret(text: str, scheme: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret before the @ of an address begins and ends; None where there is none."""
    name, start = scheme[0].lower(), scheme.end()
    end_match = _ADDRESS_END.search(text, start)
    assert end_match is not None, "a text has an end"
    end = end_match.start()
    colon, last_at = text.find(":", start, end), text.rfind("@", start, end)
    is_port = colon == -1 or _is_port(text, colon, end)
    if last_at == -1:
        return None if is_port else _find_broken(text, name, start, colon, end)
    if colon != -1 and colon < last_at and (not is_port or name.startswith(_DATABASES)):
        return colon + 1, last_at
    first_at = text.find("@", start, end)
    is_user = re.search(r"[/?#]", text[start:first_at]) is None
    return (start, first_at) if is_user and name.startswith(_USER_IS_SECRET) else None


def _is_port(text: str, colon: int, end: int) -> bool:
    match = _PORT.match(text[:end], colon + 1)
    return match is not None and not text.startswith("@", match.end())


def _find_broken(text: str, name: str, start: int, colon: int, end: int) -> tuple[int, int] | None:
    """A password with a space or a quote ends the address before its @: hide it up to there."""
    separator = re.search(r"[/?#]", text[start:end])
    if name in _WITHOUT_USERS or text.startswith("[", start):
        return None
    if separator is not None and start + separator.start() < colon:  # in the path
        return None
    line_end = text.find("\n", end)
    later_at = text.find("@", end, len(text) if line_end == -1 else line_end)
    return colon + 1, end if later_at == -1 else later_at


def _is_secret(key: str, *, in_query: bool) -> bool:
    plain = unquote(key).lower()
    return _SECRET_KEY.search(plain) is not None or (in_query and plain in _SECRET_QUERY_KEYS)


def _hide_pair(match: re.Match[str]) -> str:
    if not match["value"] or not _is_secret(match["key"], in_query=bool(match["mark"])):
        return match[0]
    return f"{match['mark']}{match['key']}={HIDDEN}"


def _hide_quoted_pair(match: re.Match[str]) -> str:
    is_secret = _is_secret(match["key"][1:-1], in_query=False)
    return f"{match['key']}: '{HIDDEN}'" if is_secret else match[0]
