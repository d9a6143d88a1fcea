"""A request that goes round in a circle."""

from __future__ import annotations

import pytest

from observe import settings
from observe.chain import ChainTooLongError
from observe.testing import Lines
from tests.observe.running import run, sqs_event

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def event(hops: int) -> object:
    """A message of a request that has made so many hops before."""
    return sqs_event({"traceparent": f"00-{TRACE}-{'b' * 16}-01", "baggage": f"observe.hops={hops}"})


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVE_HOPS_LIMIT", "5")
    settings.reset()


def test_up_to_the_limit_nothing_is_said(lines: Lines) -> None:
    """The hop to this function counts: four before it make five."""
    assert run(event(4)) == "done"
    assert lines.logs == []


def test_above_the_limit_a_warning_is_written(lines: Lines) -> None:
    """With the request's identity, so that the loop can be looked at; the handler runs."""
    assert run(event(5)) == "done"
    (line,) = lines.logs
    assert (line["level"], line["event"], line["hops"]) == ("WARN", "observe.hops_exceeded", 6)
    assert line["trace_id"] == TRACE


def test_on_request_the_handler_is_not_called(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The invocation fails, and its span says why."""
    monkeypatch.setenv("OBSERVE_HOPS_EXCEEDED", "raise")
    settings.reset()
    called = []
    with pytest.raises(ChainTooLongError, match="6 hops, more than OBSERVE_HOPS_LIMIT=5"):
        run(event(5), lambda event, context: called.append(event))
    assert called == []
    assert lines.spans[0]["attributes"]["error.type"] == "ChainTooLongError"
    run(event(1), lambda event, context: called.append(event))
    assert len(called) == 1


def test_strangers_cannot_pretend_to_be_a_loop(lines: Lines) -> None:
    """Hops of a public caller are not believed."""
    request = {
        "version": "2.0",
        "routeKey": "GET /",
        "headers": {"baggage": "observe.hops=9999"},
        "requestContext": {"http": {"method": "GET"}},
    }
    assert run(request) == "done"
    assert lines.logs == []
