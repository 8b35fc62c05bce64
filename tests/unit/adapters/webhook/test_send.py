from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from growlearn.adapters.webhook.send import post
from growlearn.domain.errors import Unavailable
from tests.unit.adapters.webhook.receiver import Receiver, run_receiver

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


def send(receiver: Receiver, secret: str = "s3cret", timeout_s: float = 10.0) -> str:
    """The reason why it was not taken; empty where it was."""
    try:
        post(receiver.url, b'{"kind": "drift"}', secret, AT, timeout_s)
    except Unavailable as error:
        reason = str(error)
    else:
        reason = ""
    assert "hidden-path" not in reason
    assert "abc" not in reason
    return reason


def test_a_body_comes_with_a_signature_that_its_receiver_can_check(receiver: Receiver) -> None:
    assert send(receiver) == ""
    ((path, headers, body),) = receiver.received
    assert (path, headers["content-type"]) == ("/services/T0/hidden-path?token=abc", "application/json")
    time, signature = (part.partition("=")[2] for part in headers["growlearn-signature"].split(","))
    expected = hmac.new(b"s3cret", time.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (int(time), signature) == (int(AT.timestamp()), expected)


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    send(receiver, secret="")
    assert "growlearn-signature" not in receiver.received[0][1]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_any_other_status_than_success_is_a_failure(status: int, receiver: Receiver) -> None:
    receiver.status = status
    assert f"answered {status}" in send(receiver)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, receiver: Receiver) -> None:
    receiver.status, receiver.location = status, receiver.url.replace("services", "elsewhere")
    assert f"answered {status}" in send(receiver)
    assert [path.split("/")[1] for path, _, _ in receiver.received] == ["services"]


def test_an_answer_is_not_waited_for_long(receiver: Receiver) -> None:
    receiver.delay_s = 60
    assert "timed out" in send(receiver, timeout_s=0.1)


def test_a_receiver_that_is_gone_is_named_by_its_host() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gone = Receiver(url=f"http://127.0.0.1:{port}/services/hidden-path?token=abc")
    assert send(gone).startswith(f"http://127.0.0.1:{port} cannot be reached: ")


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200]
)
def test_an_answer_that_is_no_http_is_a_failure(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        reason = send(Receiver(url=f"http://127.0.0.1:{server.getsockname()[1]}/"))
        thread.join()
    assert reason
