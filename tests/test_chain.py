"""One client-given ID through HTTP, function, legacy access log, SQS and second function: one story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from console import trace
from console.demo import subscribe, system
from observe import ids
from subscribers.correlate import Story
from subscribers.signals import Span
from subscribers.store import Store

pytestmark = pytest.mark.runtime

FOREIGN = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
#: correlation ID -> the headers the client sent with it
REQUESTS = {
    "CLM-1": {"x-correlation-id": "CLM-1"},
    "CLM-2": {"X-Correlation-ID": "CLM-2", "traceparent": f"00-{FOREIGN}-{CALLER}-01"},
    "6f1e4c2a-9b0d-4e7f-8a3c-5d2b1e0f9a8b": {"x-correlation-id": "6f1e4c2a-9b0d-4e7f-8a3c-5d2b1e0f9a8b"},
    "CLM-9": {"x-correlation-id": "CLM-9"},
}
#: What only the legacy side was ever told: the client looks a policy up there, with the same ID.
LOOKED_UP = "CLM-2"


@pytest.fixture(scope="module")
def store(layer_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store after the requests above have gone through the whole system."""
    path = tmp_path_factory.mktemp("chain") / "store"
    with system.running(layer_zip) as running:
        with httpx.Client(base_url=running.url, timeout=20) as client:
            for number, headers in REQUESTS.items():
                policy = "POL-BROKEN" if number == "CLM-9" else "POL-1"
                body = {"number": number, "policy": policy, "amount": 100}
                reply = client.post("/claims", json=body, headers=headers)
                assert reply.status_code == (500 if number == "CLM-9" else 202)
            client.get("/policies/POL-7", headers={"x-correlation-id": LOOKED_UP})
            anonymous = client.post("/claims", json={"number": "n", "policy": "POL-1", "amount": 1})
            assert anonymous.status_code == 202
        assert running.settle(len(REQUESTS) + 2)
        subscribe.ship_access_log(running)
        ledger = subscribe.deliver(running, path, subscribe.payloads(running), lambda: None)
        assert ledger["received"] == ledger["delivered"] + ledger["stored"] + sum(ledger["dropped"].values())
        # CloudWatch Logs delivers at least once: the same payloads again must change nothing.
        again = subscribe.deliver(running, path, subscribe.payloads(running)[:2], lambda: None)
        assert again["delivered"] > 0
    return Store(path)


def _story(store: Store, id: str) -> Story:
    (story,) = trace.find(store, id)
    return story


def _spans(story: Story) -> dict[str, Span]:
    """The story's spans by what they are; the names are those of the example."""
    return {f"{node.span.origin.service} {node.span.name.split()[0]}": node.span for node in story.spans}


@pytest.mark.parametrize("number", [number for number in REQUESTS if number not in ("CLM-9", LOOKED_UP)])
def test_one_story_with_correct_parents(store: Store, number: str) -> None:
    """Every hop's parent is the span that called it, on both sides and across the queue."""
    spans = _spans(_story(store, number))
    assert {span.trace_id for span in spans.values()} == {ids.derive_trace_id(number)}
    assert {span.correlation_id for span in spans.values()} == {number}
    chain = ["submit-claim POST", "submit-claim GET", "claims-legacy GET"]
    assert [spans[name].parent_span_id for name in chain] == [
        "",
        spans["submit-claim POST"].span_id,
        spans["submit-claim GET"].span_id,
    ]
    assert spans["submit-claim send"].parent_span_id == spans["submit-claim POST"].span_id
    assert spans["assess-claim process"].parent_span_id == spans["submit-claim send"].span_id
    assert {name: spans[name].origin.side for name in spans} == {
        name: "legacy" if "legacy" in name else "serverless" for name in spans
    }
    assert len(spans) == 5


def test_a_foreign_traceparent_is_one_story_with_the_correlation_id(store: Store) -> None:
    """The caller's trace goes on; what only the legacy side logged under the correlation ID joins it."""
    story = _story(store, LOOKED_UP)
    assert set(story.trace_ids) == {FOREIGN, ids.derive_trace_id(LOOKED_UP)}
    by_trace = {
        trace_id: [node.span for node in story.spans if node.span.trace_id == trace_id]
        for trace_id in story.trace_ids
    }
    assert len(by_trace[FOREIGN]) == 5
    (looked_up,) = by_trace[ids.derive_trace_id(LOOKED_UP)]
    assert looked_up.origin.side == "legacy"
    entry = next(span for span in by_trace[FOREIGN] if span.name == "POST /claims")
    assert entry.parent_span_id == CALLER
    legacy = next(span for span in by_trace[FOREIGN] if span.origin.side == "legacy")
    call = next(span for span in by_trace[FOREIGN] if span.name == "GET")
    assert legacy.parent_span_id == call.span_id


def test_the_trace_id_and_the_request_id_find_the_same_story(store: Store) -> None:
    """Whatever ID the engineer has at hand leads to the story."""
    story = _story(store, "CLM-1")
    (trace_id,) = story.trace_ids
    assert _story(store, trace_id).trace_ids == story.trace_ids
    request_id = next(node.span.request_id for node in story.spans if node.span.request_id)
    assert _story(store, request_id).trace_ids == story.trace_ids


def test_untouched_lines_are_in_the_story_in_order(store: Store) -> None:
    """A print and a logging record of code that knows nothing of us are told, in the order written."""
    story = _story(store, "CLM-1")
    told = [log.message for node in story.spans for log in node.logs if log.dataset == "lambda.text"]
    assert "accepted CLM-1" in told
    assert "claim CLM-1 approved" in told
    entry = next(node for node in story.spans if node.span.name == "POST /claims")
    words = [log.message.split()[0] for log in entry.logs]
    assert words == ["START", "HTTP", "accepted", "END", "REPORT"]


def test_a_failure_says_on_which_side_it_began(store: Store) -> None:
    """The claim that the legacy side failed on: three failed spans, the innermost on the legacy side."""
    spans = _spans(_story(store, "CLM-9"))
    assert [
        spans[name].status for name in ("submit-claim POST", "submit-claim GET", "claims-legacy GET")
    ] == ["error"] * 3
    assert "assess-claim process" not in spans
    assert "500 Internal Server Error" in spans["submit-claim POST"].status_message


def test_requests_are_counted_once_by_side(store: Store) -> None:
    """The summary counts each request once, though payloads were delivered twice."""
    rows = {row.service: (row.side, row.count, row.errors) for row in trace.summary(store)}
    assert rows == {
        "claims-legacy": ("legacy", len(REQUESTS) + 2, 1),
        "submit-claim": ("serverless", len(REQUESTS) + 1, 1),
        "assess-claim": ("serverless", len(REQUESTS), 0),
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
    done = subprocess.run(
        [sys.executable, "-m", "console", "demo", "--store", str(store)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=110,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr
    for expected in (
        "claims-legacy",
        "submit-claim",
        "assess-claim",
        "CLM-889003",
        "console trace CLM-889008 --store",
    ):
        assert expected in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    told = subprocess.run(
        [sys.executable, "-m", "console", "trace", "CLM-889013", "--store", str(store), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (story,) = json.loads(told.stdout)
    assert "timeout" in told.stdout
    assert story["correlation_ids"] == ["CLM-889013"]
