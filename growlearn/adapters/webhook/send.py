"""One signed POST to an address: no redirect is followed, and an answer is not waited for long."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from growlearn import __version__
from growlearn.domain.errors import Unavailable

SIGNATURE_HEADER = "GrowLearn-Signature"
TIMEOUT_S = 10.0
"""Longest wait for a connection, and for each part of the answer."""


class _RefuseRedirects(HTTPRedirectHandler):
    """An address that leads elsewhere could lead a signed body, or this network, to anybody."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """No other request is made; the redirect is then an error like any other status."""


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The value of the signature's header: `t=SECONDS,v1=HEX`.

    HEX is the HMAC-SHA256 of `SECONDS.BODY` with the secret, SECONDS the Unix time: the scheme of Stripe.

    >>> from datetime import UTC
    >>> sign(b"{}", "secret", datetime(2026, 1, 2, tzinfo=UTC))[:23]
    't=1767312000,v1=bf684d4'
    """
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def post(url: str, body: bytes, secret: str, at: datetime, timeout_s: float = TIMEOUT_S) -> None:
    """Post a JSON body, signed unless the secret is empty.

    Raises Unavailable where no status of success comes back in time; its text names the host alone, because
    the path of such addresses is often a secret.
    """
    headers = {"Content-Type": "application/json", "User-Agent": f"growlearn/{__version__}"}
    if secret:
        headers[SIGNATURE_HEADER] = sign(body, secret, at)
    request = Request(url, body, headers, method="POST")  # noqa: S310 - settings take http and https only
    receiver = describe_receiver(url)
    try:
        response: HTTPResponse
        with build_opener(_RefuseRedirects).open(request, timeout=timeout_s) as response:
            response.close()  # its body says nothing that matters, however long it is
    except HTTPError as error:
        error.close()
        raise Unavailable(f"{receiver} answered {error.code} {error.reason}") from None
    except URLError as error:
        raise Unavailable(f"{receiver} cannot be reached: {error.reason}") from None
    except (OSError, HTTPException) as error:  # a connection cut, a time out while the answer is read
        raise Unavailable(f"{receiver} did not answer: {str(error) or type(error).__name__}") from None


def describe_receiver(url: str) -> str:
    """Scheme, host and port of an address.

    >>> describe_receiver("https://ann:secret@hooks.example:8443/services/T0/B0/XYZ?token=1")
    'https://hooks.example:8443'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
