"""AWS on this machine: moto's server on a free port, and boto3 clients for it."""

from __future__ import annotations

import http.client
import logging
import threading
from typing import Any

import boto3
from moto.server import ThreadedMotoServer


class MotoServer:
    """A running moto server; use it as a context manager. Starts empty.

    moto keeps its state per Python process, so two servers in one process share what is in them.
    """

    def __init__(self, region: str = "eu-west-1") -> None:
        self.region = region
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._clients: dict[tuple[str, str], Any] = {}
        self._guard = threading.Lock()
        # Any: a Session's typed `client` takes literal names only
        self._session: Any = boto3.Session("testing", "testing", "testing", region_name=region)

    @property
    def endpoint_url(self) -> str:
        """The URL for `endpoint_url` and AWS_ENDPOINT_URL."""
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of a service, made once; it is closed with the server."""
        key = (service, region or self.region)
        with self._guard:
            if key not in self._clients:
                self._clients[key] = self._session.client(
                    service, region_name=key[1], endpoint_url=self.endpoint_url
                )
            return self._clients[key]

    def start(self) -> MotoServer:
        """Start serving, with nothing stored."""
        # Otherwise the server prints one line per request to stderr.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server.start()
        connection = http.client.HTTPConnection(*self._server.get_host_and_port(), timeout=30)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()
        return self

    def stop(self) -> None:
        """Close the clients and stop serving."""
        with self._guard:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()
        self._server.stop()

    def __enter__(self) -> MotoServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
