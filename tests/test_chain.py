"""One client-given ID through front door, functions, legacy side, queue, topic, bus and stream: one story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from console import requests, trace
from console.demo import legacy, session
from console.demo.drive import drive
from console.demo.example import example
from console.demo.scenario import FAILED, SHIP, SLOW, Request
from console.demo.session import MARK
from console.key_secret import secret_of
from console.local.moto_server import MotoServer
from console.local.stack import deploy
from console.local.template import load
from console.local.weighted import Spread
from console.verdict import verdicts
from observe import ids
from subscribers.correlate import Story
from subscribers.signals import Span
from subscribers.store import Store

pytestmark = pytest.mark.runtime

FOREIGN = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
UUID = "6f1e4c2a-9b0d-4e7f-8a3c-5d2b1e0f9a8b"
#: correlation ID -> the headers the client sent with it
HEADERS = {
    "desk-1": {"x-correlation-id": "desk-1"},
    "desk-2": {"X-Correlation-ID": "desk-2", "traceparent": f"00-{FOREIGN}-{CALLER}-01"},
    UUID: {"x-correlation-id": UUID},
    "desk-9": {"x-correlation-id": "desk-9"},
}
#: What only the legacy side was ever told: the client looks a policy up there, with the same ID.
LOOKED_UP = "desk-2"
NEW = 75.0


def submissions() -> list[Request]:
    """One claim an ID, sent when the front door gives the next one to the new implementation."""
    found: list[Request] = []
    spread, place = Spread(), 0
    for correlation, headers in HEADERS.items():
        while spread() >= NEW:
            found.append(_claim(f"CLM-{100 + place}", {}))
            place += 1
        policy = "POL-900" if correlation == "desk-9" else "POL-101"
        found.append(_claim(f"CLM-{200 + place}", headers, policy))
        place += 1
    return found


def _claim(number: str, headers: dict[str, str], policy: str = "POL-102") -> Request:
    body: dict[str, object] = {"number": number, "policy": policy, "amount": 100, "email": "a@example.com"}
    return Request(number, "POST", "/claims", 500 if policy == "POL-900" else 202, body, headers)


@pytest.fixture(scope="module")
def store(layer_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store after the requests above have gone through the whole system."""
    path = tmp_path_factory.mktemp("chain") / "store"
    path.mkdir()
    with session.running(layer_zip, path) as running:
        looked_up = Request("", "GET", "/policies/POL-107", 200, None, {"x-correlation-id": LOOKED_UP})
        answers = []
        for request in (*submissions(), looked_up):  # one at a time: no two messages are in one batch
            answers += running.send([request])
            assert running.system.stack.settled(30)
        assert [str(answer) for answer in answers if not answer.as_expected] == []
        running.settle()
        total = running.deliver()
        assert total.received == total.settled == running.events_in_logs()
        assert (total.failed, total.stored) == (0, 0)
        # CloudWatch Logs delivers at least once: the same payloads again must change nothing.
        running.subscription.forget()
        assert running.deliver().received == total.received
        # S3 tells of an object at least once, too.
        report = running.system.nightly()
        read = [running.collect(running.system.reports, report) for _ in range(2)]
        assert [one.delivered for one in read] == [running.lines_in_objects() / 2] * 2
    return Store(path)


def _story(store: Store, id: str) -> Story:
    (story,) = trace.find(store, id)
    return story


def _spans(story: Story) -> dict[str, Span]:
    """The story's spans by what they are, the outermost of each name; the names are those of the example."""
    return {
        f"{node.span.origin.service} {node.span.kind} {node.span.name}": node.span
        for node in reversed(story.spans)  # a record's span inside its invocation's has the same name
        if node.span.name != "init"
    }


