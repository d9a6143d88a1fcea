"""What the demo's clients send: a morning of claims, some of which have a story, and a busy noon.

The first claims come one after another, so that it is known which of them the new implementation gets;
the rest come from several clients at a time.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from itertools import count

from observe import ids

_FIRST = 889_000
#: A photo small enough to read in a log: the smallest JPEG header there is.
_PHOTO = "/9j/4AAQSkZJRgABAQEAYABgAAD/2Q=="


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client. what: for people. expected: the status that is right for it."""

    what: str
    method: str
    path: str
    expected: int
    body: dict[str, object] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def claim(number: int) -> str:
    """Return the number of the demo's n-th claim, as people write it."""
    return f"CLM-{_FIRST + number}"


#: Claims with a story, by their place in the morning.
BOTH, FAILED, SLOW, NO_ADDRESS, FLOOD, SHIP = (claim(n) for n in (1, 4, 5, 6, 7, 9))

#: place -> (what, expected status, what differs from an ordinary claim)
_STORIES: dict[int, tuple[str, int, dict[str, object]]] = {
    1: ("with a correlation ID and a foreign traceparent", 202, {}),
    2: ("for a policy that nobody has", 422, {"policy": "POL-404"}),
    4: ("that the legacy side fails on", 500, {"policy": "POL-900"}),
    5: ("that the legacy side is too slow for", 500, {"policy": "POL-901"}),
    6: ("without an e-mail address to notify", 202, {"email": None}),
    7: ("that cannot be assessed", 202, {"kind": "flood"}),
    9: ("too large for the nightly report", 202, {"amount": 12_500_000}),
    10: ("for a policy that has lapsed", 422, {"policy": "POL-902"}),
    11: ("that is no claim", 400, {"policy": None}),
}
#: What ordinary claims are about, in turn.
_KINDS = ("motor", "theft", "glass", "fire", "water")
#: The endpoint that both sides serve.
MIGRATED = "POST /claims"
MORNING = 20
NOON = 190


def morning() -> list[Request]:
    """Return the first claims, those with a story among them."""
    return [submission(n) for n in range(MORNING)]


def submission(n: int) -> Request:
    """Return the n-th claim: an ordinary one, unless its place has a story."""
    said, expected, more = _STORIES.get(n, ("", 202, {}))
    number = claim(n)
    body: dict[str, object] = {
        "number": number,
        "policy": f"POL-{100 + n % 300}",
        "amount": 9_000 if n % 5 == 3 else 900 + n,
        "email": f"customer{n}@example.com",
        "kind": _KINDS[n % len(_KINDS)],
        "photo": _PHOTO if n % 4 == 0 else None,
        **more,
    }
    return Request(f"submit {number} {said}".strip(), "POST", "/claims", expected, body, _headers(n))


def _headers(n: int) -> dict[str, str]:
    """What clients of a grown estate send: an ID of their own, a UUID, two identities, or nothing."""
    if n == 1:
        return {
            "x-correlation-id": "web-000001",
            "traceparent": f"00-{ids.new_trace_id()}-{ids.new_span_id()}-01",
        }
    if n % 3 == 2:
        return {"x-correlation-id": str(uuid.uuid5(uuid.NAMESPACE_URL, claim(n)))}
    return {"x-correlation-id": f"web-{n:06d}"} if n % 3 == 1 else {}


def noon() -> list[Request]:
    """Return what comes from many clients at a time: claims, and what the legacy side still serves."""
    found: list[Request] = []
    for n in range(MORNING, MORNING + NOON):
        found.append(submission(n))
        if n % 2:
            found.append(look_up(n))
        if n % 3 == 0:
            found.append(_get("look up a claim", f"/claims/{claim(12 + n % 7)}", n))
        if n % 9 == 0:
            found.append(_get("print a statement", f"/policies/POL-{100 + n}/statement", n))
    return found


def look_up(n: int) -> Request:
    """Return a request that only the legacy side serves; one in sixteen asks for what is not there."""
    known = n % 16 != 5
    policy = f"POL-{100 + n % 300}" if known else "POL-404"
    return _get("look up a policy", f"/policies/{policy}", n, 200 if known else 404)


def _get(what: str, path: str, n: int, expected: int = 200) -> Request:
    headers = {"x-correlation-id": f"desk-{n:06d}"} if n % 4 else {}
    return Request(what, "GET", path, expected, None, headers)


#: Places after the scenario's own: no two claims of a demo have the same number.
later = count(MORNING + NOON)
