"""What the demo prints: requests by side, cold starts, why a claim failed, what a key finds, the ledger."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from console import insight_view, key_secret, requests, trace
from console.demo import alerts, scenario
from console.demo.example import example
from console.demo.session import DemoFailedError, Session
from console.demo.subscribe import STATE, Total
from console.waterfall import render
from subscribers.config import load
from subscribers.insight import ask
from subscribers.insight.answer import Question
from subscribers.parse import LAMBDA_GROUP
from subscribers.store import Store

_INIT = """
SELECT count(*) AS count, quantile_cont(value, 0.5) AS p50_ms, max(value) AS max_ms
FROM metrics WHERE name = 'aws.lambda.init_duration'
"""
#: A span line says so at once, or behind `timestamp` and `level`.
_LEAD = 160


def title(text: str, out: Console) -> None:
    """Print a heading."""
    out.print()
    out.print(Text(text, "bold"), highlight=False)


def say(text: str, out: Console) -> None:
    """Print a sentence as it is."""
    out.print(Text(text), highlight=False, soft_wrap=True)


def whole(session: Session, out: Console, report: str) -> None:
    """Print everything. report: the name of the nightly report. Raises DemoFailedError, StoreError."""
    store = Store(session.store)
    title("Requests by endpoint and side", out)
    requests.render_summary(requests.summary(store), out)
    say("Of a queue, topic or stream a request is a batch.", out)
    _cold_starts(store, out)
    title(f"Is {scenario.MIGRATED} as good as it was?", out)
    _parity(store, out)
    _alerts(session, out)
    title(f"Why did claim {scenario.FAILED} fail, and on which side?", out)
    _failed(store, session, out)
    title(f"Claim {scenario.SHIP} was accepted, but is not in {report}. What does its number find?", out)
    _by_key(store, session, out)
    title("What the layer added", out)
    _layer(store, session, out)
    title("Ledger of the subscriber, from CloudWatch Logs and S3 to the store", out)
    held = {
        "events in CloudWatch Logs": session.events_in_logs(),
        f"lines of {report}": session.lines_in_objects(),
    }
    ledger(session.total, held, out)
    title("Ask yourself", out)
    _next(session.store, out)


def _parity(store: Store, out: Console) -> None:
    config = load(example() / "observe.yaml")
    question = Question(config=config, endpoints=("submit",))
    insight_view.render(ask("parity", store.query, question), out)


def _alerts(session: Session, out: Console) -> None:
    """Let the rules be judged, and print who was told what. Raises DemoFailedError."""
    title("Alerts: who was told what", out)
    say("The evaluator's clock is moved on by ten minutes; then, on a copy of the state, to two nights.", out)
    triggered: set[str] = set()
    with alerts.receiver() as inbox, alerts.copied(session.store) as copy:
        judging = alerts.Alerts(session.store / STATE, inbox)
        for at_s in alerts.minutes(session.began_s, time.time()):
            triggered |= _tell(judging.evaluate(at_s), session, out)
        ahead = alerts.Alerts(copy(), inbox)
        for at_s in alerts.nights(ahead.plan, time.time()):
            triggered |= _tell(ahead.evaluate(at_s), session, out)
    if missing := alerts.EXPECTED - triggered:
        raise DemoFailedError("no_alert", f"nobody was told of {', '.join(sorted(missing))}")


def _tell(told: list[alerts.Told], session: Session, out: Console) -> set[str]:
    """Print notifications, and return the rules of which one begins an alert."""
    for one in told:
        alerts.render(one, out, lambda command: typed(command, session.store))
    return {one.body["rule"] for one in told if one.body["action"] == "trigger"}


def _cold_starts(store: Store, out: Console) -> None:
    (row,) = store.query(_INIT)
    if row["count"]:
        out.print()
        times = f"{row['p50_ms']:.0f} ms (median), {row['max_ms']:.0f} ms at most"
        say(f"{row['count']} cold starts of functions (the layer's part: make bench): init {times}", out)


def _failed(store: Store, session: Session, out: Console) -> None:
    found = _marked(store, session, scenario.FAILED)
    both = {"legacy", "serverless"}
    stories = [story for story in found.stories if {n.span.origin.side for n in story.spans} == both]
    if len(stories) != 1:
        raise DemoFailedError("no_story", f"{scenario.FAILED} has {len(stories)} stories, expected one")
    render(stories[0], out)


def _by_key(store: Store, session: Session, out: Console) -> None:
    asked = f"claim={scenario.SHIP}"
    say(f"$ {_trace(f'--key {asked}', session.store)}", out)
    found = _marked(store, session, scenario.SHIP)
    if len(found.stories) < 2 or not found.lines:
        raise DemoFailedError("no_story", f"{asked} finds {len(found.stories)} stories, expected two")
    trace.render_marked(found, asked, out)


def _marked(store: Store, session: Session, number: str) -> trace.Marked:
    return trace.find_key(store, "claim", number, key_secret.secret_of(session.store, {}))


@dataclass(slots=True)
class Written:
    """What functions wrote to their logs, in bytes: Lambda's own lines, theirs, and the layer's."""

    invocations: int = 0
    layer: int = 0
    layer_lines: int = 0
    all: int = 0


def written(session: Session) -> Written:
    """Return what the functions' log groups hold."""
    found = Written()
    for group, message in session.events():
        if not group.startswith(LAMBDA_GROUP):
            continue
        size = len(message.encode("utf-8", "replace")) + 1
        found.all += size
        found.invocations += message.startswith("REPORT RequestId:")
        if is_layers(message):
            found.layer += size
            found.layer_lines += 1
    return found