ENTRY = "submit-claim server POST /claims"
CALL = "submit-claim client POST"
LEGACY = "claims-legacy server POST /registrations"
QUEUED = "submit-claim producer send claims-submitted"
ASSESSED = "assess-claim consumer process claims-submitted"
STORED = "submit-claim client PutObject claims-claims-123456789012"
PUBLISHED = "submit-claim producer send claim-events"
NOTIFIED = "notify-customer consumer process claim-events"
PUT = "submit-claim producer send claims"
SCREENED = "screen-claim consumer process ClaimSubmitted"
KEPT = "screen-claim producer send claim-facts"
MEASURED = "measure-exposure consumer process claim-facts"
#: span -> the span that called it
CALLERS = {
    CALL: ENTRY,
    LEGACY: CALL,
    STORED: ENTRY,
    QUEUED: ENTRY,
    ASSESSED: QUEUED,
    PUBLISHED: ENTRY,
    NOTIFIED: PUBLISHED,
    PUT: ENTRY,
    SCREENED: PUT,
    KEPT: SCREENED,
    MEASURED: KEPT,
}


@pytest.mark.parametrize("correlation", ["desk-1", UUID])
def test_one_story_with_correct_parents(store: Store, correlation: str) -> None:
    """Every hop's parent is the span that called it: over HTTP, a queue and a topic, on both sides."""
    spans = _spans(_story(store, correlation))
    assert {span.trace_id for span in spans.values()} == {ids.derive_trace_id(correlation)}
    assert {span.correlation_id for span in spans.values()} == {correlation}
    assert {name: span.parent_span_id for name, span in spans.items()} == {
        ENTRY: "",
        **{name: spans[caller].span_id for name, caller in CALLERS.items()},
    }
    assert {name for name, span in spans.items() if span.origin.side == "legacy"} == {LEGACY}


def test_a_foreign_traceparent_is_one_story_with_the_correlation_id(store: Store) -> None:
    """The caller's trace goes on; what only the legacy side logged under the correlation ID joins it."""
    story = _story(store, LOOKED_UP)
    assert set(story.trace_ids) == {FOREIGN, ids.derive_trace_id(LOOKED_UP)}
    spans = _spans(story)
    assert {span.trace_id for name, span in spans.items() if "policies" not in name} == {FOREIGN}
    looked_up = spans["claims-legacy server GET /policies/{number}"]
    assert looked_up.trace_id == ids.derive_trace_id(LOOKED_UP)
    assert spans[ENTRY].parent_span_id == CALLER
    assert spans[LEGACY].parent_span_id == spans[CALL].span_id


def test_the_trace_id_and_the_request_id_find_the_same_story(store: Store) -> None:
    """Whatever ID the engineer has at hand leads to the story."""
    story = _story(store, "desk-1")
    (trace_id,) = story.trace_ids
    assert _story(store, trace_id).trace_ids == story.trace_ids
    request_id = next(node.span.request_id for node in story.spans if node.span.request_id)
    assert _story(store, request_id).trace_ids == story.trace_ids


def test_untouched_lines_are_in_the_story_in_order(store: Store) -> None:
    """A print, a logging record and a log4j line of code that knows nothing of us are where they belong."""
    story = _story(store, "desk-1")
    nodes = {(node.span.origin.service, node.span.kind): node for node in story.spans}
    words = [log.message.split()[0] for log in nodes["submit-claim", "server"].logs]
    assert words == ["START", "HTTP", "accepted", "END", "REPORT"]
    number = nodes["submit-claim", "server"].logs[2].message.split()[1]
    assert f"claim {number} approved" in [
        log.message for node in story.spans for log in node.logs if node.span.origin.service == "assess-claim"
    ]
    legacy = [log for log in nodes["claims-legacy", "server"].logs if log.dataset == "log4j"]
    assert f"claim {number} registered" in [log.message for log in legacy]
    assert {log.correlation_id for log in legacy} == {"desk-1"}


def test_the_nightly_report_is_in_the_store_once(store: Store) -> None:
    """Its lines come through S3, and a claim's has the fields that observe.yaml names."""
    rows = store.query("SELECT message, attributes FROM logs WHERE log_group = '/legacy/claims/report'")
    fields = {row["message"]: json.loads(row["attributes"]) for row in rows}
    assert len(rows) == len(fields) >= 3
    assert sorted(message[0] for message in fields)[-2:] == ["H", "T"]
    claims = {found["fixed_width.claim"]: found for message, found in fields.items() if message[0] == "D"}
    sent = [claims[number]["fixed_width.amount"] for number in claims if len(number) == len("CLM-100")]
    assert sent
    assert set(sent) == {100}


