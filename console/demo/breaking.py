"""Break a running demo, send requests meanwhile, repair it; what a client of the demo is told of that."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice

import msgspec

from console.demo import scenario
from console.demo.drive import Answer
from console.demo.faults import FAULTS
from console.demo.scenario import Request
from console.demo.session import Session

CLAIMS = 16
CLIENTS = 4


class Told(msgspec.Struct, frozen=True):
    """What happened while a fault was on. Times: nanoseconds since the epoch.

    answers: status -> how many, 0 for none; claims: numbers of those sent, those that failed first;
    failed_payloads: deliveries that failed while it was on; received, settled: events of the deliveries
    after it; pending: payloads that are still to be delivered.
    """

    name: str
    from_unix_nano: int
    to_unix_nano: int
    answers: dict[str, int]
    claims: list[str]
    failed_payloads: int
    received: int
    settled: int
    pending: int


def broken(session: Session, name: str) -> Told:
    """Break the session by the fault of that name and repair it again. Raises KeyError, DemoFailedError."""
    fault = FAULTS[name]
    session.deliver()
    start = time.time_ns()
    failed = 0
    with fault.broken(session):
        answers = session.send(_requests(), clients=CLIENTS)
        session.settle()
        if fault.delivers:
            failed = session.deliver().failed
    session.settle()
    total = session.deliver()
    return Told(
        name=name,
        from_unix_nano=start,
        to_unix_nano=time.time_ns(),
        answers={str(status): n for status, n in sorted(Counter(a.status for a in answers).items())},
        claims=_telling(answers),
        failed_payloads=failed,
        received=total.received,
        settled=total.settled,
        pending=session.subscription.pending(),
    )


def _requests() -> list[Request]:
    """Ordinary claims, and between them what only the legacy side serves."""
    found: list[Request] = []
    for n in islice(scenario.later, CLAIMS):
        found.append(scenario.submission(n))
        if n % 4 == 0:
            found.append(scenario.look_up(n))
    return found


def _telling(answers: list[Answer]) -> list[str]:
    """The numbers of the claims, those that failed first, later ones before earlier ones."""
    claims = [answer for answer in reversed(answers) if answer.request.body]
    claims.sort(key=lambda answer: answer.as_expected)
    return [str((answer.request.body or {})["number"]) for answer in claims]
