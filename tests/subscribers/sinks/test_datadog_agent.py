"""Datadog's traces, taken by Datadog's own test agent."""

from __future__ import annotations

import pytest

from subscribers.http import HttpEdge
from tests.subscribers.samples import span
from tests.subscribers.sinks.test_datadog import Key, channels, delivered
from tests.subscribers.sinks.test_otlp_agent import PROGRAM, _told, agent

__all__ = ["agent"]

pytestmark = pytest.mark.skipif(not PROGRAM, reason="ddapm-test-agent is not installed")


def test_the_agent_takes_spans(agent: str) -> None:
    """With the headers that Datadog wants, in one request."""
    spans = [span("one"), span("two", attributes={"n": 1})]
    outcome = delivered(HttpEdge(secrets=Key()), channels(url=agent, otlp_source="serverless"), spans)
    assert (outcome.delivered, outcome.requests) == (2, 1)
    told = _told(agent, "traces")
    assert "span-one" in told
    assert "span-two" in told
