"""An HTTP relay that passes requests on and may lose the answers to some of them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_OF_ONE_CONNECTION = ("transfer-encoding", "connection", "content-length", "keep-alive")


@dataclass
class Relay:
    """The relay's address, and every request that it passed on.

    `loses` is asked with method and path once the server has answered: where it is true, the connection is
    closed instead, so that the client cannot know that its request was carried out.
    """

    server: str
    loses: Callable[[str, str], bool] = lambda _method, _path: False
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        """Send one request to the server, and its answer back."""
        length = int(handler.headers.get("Content-Length") or 0)
        connection = http.client.HTTPConnection(urlsplit(self.server).netloc, timeout=60)
        connection.request(
            handler.command, handler.path, handler.rfile.read(length), dict(handler.headers.items())
        )
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        path = urlsplit(handler.path).path
        self.requests.append((handler.command, path))
        if self.loses(handler.command, path):
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_ONE_CONNECTION:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


@contextmanager
def run_relay(server: str) -> Iterator[Relay]:
    """A relay to a server, on a free port of this machine."""
    relay = Relay(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            relay.pass_on(self)

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_GET)
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relay.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
