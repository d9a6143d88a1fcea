"""Connections that tell a handshake that failed from a connection that broke: only of the former nothing was
sent. Imported when the first request is sent."""

from __future__ import annotations

import ssl
from typing import Any

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class HandshakeError(ssl.SSLError):
    """TLS was never agreed upon; the cause is OpenSSL's."""


class _Connection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            failed = HandshakeError(*error.args)
            failed.reason = error.reason
            raise failed from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def manager(proxy: str, settings: dict[str, Any], proxy_headers: dict[str, Any]) -> urllib3.PoolManager:
    """Return what keeps connections. proxy: its address, "" for none; settings: of the pools."""
    if proxy:
        made: urllib3.PoolManager = urllib3.ProxyManager(proxy, **proxy_headers, **settings)
    else:
        made = urllib3.PoolManager(**settings)
    made.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}
    return made
