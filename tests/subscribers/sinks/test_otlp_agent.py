"""OTLP, taken by a server that somebody else wrote: Datadog's test agent."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subscribers.http import HttpEdge
from subscribers.sinks.channel import Verdict
from subscribers.sinks.otlp import make_otlp
from tests.subscribers.real_servers import free_port, serving
from tests.subscribers.samples import log, metric, span

#: In an environment of its own: it wants an older protobuf than ours.
OWN = Path(__file__).resolve().parents[3] / "build" / "agent" / "bin" / "ddapm-test-agent"
PROGRAM = shutil.which("ddapm-test-agent") or (str(OWN) if OWN.exists() else "")

pytestmark = pytest.mark.skipif(not PROGRAM, reason="ddapm-test-agent is not installed")


@pytest.fixture(scope="module")
def agent() -> Iterator[str]:
    """The address of a running agent."""
    port, grpc, own = free_port(), free_port(), free_port()
    command = [PROGRAM, "-p", str(own), "--host", "127.0.0.1"]
    with serving([*command, "--otlp-http-port", str(port), "--otlp-grpc-port", str(grpc)], port):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_the_agent_takes_every_signal(agent: str, encoding: str, compression: str) -> None:
    """It answers with success, and tells what it was sent."""
    name = f"{encoding}-{compression}"
    signals = [log(name, level="WARN"), span(name, attributes={"n": 1}), metric(name, 2.5, tags={"a": "b"})]
    for made in make_otlp("dd", {"url": agent, "encoding": encoding, "compression": compression}):
        items = list(made.items(signals))
        assert made.verdict(items, HttpEdge().send(made.request(items))) == Verdict()
    assert f"span-{name}" in _told(agent, "traces")
    assert f"log-{name}" in _told(agent, "logs")
    assert f"metric-{name}" in _told(agent, "metrics")


def test_what_is_no_message_is_refused(agent: str) -> None:
    """Its 400 is permanent."""
    (made,) = make_otlp("dd", {"url": agent, "compression": "none", "signals": ["spans"]})
    items = list(made.items([span("a")]))
    request = made.request(items)
    answer = HttpEdge().send(type(request)(url=request.url, headers=request.headers, body=b"\xff\xff"))
    assert {refusal.status for refusal in made.verdict(items, answer).rejected.values()} == {400}


def _told(agent: str, signal: str) -> str:
    with urllib.request.urlopen(f"{agent}/test/session/{signal}", timeout=10) as answer:
        found: list[Any] = json.load(answer)
    return json.dumps(found)
