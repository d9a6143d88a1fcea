"""How fast a payload becomes a request: events and megabytes a second on one core, and the memory it takes.

    python bench/payloads.py [--rounds 15] [--json FILE]

From the payload's base64 to the gzip bodies of `_bulk` requests, with event IDs, the default redaction and a
ledger that has to balance. The floor is decoding alone: base64, gunzip, JSON. The least of several rounds
counts, in CPU time: what disturbs only ever adds. Peak memory is of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from subscribers import envelope, lane
from subscribers.alerts.counting import Counting
from subscribers.alerts.plan import plan_of
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.tally import Tally
from subscribers.config import EMPTY, loads
from subscribers.configured import outlets_of
from subscribers.controls import Controls
from subscribers.handler import make_handler
from subscribers.ledger import Ledger
from subscribers.outlets import Local, Outlets
from subscribers.parse import named
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Page
from subscribers.reading import origin_of
from subscribers.store import Store

NOW = 1_795_231_900_000_000_000
AT = 1_795_231_810_000


def _log(r: random.Random, request_id: str, n: int) -> str:
    """A log line of the layer, some 250 bytes."""
    return json.dumps(
        {
            "timestamp": "2026-11-21T03:30:10.123Z",
            "level": "INFO",
            "message": "claim accepted",
            "requestId": request_id,
            "service": "submit-claim",
            "correlation_id": f"CLM-{n}",
            "trace_id": request_id.replace("-", ""),
            "span_id": request_id.replace("-", "")[:16],
            "claim": f"CLM-{r.randrange(10**6)}",
        },
        separators=(",", ":"),
    )


def mixed(events: int) -> list[str]:
    """1/8 each START, END, REPORT, a metric line, an Apache error line; 3/8 JSON."""
    r, lines = random.Random(7), []
    for n in range(events // 8):
        request_id = str(uuid.UUID(int=r.getrandbits(128), version=4))
        took = f"{r.random() * 100:.2f}"
        lines += [
            f"START RequestId: {request_id} Version: $LATEST\n",
            *(_log(r, request_id, n) + "\n" for _ in range(3)),
            f"MONITORING|1795231810|{took}|timing|claims.price|#product:motor,env:prod\n",
            f"[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state {n % 9}\n",
            f"END RequestId: {request_id}\n",
            f"REPORT RequestId: {request_id}\tDuration: {took} ms\tBilled Duration: 100 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 36 MB\t\n",
        ]
    return lines


def pure_json(events: int) -> list[str]:
    """Log lines of the layer only, eight a request."""
    r, lines = random.Random(8), []
    for n in range(events // 8):
        request_id = str(uuid.UUID(int=r.getrandbits(128), version=4))
        lines += [_log(r, request_id, n) + "\n" for _ in range(8)]
    return lines


def lambda_json(events: int) -> list[str]:
    """Lambda's JSON log format: `platform.start`, six lines of the layer and `platform.report` a request."""
    lines = mixed(events)
    for at in range(0, len(lines), 8):
        request_id = lines[at][17:53]
        metrics = {"durationMs": 12.3, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 36}
        records = {
            "start": {"requestId": request_id, "version": "$LATEST"},
            "report": {"requestId": request_id, "status": "success", "metrics": metrics},
        }
        first, last = (
            json.dumps(
                {"time": "2026-11-21T03:30:10.000Z", "type": f"platform.{kind}", "record": told},
                separators=(",", ":"),
            )
            + "\n"
            for kind, told in records.items()
        )
        lines[at : at + 8] = [first, *lines[at + 1 : at + 4] * 2, last]
    return lines


def with_spans(events: int) -> list[str]:
    """1/8 each START, END, REPORT, a metric line, and a span line of the layer; 3/8 JSON."""
    lines = mixed(events)
    for at in range(5, len(lines), 8):
        request_id = lines[at - 5][17:53]
        took = {
            "traceId": request_id.replace("-", ""),
            "spanId": request_id.replace("-", "")[:16],
            "name": "submit-claim",
            "kind": 2,
            "startTimeUnixNano": f"{AT + at}000000",
            "endTimeUnixNano": f"{AT + at + 9}000000",
            "attributes": [{"key": "faas.invocation_id", "value": {"stringValue": request_id}}],
            "status": {},
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "submit-claim"}}]}
        scope = {"scope": {"name": "observe"}, "spans": [took]}
        told = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
        lines[at] = json.dumps(told, separators=(",", ":")) + "\n"
    return lines


