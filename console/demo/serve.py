"""`observe demo --serve`: the demo goes on, logs are delivered as they come, and it can be broken on request.

The control is an HTTP server on loopback: POST /break/<fault> with the token that is in the store's
demo.json, which only its owner may read. Answers are JSON: what `breaking.Told` says, or {"message"}.
Rules are judged every minute; the links of their alerts lead to GET /trace/<correlation ID>, a page.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count, islice
from urllib.parse import unquote

import msgspec
from rich.console import Console

from console.demo import alerts, breaking, report, scenario
from console.demo.faults import FAULTS
from console.demo.session import RUNNING, Session
from console.demo.story_page import page_of
from console.demo.subscribe import STATE, Total
from console.errors import ConsoleError
from console.local.http_edge import EdgeServer, JsonHandler
from subscribers.alerts.model import SLOT_S
from subscribers.store import Store
from subscribers.store_errors import StoreError

#: Between two rounds of ordinary traffic; logs are delivered after each.
ROUND_S = 2.0
_CLAIMS = 3
_SAID_EVERY = 15
_COMPACTED_EVERY = 10
#: How long files that were merged stay for readers that have begun.
_GRACE_S = 30.0
_TRACE = "/trace/"
_HOSTS = ("127.0.0.1", "localhost")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
TOKEN = "x-demo-token"  # noqa: S105  # the header's name


def serve(session: Session, talk: Console, stop: threading.Event) -> None:
    """Keep the demo running until `stop` is set: traffic, delivery, faults on request."""
    busy = threading.Lock()
    with _control(session, busy) as address, alerts.receiver() as inbox:
        judging = alerts.Alerts(
            session.store / STATE, inbox, {"trace": f"http://{address}/trace/{{correlation_id}}"}
        )
        judged_s = 0
        _say_how(session, talk)
        failing = False
        for number in count(1):
            if stop.wait(ROUND_S):
                return
            with busy:
                total = _round(session)
                if number % _COMPACTED_EVERY == 0:
                    # A payload is a file or three: readers would get slower and slower.
                    Store(session.store).compact(grace_s=_GRACE_S)
                minute_s = int(time.time()) // SLOT_S * SLOT_S
                if minute_s > judged_s:
                    judged_s = minute_s
                    for told in judging.evaluate(minute_s):
                        alerts.render(told, talk, lambda command: report.typed(command, session.store))
            if total.failed and not failing:
                _say(talk, f"the subscriber fails, its payloads come again: {total.why}")
            failing = bool(total.failed)
            if number % _SAID_EVERY == 0:
                said = f"{len(session.answers)} requests sent, {session.total.settled} log events settled"
                _say(talk, said)


def _say(talk: Console, text: str) -> None:
    talk.print(f"{time.strftime('%H:%M:%S')} {text}", highlight=False, markup=False)


def _round(session: Session) -> Total:
    places = list(islice(scenario.later, _CLAIMS))
    session.send([scenario.submission(n) for n in places] + [scenario.look_up(n) for n in places])
    session.system.ship()
    return session.deliver()


def _say_how(session: Session, talk: Console) -> None:
    command, option = report.command(), report.option(session.store)
    good = '{"number": "CLM-900001", "policy": "POL-101", "amount": 120, "email": "me@example.com"}'
    bad = '{"number": "CLM-900002", "policy": "POL-900", "amount": 120}'
    talk.print(f"\nServing at {session.system.url}; Ctrl-C ends it. Meanwhile, elsewhere:", highlight=False)
    for name in FAULTS:
        report.say(f"  {command} demo break {name}{option}", talk)
    report.say(f"  {command} requests{option}", talk)
    header = "-H 'x-correlation-id: mine-1'"
    report.say(f"  curl {session.system.url}/claims {header} -d '{good}'", talk)
    report.say(f"  {command} trace mine-1{option}     # some seconds later", talk)
    report.say("This one fails, on the legacy side or because of it:", talk)
    report.say(f"  curl {session.system.url}/claims -H 'x-correlation-id: mine-2' -d '{bad}'", talk)


@contextmanager
def _control(session: Session, busy: threading.Lock) -> Iterator[str]:
    """Run the control, and yield its host and port."""
    token = secrets.token_hex(16)
    members = {"session": session, "busy": busy, "token": token}
    server = EdgeServer(type("Handler", (_Handler,), members))
    path = session.store / RUNNING
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": f"http://{server.address}", "token": token, "pid": os.getpid()}, file)
    try:
        yield server.address
    finally:
        path.unlink(missing_ok=True)
        server.close()


class _Handler(JsonHandler):
    session: Session
    busy: threading.Lock
    token: str

    def do_GET(self) -> None:  # noqa: N802
        """Show the story that an alert's link names: /trace/<correlation ID>. It only reads."""
        if self.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
            # A page of somebody else's must not read it by a name that leads here.
            return self.respond_json(HTTPStatus.FORBIDDEN, {"message": "ask 127.0.0.1 for it"})
        name, id = self.path[: len(_TRACE)], unquote(self.path[len(_TRACE) :])
        if name != _TRACE or not id.strip():
            return self.respond_json(HTTPStatus.NOT_FOUND, {"message": "it is /trace/<correlation ID>"})
        try:
            page = page_of(Store(self.session.store), id)
        except StoreError as error:
            return self.respond_json(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": str(error)})
        if page is None:
            return self.respond_json(HTTPStatus.NOT_FOUND, {"message": f"nothing is known of {id[:64]!r}"})
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _POLICY)]
        return self.respond(HTTPStatus.OK, page.encode("utf-8", "replace"), headers)

    def do_POST(self) -> None:  # noqa: N802
        """Break what the path names."""
        if not secrets.compare_digest(self.headers.get(TOKEN, "").encode(), self.token.encode()):
            return self.respond_json(HTTPStatus.FORBIDDEN, {"message": "the token is not this demo's"})
        name = self.path.removeprefix("/break/")
        if name not in FAULTS:
            return self.respond_json(HTTPStatus.NOT_FOUND, {"message": f"there is no fault {name[:64]!r}"})
        try:
            with self.busy:
                told = breaking.broken(self.session, name)
        except (ConsoleError, StoreError, OSError) as error:
            return self.respond_json(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": str(error)})
        return self.respond_json(HTTPStatus.OK, msgspec.to_builtins(told))
