"""Chain-wide DEBUG: who decides, and that every hop after it does as decided."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import context as contexts
from observe import ids, testing
from observe.context import Context, inject
from observe.testing import Lines
from tests.observe.running import run, sqs_event

TRACE_IDS = st.text("0123456789abcdef", min_size=32, max_size=32).filter(ids.is_trace_id)
RATES = st.floats(0, 1)


def debugs(headers: dict[str, str], rate: float, **options: Any) -> bool:
    """Whether a request with these headers logs at DEBUG where the rate is set."""
    return contexts.capture(headers, debug_rate=rate, **options).context.debug


@given(TRACE_IDS, RATES)
def test_the_trace_id_decides_where_a_transaction_begins(trace_id: str, rate: float) -> None:
    """Alike at every place that decides for itself, whatever brought the ID."""
    expected = ids.sampled_by_rate(trace_id, rate) if rate else False
    parent = {"traceparent": f"00-{trace_id}-{'b' * 16}-01"}
    for trust in ("public", "internal"):
        assert debugs({"x-correlation-id": trace_id}, rate, trust=trust) == expected
        assert debugs(parent, rate, trust=trust) == expected
    assert debugs({}, rate, fresh=lambda: trace_id) == expected


@given(TRACE_IDS, st.floats(0, 1), st.floats(0, 1))
def test_of_what_logs_at_debug_all_is_sampled(trace_id: str, one: float, other: float) -> None:
    """The same number is compared: with a lower rate for DEBUG its transactions are among the sampled."""
    debug_rate, rate = sorted((one, other))
    context = contexts.capture({"x-correlation-id": trace_id}, rate=rate, debug_rate=debug_rate).context
    assert context.sampled or not context.debug


@given(TRACE_IDS, st.booleans(), st.integers(1, 50), RATES)
def test_the_hop_before_has_decided(trace_id: str, debug: bool, hops: int, rate: float) -> None:
    """What a hop of ours sends is obeyed, its no as its yes, with any rate of our own."""
    sent = inject(Context(trace_id, "b" * 16, debug=debug, hops=hops))
    assert debugs(sent, rate, trust="internal") == debug


def test_the_dialect_of_node_functions_decides_too() -> None:
    """`debug-log-enabled: false` is a decision, where its sender is believed."""
    headers = {"x-correlation-id": "a" * 32, "debug-log-enabled": "false"}
    assert not debugs(headers, 1.0, trust="internal")
    assert debugs(headers, 1.0, trust="public")
    assert debugs({**headers, "debug-log-enabled": "true"}, 0.0, trust="internal")


def test_a_stranger_decides_nothing_by_baggage() -> None:
    """At a public source the member is ignored, as the whole of baggage is."""
    sent = inject(Context("a" * 32, "b" * 16, debug=True, hops=1))
    assert not debugs(sent, 0.0, trust="public")
    assert debugs(sent, 1.0, trust="public")


def test_a_transaction_at_debug_logs_at_debug_and_says_so_to_the_next() -> None:
    """The level is DEBUG as long as the context is current, TRACE stays below, and baggage carries it on."""
    with testing.capture() as lines, observe.use(Context("a" * 32, debug=True)):
        observe.log.debug("told")
        observe.log.trace("not told")
        sent = observe.inject(observe.current())
    observe.log.debug("after")
    assert [line["level"] for line in lines.logs] == ["DEBUG"]
    assert "observe.debug=1" in sent["baggage"]


def logged_at_debug(lines: Lines, event: dict[str, Any]) -> tuple[bool, str]:
    """Whether a function that is called with `event` logs at DEBUG; and the baggage that it sends."""
    sent: list[str] = []

    def function(event: Any, context: Any) -> None:
        observe.log.debug("in detail")
        sent.append(observe.inject(observe.current()).get("baggage", ""))

    del lines.raw[:]
    run(event, function)
    return any(line["message"] == "in detail" for line in lines.logs), sent[0]


@pytest.mark.parametrize(("rate", "decided"), [("1", True), ("0", False)])
def test_a_share_of_the_transactions_that_begin_here_logs_at_debug(
    monkeypatch: pytest.MonkeyPatch, lines: Lines, rate: str, decided: bool
) -> None:
    """OBSERVE_DEBUG_RATE decides where a transaction begins, and says so to the next hop."""
    monkeypatch.setenv("OBSERVE_DEBUG_RATE", rate)
    for event in ({}, sqs_event({"x-correlation-id": "CLM-1"})):
        logged, baggage = logged_at_debug(lines, event)
        assert logged is decided
        assert ("observe.debug=1" in baggage) is decided


@pytest.mark.parametrize(("rate", "debug"), [("1", False), ("0", True)])
def test_in_the_middle_of_a_chain_the_rate_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, lines: Lines, rate: str, debug: bool
) -> None:
    """The hop before has decided for the whole transaction, whatever the rate is here."""
    monkeypatch.setenv("OBSERVE_DEBUG_RATE", rate)
    sent = inject(Context("a" * 32, "b" * 16, debug=debug, hops=1))
    logged, baggage = logged_at_debug(lines, sqs_event(sent))
    assert logged is debug
    assert ("observe.debug=1" in baggage) is debug