def access_log(events: int) -> list[str]:
    """An Apache access log with a duration and a correlation ID."""
    r = random.Random(9)
    return [
        f"10.0.0.{r.randrange(250)} - - [21/Nov/2026:03:30:{n % 60:02d}.{n % 1000:03d} +0000] "
        f'"GET /claims/{n} HTTP/1.1" 200 {r.randrange(9000)} {r.randrange(90000)} "CLM-{n}" "-"'
        for n in range(events)
    ]


def largest(_: int) -> list[str]:
    """What fits the 6 MB of an invocation, of lines that compress as logs do: some 50 MB inflated."""
    return mixed(160_000)


#: Name -> (lines, log group).
BATCHES: dict[str, tuple[Callable[[int], list[str]], str]] = {
    "mixed": (mixed, "/aws/lambda/submit-claim"),
    "JSON": (pure_json, "/aws/lambda/submit-claim"),
    "Lambda's JSON": (lambda_json, "/aws/lambda/submit-claim"),
    "with span lines": (with_spans, "/aws/lambda/submit-claim"),
    "access log": (access_log, "/legacy/apache"),
    "largest payload": (largest, "/aws/lambda/submit-claim"),
}


def payload(lines: list[str], group: str) -> dict[str, Any]:
    """The event that CloudWatch Logs sends."""
    events = [{"id": f"{10**55 + n}", "timestamp": AT + n, "message": line} for n, line in enumerate(lines)]
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": group,
        "logStream": "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef",
        "subscriptionFilters": ["observe"],
        "logEvents": events,
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()}}


class Subscriber:
    """What a subscriber makes ready once a process, with the controls of an empty configuration."""

    def __init__(self) -> None:
        self.controls = Controls(EMPTY)
        self._lane = lane.Lane(self.controls)

    def requests(self, event: dict[str, Any]) -> tuple[list[bytes], Ledger]:
        """The bodies of the requests that a payload becomes, compressed, and what became of its events."""
        batch = envelope.decode(event)
        ledger = Ledger(sink="elasticsearch", received=len(batch.events))
        sent = []
        for body in self._bodies(batch):
            sent.append(envelope.gzipped(body.lines))
            ledger.delivered += body.delivered
            for reason, events in body.dropped.items():
                ledger.drop(reason, events)
        ledger.check()
        return sent, ledger

    def _bodies(self, batch: envelope.LogBatch) -> Iterator[lane.Body]:
        origin, format = origin_of(batch, EMPTY, "eu-west-1")
        found = event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
        page = Page(origin=origin, events=batch.events, event_ids=found, now_unix_nano=NOW)
        if batch.log_group.startswith("/aws/lambda/"):
            yield from self._lane.bodies(page)
            return
        for part in page.parts():
            yield self._lane.told(named(format)(part) if isinstance(format, str) else format(part))


def requests(event: dict[str, Any]) -> tuple[list[bytes], Ledger]:
    """See Subscriber.requests."""
    return Subscriber().requests(event)