def is_layers(message: str) -> bool:
    """Whether a line is one that the layer writes by itself: a span line, or one about itself."""
    if '"resourceSpans":' in message[:_LEAD]:
        return True
    if not message.startswith("{") or '"event":"observe.' not in message:
        return False
    try:
        document = json.loads(message)
    except ValueError:
        return False
    event = document.get("event")
    return isinstance(event, str) and event.startswith("observe.") and event != "observe.key"


def _layer(store: Store, session: Session, out: Console) -> None:
    found = written(session)
    each = found.layer / max(found.invocations, 1)
    share = 100 * found.layer / max(found.all, 1)
    say(f"{found.layer:,} bytes on stdout in {found.invocations} invocations: {each:.0f} bytes each.", out)
    spans = store.query("SELECT count(*) AS count FROM spans WHERE told_by = 'layer'")[0]["count"]
    said = f"They are {spans} spans: each invocation, each HTTP call, each message sent, each record read"
    say(f"{said}; {share:.0f}% of these logs, for the functions log little. No network call.", out)


def ledger(total: Total, held: dict[str, int], out: Console) -> None:
    """Print what became of every event. held: how many there are, by where. Raises DemoFailedError."""
    there = sum(held.values())
    rows = [
        *held.items(),
        ("received", total.received),
        ("delivered to the store", total.delivered),
        ("stored as dead letters", total.stored),
    ]
    dropped = [(f"dropped: {reason}", count) for reason, count in sorted(total.dropped.items())]
    rows += dropped or [("dropped", 0)]
    rows.append(("unaccounted for", there - total.settled))
    for name, count in rows:
        say(f"  {name:<28} {count:>8,}", out)
    if there != total.settled:
        message = f"the ledger does not balance: {there} events, {total.settled} settled"
        raise DemoFailedError("ledger", message)


def _next(store: Path, out: Console) -> None:
    asked = {
        f"--key claim={scenario.SLOW}": "a timeout: of the function, or of whom it waited for?",
        f"--key claim={scenario.NO_ADDRESS}": "accepted, but something failed behind it",
        f"--key claim={scenario.FLOOD}": "retried, and then?",
        "web-000001": "two identities, every service, one story",
    }
    for arguments, why in asked.items():
        say(f"  {_trace(arguments, store):<54} # {why}", out)
    pages = f"{command()} dashboards preview{option(store)}"
    say(f"  {pages:<54} # the generated dashboards with this data: preview/index.html", out)
    say(f"  {command()} demo --serve{option(store)}", out)


def _trace(arguments: str, store: Path) -> str:
    return f"{command()} trace {arguments}{option(store)}"


def typed(command_: str, store: Path) -> str:
    """Return a command of an alert as it can be typed here."""
    return f"{command()}{command_.removeprefix('observe')}{option(store)}"


def option(store: Path) -> str:
    """Return ` --store STORE` where the store is not the default one."""
    return "" if store == Path(".observe") else f" --store {store}"


def command() -> str:
    """Return the command as it can be typed here: `observe` only where the shell finds it."""
    if shutil.which("observe"):
        return "observe"
    called = Path(sys.argv[0])
    if called.name != "observe":
        return f"{Path(sys.executable).name} -m console"
    return os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)
