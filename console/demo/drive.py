"""The demo's clients: they send requests, alone or several at a time, and remember what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from console.demo.scenario import Request

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A request and what came back; status 0 where nothing did."""

    request: Request
    status: int

    @property
    def as_expected(self) -> bool:
        """Whether the system answered as it should, failures that are part of the demo included."""
        return self.status == self.request.expected

    def __str__(self) -> str:
        asked = f"{self.request.method} {self.request.path} ({self.request.what})"
        return f"{asked}: {self.status or 'no answer'}, expected {self.request.expected}"


def drive(
    url: str, wanted: Iterable[Request], done: Callable[[Answer], None], clients: int = 1
) -> list[Answer]:
    """Send the requests to the front door at `url`, `clients` at a time; return the answers in their order.

    done: told of each answer as it comes, on a client's thread.
    """
    with (
        httpx.Client(base_url=url, timeout=TIMEOUT_S) as client,
        ThreadPoolExecutor(clients, thread_name_prefix="client") as pool,
    ):

        def send(request: Request) -> Answer:
            answer = Answer(request, _status(client, request))
            done(answer)
            return answer

        return list(pool.map(send, wanted))


def _status(client: httpx.Client, request: Request) -> int:
    try:
        reply = client.request(request.method, request.path, json=request.body, headers=request.headers)
    except httpx.TransportError:
        return 0
    return reply.status_code
