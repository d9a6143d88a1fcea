"""`observe demo break`: ask a running demo to break something, and show what the tool then shows.

NoDemoError     no demo runs that can be asked
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import msgspec
from rich.console import Console

from console import key_secret, requests, trace
from console.demo.breaking import Told
from console.demo.faults import FAULTS
from console.demo.report import command, option, say, title
from console.demo.serve import TOKEN
from console.demo.session import RUNNING
from console.errors import ConsoleError
from console.verdict import verdicts
from console.words import counted
from subscribers.config_problems import printable
from subscribers.store import Store

_TIMEOUT_S = 180.0
#: Claims that are looked up to find the one that shows most.
_LOOKED_UP = 4
_OWN = """
SELECT service, message, count(*) AS count FROM logs
WHERE message LIKE 'hybrid-observe:%' AND time_unix_nano BETWEEN $first AND $last
GROUP BY service, message ORDER BY service, message
"""


class NoDemoError(ConsoleError):
    """No demo can be asked. `reason` is `no_demo` or `demo_failed`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def break_it(store: Path, name: str) -> Told:
    """Ask the demo that writes to `store` to break something; return what happened. Raises NoDemoError."""
    start = f"start one: {command()} demo --serve{option(store)}"
    try:
        running = json.loads((store / RUNNING).read_text(encoding="utf-8"))
        url, token = str(running["url"]), str(running["token"])
    except FileNotFoundError:
        raise NoDemoError("no_demo", f"no demo is running on {store}; {start}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoDemoError("no_demo", f"{store / RUNNING} cannot be read ({error}); {start}") from error
    try:
        reply = httpx.post(f"{url}/break/{name}", headers={TOKEN: token}, timeout=_TIMEOUT_S)
        document = reply.json()
        if reply.status_code == httpx.codes.OK:
            return msgspec.convert(document, Told)
        raise NoDemoError("demo_failed", f"the demo could not do it: {document['message']}")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise NoDemoError("no_demo", f"the demo on {store} does not answer ({error}); {start}") from error


def show(store: Path, told: Told, out: Console) -> None:
    """Print what was broken, what clients got, and what the store says of that time. Raises StoreError."""
    fault, opened = FAULTS[told.name], Store(store)
    title(f"Broken: {fault.name}", out)
    say(f"What was done: {fault.what}", out)
    say(f"What to see:   {fault.look}", out)
    title("Clients were answered", out)
    for status, count in told.answers.items():
        say(f"  {status if status != '0' else 'nothing'}: {counted(count, 'request')}", out)
    title("Requests by endpoint and side, meanwhile", out)
    rows = requests.summary(opened, told.from_unix_nano, told.to_unix_nano)
    requests.render_summary(rows, out)
    if found := _telling(opened, store, told):
        title("One of them", out)
        trace.render_marked(found[1], f"claim={found[0]}", out)
    if said := opened.query(_OWN, {"first": told.from_unix_nano, "last": told.to_unix_nano}):
        title("What the layer said of itself", out)
        for row in said:
            say(f"  {row['count']} x {row['service']}: {printable(row['message'])}", out)
    title("Deliveries", out)
    if told.failed_payloads:
        say(f"  {counted(told.failed_payloads, 'payload')} failed while it was broken; they came again", out)
    left = f"{told.received - told.settled} unaccounted for, {counted(told.pending, 'payload')} pending"
    came = f"{counted(told.received, 'log event')} received after the repair"
    say(f"  {came}, {told.settled:,} settled; {left}", out)
    say(f"\nRepaired. The demo goes on; ask it: {command()} requests{option(store)}", out)


def _telling(opened: Store, store: Path, told: Told) -> tuple[str, trace.Marked] | None:
    """The first of the claims that shows most: one that touched both sides, those that failed first."""
    secret = key_secret.secret_of(store, {})
    found = [(n, trace.find_key(opened, "claim", n, secret)) for n in told.claims[:_LOOKED_UP]]
    return max(found, key=lambda one: _shows(one[1]), default=None)


def _shows(found: trace.Marked) -> tuple[int, bool, int]:
    """How many sides one of its stories shows at most, whether one failed, how many services there are."""
    stories = [[node.span.origin for node in story.spans] for story in found.stories]
    services = {origin.service for origins in stories for origin in origins}
    services |= {log.origin.service for log in found.lines}
    sides = max((len({origin.side for origin in origins}) for origins in stories), default=0)
    return sides, any(verdicts(story) for story in found.stories), len(services)
