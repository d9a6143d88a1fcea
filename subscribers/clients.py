"""Clients of boto3 that give up in bounded time. Nothing is imported before one is made."""

from __future__ import annotations

from typing import Any


def client(
    service: str, region: str = "", *, attempts: int = 4, read_timeout_s: float = 20.0, connections: int = 16
) -> Any:
    """Return a client with the credentials of the environment.

    region: "" for that of the environment; attempts: calls altogether, with AWS's standard retries.
    https://docs.aws.amazon.com/boto3/latest/guide/retries.html
    """
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(
        retries=retries,
        connect_timeout=3,
        read_timeout=read_timeout_s,
        tcp_keepalive=True,
        max_pool_connections=connections,
    )
    make: Any = boto3.client  # its type has an overload a service
    return make(service, region_name=region or None, config=config)
