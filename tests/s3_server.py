"""An S3 server of moto in a thread of this process: buckets in memory, the protocol on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from fsspec import AbstractFileSystem, filesystem

_EVERYTHING = (
    """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"""
)


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test; the environment holds the address of its server and a key."""

    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    @property
    def fs(self) -> AbstractFileSystem:
        return filesystem("s3")

    def put(self, key: str, content: bytes = b"x") -> None:
        self.call("put_object", Key=key, Body=content)

    def call(self, operation: str, **arguments: Any) -> Any:
        """A request of S3 that has no counterpart on a file system."""
        return self.fs.call_s3(operation, Bucket=self.name, **arguments)


@contextmanager
def serve_s3() -> Iterator[None]:
    """A server, and an environment in which `s3://` is that server."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow, and few tests need it

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")  # a server that is away is away
        forget_connections()
        yield
    forget_connections()
    server.stop()


def make_bucket() -> Bucket:
    """A new bucket on that server."""
    bucket = Bucket(f"b-{uuid4().hex}")
    bucket.fs.mkdir(bucket.name)
    return bucket


def forget_connections() -> None:
    """Let fsspec, which keeps an open file system for ever, read the environment again: it takes 0.4 s."""
    filesystem("s3").clear_instance_cache()


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Connections to S3 are made with these variables meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        forget_connections()
        yield
    forget_connections()


@contextmanager
def strict_server() -> Iterator[dict[str, str]]:
    """The server checks keys meanwhile; the variables of one that it lets in."""
    import boto3  # noqa: PLC0415 - slow, as above
    import moto.settings  # noqa: PLC0415
    from moto.core.authorization import ActionAuthenticatorMixin  # noqa: PLC0415

    users = boto3.client("iam")
    name = f"u-{uuid4().hex}"
    users.create_user(UserName=name)
    users.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=_EVERYTHING)
    key = users.create_access_key(UserName=name)["AccessKey"]
    users.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