def _least(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def _stored_s(event: dict[str, Any], rounds: int) -> float:
    """CPU seconds of the handler itself, as it is deployed today: into the embedded store."""
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            handle = make_handler(EMPTY, Store(folder), time.time_ns, region="eu-west-1")
            times.append(_least(lambda handle=handle: handle(event, None), 1))
    return min(times)


def _accepted_s(event: dict[str, Any], rounds: int, url: str) -> float:
    """CPU seconds of the handler as it is deployed with an Elasticsearch sink: until the answer is read."""
    sink = {"type": "elasticsearch", "url": url}
    config = loads(json.dumps({"version": 1, "sinks": {"elk": sink}}))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        outlets = outlets_of(config, {"OBSERVE_DEAD_LETTERS": folder})
        handle = make_handler(config, outlets, time.time_ns, region="eu-west-1")
        least = _least(lambda: handle(event, None), rounds)
    told = json.loads(said.getvalue().splitlines()[-1])["ledger"]
    if told["stored"] or not told["delivered"]:
        raise SystemExit(f"the benchmark's backend did not take everything: {told}")
    return least


def _counted_s(event: dict[str, Any], rounds: int, url: str) -> float:
    """CPU seconds of the same, with the rules that are on by default counted into a state in memory."""
    config = loads(json.dumps({"version": 1, "sinks": {"elk": {"type": "elasticsearch", "url": url}}}))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        made = outlets_of(config, {"OBSERVE_DEAD_LETTERS": folder})
        # The batches' clock: what is a day old is not counted.
        tally = Tally(plan_of(config), clock=lambda: AT / 1000 + 60)
        counting = Local("alerts", Counting(tally, MemoryState(now_s=lambda: AT / 1000)), has_ledger=False)
        outlets = Outlets([*made.outlets, counting], made.keeper, made.keeper)
        handle = make_handler(config, outlets, time.time_ns, region="eu-west-1")
        return _least(lambda: handle(event, None), rounds)


def _row(name: str, events: int, rounds: int, url: str) -> dict[str, Any]:
    make, group = BATCHES[name]
    lines = make(events)
    event = payload(lines, group)
    rounds = rounds if len(lines) < 50_000 else 3
    floor = _least(lambda: envelope.decode(event), rounds)
    subscriber = Subscriber()
    whole = _least(lambda: subscriber.requests(event), rounds)
    stored = _stored_s(event, min(rounds, 3))
    accepted = _accepted_s(event, rounds, url)
    counted = _counted_s(event, min(rounds, 5), url)
    size = sum(len(line) for line in lines)
    return {
        "batch": name,
        "events": len(lines),
        "payload_bytes": len(event["awslogs"]["data"]),
        "events_per_s": len(lines) / whole,
        "mb_per_s": size / whole / 1e6,
        "floor_events_per_s": len(lines) / floor,
        "share_of_floor": floor / whole,
        "accepted_events_per_s": len(lines) / accepted,
        "stored_events_per_s": len(lines) / stored,
        "counted_events_per_s": len(lines) / counted,
        "peak_mb": _peak_mb(name, events),
    }


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """An Elasticsearch in a process of its own."""
    path = Path(__file__).with_name("bulk_server.py")
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _peak_mb(name: str, events: int) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "--peak", name, "--events", str(events)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _peak(name: str, events: int) -> None:
    """Print the peak memory of handling one payload, in MB, with nothing else in the process."""
    make, group = BATCHES[name]
    document = json.dumps(payload(make(events), group))
    if not hasattr(resource, "RUSAGE_SELF"):
        raise SystemExit("this system does not tell a process's peak memory")
    child = "import sys, json; from bench_payloads import requests, resource; requests(json.load(sys.stdin));"
    child += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    path = f"import importlib.util as u, sys; s = u.spec_from_file_location('bench_payloads', {__file__!r});"
    path += "m = u.module_from_spec(s); sys.modules['bench_payloads'] = m; s.loader.exec_module(m);"
    done = subprocess.run(
        [sys.executable, "-c", path + child], input=document, capture_output=True, text=True, check=True
    )
    sys.stdout.write(done.stdout)


def main() -> None:
    """Run the benchmark and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each batch")
    parser.add_argument("--events", type=int, default=4000, help="events of a batch")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        _peak(arguments.peak, arguments.events)
        return
    with _server() as url:
        rows = [_row(name, arguments.events, arguments.rounds, url) for name in BATCHES]
    table = Table(title=f"From payload to accepted _bulk request, one core; least of {arguments.rounds}")
    for name in (
        "batch",
        "events",
        "accepted",
        "bodies alone",
        "MB/s",
        "decoding alone",
        "share of it",
        "peak MB",
        "into the store",
        "with alerts",
    ):
        table.add_column(name, justify="left" if name == "batch" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["batch"],
            f"{row['events']:,}",
            f"{row['accepted_events_per_s']:,.0f}",
            f"{row['events_per_s']:,.0f}",
            f"{row['mb_per_s']:.0f}",
            f"{row['floor_events_per_s']:,.0f}",
            f"{row['share_of_floor']:.0%}",
            f"{row['peak_mb']:.0f}",
            f"{row['stored_events_per_s']:,.0f}",
            f"{row['counted_events_per_s']:,.0f}",
        )
    Console(width=140).print(table)
    print(
        "All but the share in events/s of CPU time. Accepted: the handler with an Elasticsearch sink, until"
    )
    print(
        "the answer is read; bodies alone: until they are compressed; into the store: Parquet included; with"
    )
    print(
        "alerts: accepted, and the rules that are on by default counted, for which the fast lane is not used."
    )
    print("Redaction rules that are on:", ", ".join(Subscriber().controls.rules()))
    print(
        "Not measured here: on the mixed batch Datadog's Forwarder did 43,000, Elastic's 24,500 events/s of"
        " CPU time\n(their own handlers, loopback backends, without redaction)."
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
