"""What the demo's clients do: requests with and without IDs, some of which go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from observe import ids

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client. what: for people. expected: the status that is right for it."""

    what: str
    method: str
    path: str
    expected: int
    body: dict[str, object] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A request and what came back; status 0 where nothing did."""

    request: Request
    status: int

    @property
    def as_expected(self) -> bool:
        """Whether the system answered as it should, failures that are part of the demo included."""
        return self.status == self.request.expected


def correlated(number: int) -> str:
    """Return the correlation ID a client gives with claim `number`."""
    return f"CLM-{889000 + number}"


#: Claims with a story: both IDs at once, a legacy server that fails, one that is too slow.
BOTH, FAILED, SLOW = correlated(3), correlated(8), correlated(13)


def requests() -> list[Request]:
    """Return the demo's requests, in order: claims for the function, look-ups for the legacy side."""
    found: list[Request] = []
    for number in range(24):
        found.append(_claim(number))
        if number % 2:
            headers = {"x-correlation-id": f"desk-{number}"} if number % 4 == 1 else {}
            policy = "POL-UNKNOWN" if number == 11 else f"POL-{100 + number}"
            found.append(
                Request(
                    "look up a policy",
                    "GET",
                    f"/policies/{policy}",
                    404 if number == 11 else 200,
                    None,
                    headers,
                )
            )
    return found


def _claim(number: int) -> Request:
    correlation = correlated(number)
    what, policy, expected = "submit a claim", f"POL-{100 + number}", 202
    headers = {"x-correlation-id": correlation} if number % 3 == 0 else {}
    if correlation == BOTH:
        headers["traceparent"] = f"00-{ids.new_trace_id()}-{ids.new_span_id()}-01"
        what = "submit a claim, with a correlation ID and a foreign traceparent"
    elif correlation == FAILED:
        headers, policy, expected = {"x-correlation-id": FAILED}, "POL-BROKEN", 500
        what = "submit a claim that the legacy side fails on"
    elif correlation == SLOW:
        headers, policy, expected = {"x-correlation-id": SLOW}, "POL-SLOW", 500
        what = "submit a claim that the legacy side is too slow for"
    amount = 9000 if number % 5 == 0 else 900 + number
    body: dict[str, object] = {"number": correlation, "policy": policy, "amount": amount}
    return Request(what, "POST", "/claims", expected, body, headers)


def drive(url: str, wanted: list[Request], done: Callable[[Answer], None]) -> list[Answer]:
    """Send the requests one after another to the front door at `url`; `done` is told of each answer."""
    answers = []
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        for request in wanted:
            try:
                reply = client.request(
                    request.method, request.path, json=request.body, headers=request.headers
                )
                answer = Answer(request, reply.status_code)
            except httpx.TransportError:
                answer = Answer(request, 0)
            answers.append(answer)
            done(answer)
    return answers