def test_a_failure_says_on_which_side_it_began(store: Store) -> None:
    """The claim that the legacy side failed on: three failed spans, the innermost on the legacy side."""
    story = _story(store, "desk-9")
    spans = _spans(story)
    assert [spans[name].status for name in (ENTRY, CALL, LEGACY)] == ["error"] * 3
    assert ASSESSED not in spans
    (verdict,) = verdicts(story)
    assert (verdict.side, verdict.how, verdict.cause.name) == ("legacy", "failed", "POST /registrations")
    assert "no rate for tariff MX-77" in verdict.lines[0].message
    assert "NoRateError" in verdict.lines[0].error_type


def test_requests_are_counted_once_by_side(store: Store) -> None:
    """The summary counts each request once, though payloads were delivered twice."""
    rows = {(row.endpoint, row.side): (row.count, row.errors) for row in requests.summary(store)}
    new, sent = len(HEADERS), len(submissions())
    assert rows == {
        ("POST /claims", "serverless"): (new, 1),
        **({("POST /claims", "legacy"): (sent - new, 0)} if sent > new else {}),
        ("POST /registrations", "legacy"): (new, 1),
        ("GET /policies/{number}", "legacy"): (1, 0),
        ("process claims-submitted", "serverless"): (new - 1, 0),
        ("process claim-events", "serverless"): (new - 1, 0),
        ("process ClaimSubmitted", "serverless"): (new - 1, 0),
        ("process claim-facts", "serverless"): (new - 1, 0),
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_demo_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """A signal in the middle stops every process, without a traceback."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "console", "demo", "--store", str(tmp_path / "store")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        children: list[psutil.Process] = []
        until = time.monotonic() + 60
        while len(children) < 2 and time.monotonic() < until:
            children = psutil.Process(demo.pid).children(recursive=True)
            time.sleep(0.05)
        demo.send_signal(number)
        stdout, stderr = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 1
    assert "interrupted" in stderr.lower() or "aborted" in stderr.lower()
    assert "Traceback" not in stdout + stderr
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_the_demo_runs_without_a_terminal(tmp_path: Path) -> None:
    """`observe demo` exits 0 into a pipe, prints its tables, and what it names next works."""
    store = tmp_path / "store"
    done = _observe("demo", "--store", store)
    assert done.returncode == 0, done.stderr
    for expected in (
        "legacy side: claims-legacy answered POST /registrations with 500",
        "ERROR no rate for tariff MX-77 of policy POL-900",
        f"skipped {SHIP}: amount 12500000.00 does not fit S9(7)V99 of field AMOUNT",
        "claim is not in tonight's report",
        "POST /claims",
        "cold starts",
        "unaccounted for                     0",
        f"console trace --key claim={SLOW} --store",
    ):
        assert expected in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    told = json.loads(_observe("trace", "--key", f"claim={SLOW}", "--store", store, "--json").stdout)
    (story,) = told["stories"]
    (verdict,) = story["verdicts"]
    assert (verdict["how"], verdict["side"]) == ("slow", "legacy")
    assert verdict["lines"][0]["message"].startswith("policy POL-901 is archived")
    assert _observe("trace", "--key", f"claim={FAILED}", "--store", store).returncode == 0
    assert (store / MARK).exists()
    assert secret_of(store, {})
    again = _observe("trace", "web-000001", "--store", store)
    assert again.returncode == 0


def _observe(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=110,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_the_same_handlers_run_without_the_layer(tmp_path: Path) -> None:
    """Attached or not, the files are the same: without the layer the same claims get the same answers."""
    with MotoServer() as aws, legacy.running(tmp_path / "legacy") as old, ExitStack() as stack:
        template = load(example() / "template.yaml", {"LegacyUrl": old.url})
        assert not any("AWS_LAMBDA_EXEC_WRAPPER" in part.environment for part in template.functions.values())
        running = stack.enter_context(deploy(template, aws))
        answers = drive(running.url, submissions(), lambda _: None)
        assert [str(answer) for answer in answers if not answer.as_expected] == []
        assert running.settled(30)
