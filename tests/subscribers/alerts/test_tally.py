"""The tally: what subscribers count of signals, once each, with samples that name a trace."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.alerts.counting import Counting, taken
from subscribers.alerts.model import SLOT_S, Threshold
from subscribers.alerts.plan import Plan, plan_of
from subscribers.alerts.state import BODY_MAX_BYTES, Entry, StateError
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.alerts.tally import GROUPS_MAX, VERSIONS_MAX, Tally, identity_of
from subscribers.alerts.windows import OTHER, Ledgered
from subscribers.config import loads
from subscribers.outlets import Missed
from subscribers.signals import Link, Signal
from tests.subscribers.samples import MS, T0, log, metric, span

NOW_S = T0 / 1e9 + 1
AFTER_S = int(NOW_S) + 600


def plan(*rules: str) -> Plan:
    """The plan of rules alone, named r0, r1, ..."""
    told = ", ".join(f"r{n}: {rule}" for n, rule in enumerate(rules))
    return plan_of(loads(f"version: 1\nalerts: {{defaults: {{built_in: false}}, rules: {{{told}}}}}\n"))


def rule_of(made: Plan, name: str = "r0") -> Threshold:
    """A threshold of a plan."""
    found = made.rules[name]
    assert isinstance(found, Threshold)
    return found


def counted(made: Plan, *deliveries: list[Signal], tally: Tally | None = None) -> dict[tuple[str, ...], Any]:
    """What the first rule's windows hold after deliveries: sums by group."""
    state = MemoryState(now_s=lambda: NOW_S)
    tally = tally or Tally(made, clock=lambda: NOW_S)
    sink = Counting(tally, state)
    for signals in deliveries:
        sink.append(signals)
    windows, measure = Ledgered(state), rule_of(made).measure
    windows.advance([measure], AFTER_S)
    return windows.over(measure, int(NOW_S) // SLOT_S * SLOT_S - 600, AFTER_S)


ERRORS = "{type: threshold, of: {signal: log, level: [ERROR]}, value: 1, by: [service]}"


def test_what_is_meant_is_counted_by_its_group() -> None:
    """Logs of a level, by service; the others do not count."""
    found = counted(
        plan(ERRORS),
        [log("1", level="ERROR"), log("2", level="INFO"), log("3", level="ERROR", service="fn"), span("4")],
    )
    assert {group: one.sketch.count for group, one in found.items()} == {("claims",): 1, ("fn",): 1}


def test_the_same_delivery_again_changes_nothing() -> None:
    """Whole, or cut in two, or overlapping: an event is its ID."""
    signals: list[Signal] = [log(str(n), level="ERROR") for n in range(10)]
    once = counted(plan(ERRORS), signals)
    assert once == counted(plan(ERRORS), signals, signals[3:7], signals)
    assert once[("claims",)].sketch.count == 10


def test_a_span_that_two_lines_tell_is_one() -> None:
    """The layer's and the platform's span of an invocation have one span ID; the longer time is right."""
    made = plan("{type: threshold, of: {signal: span}, statistic: max, value: 1}")
    first = span("a", 0, 10)
    again = span("a", 0, 12, told_by="platform")
    assert identity_of(first) == identity_of(again)
    found = counted(made, [first], [again])
    assert (found[()].sketch.count, found[()].sketch.high) == (1, 12.0)


def test_counters_count_what_they_say() -> None:
    """A count metric of 5 is five events; of other metrics a point is one."""
    made = plan(
        "{type: threshold, of: {signal: metric, metric: aws.lambda.errors}, statistic: sum, value: 1}"
    )
    found = counted(made, [metric("aws.lambda.errors", 5.0)])
    assert (found[()].sketch.count, found[()].sketch.total) == (1, 5.0)


def test_numbers_that_are_none_are_said_and_not_counted() -> None:
    """NaN, infinities, texts, and attributes that are not there."""
    made = plan("{type: threshold, of: {signal: log}, field: size, statistic: p95, value: 1}")
    tally = Tally(made, clock=lambda: NOW_S)
    values: list[Any] = [3, 4.5, "7", None, True, float("nan"), float("inf"), 1e308, -1e101, 10**400]
    found = counted(
        made, [log(str(n), attributes={"size": value}) for n, value in enumerate(values)], tally=tally
    )
    assert (found[()].sketch.count, found[()].sketch.total) == (2, 7.5)
    assert tally.notes["alerts_no_number"] == 8


def test_what_is_too_old_or_ahead_is_said_and_not_counted() -> None:
    """A clock that is wrong must not open windows of next year, nor a backfill those of last."""
    made = plan(ERRORS)
    tally = Tally(made, clock=lambda: NOW_S)
    times = [T0 - 86_500 * 10**9, T0 + 3_700 * 10**9, T0]
    found = counted(made, [log(str(t), level="ERROR", time_unix_nano=t) for t in times], tally=tally)
    assert found[("claims",)].sketch.count == 1
    assert tally.notes == {"alerts_too_old": 1, "alerts_ahead": 1}


def test_an_attribute_that_strangers_choose_does_not_fill_the_state() -> None:
    """Beyond so many groups in a minute the rest is one group; a value is cut."""
    made = plan("{type: threshold, of: {signal: log}, value: 1, by: [path]}")
    tally = Tally(made, clock=lambda: NOW_S)
    signals: list[Signal] = [
        log(str(n), attributes={"path": f"{n:04d}" + "x" * 500}) for n in range(GROUPS_MAX + 7)
    ]
    found = counted(made, signals, tally=tally)
    assert len(found) == GROUPS_MAX + 1
    assert found[(OTHER,)].sketch.count == 7
    assert tally.notes["alerts_too_many_groups"] == 7
    assert all(len(group[0]) <= 128 for group in found)


def test_a_metric_has_the_sample_of_its_invocation() -> None:
    """A metric names no trace, but whoever is told of failed invocations wants to see one."""
    made = plan(
        "{type: threshold, of: {signal: metric, metric: aws.lambda.errors}, statistic: sum, value: 1}"
    )
    request: dict[str, Any] = {"request_id": "r-1"}
    signals: list[Signal] = [
        metric("aws.lambda.errors", **request),
        span("s", kind="server", status="error", correlation_id="web-1", **request),
        log(
            "e", level="ERROR", error_type="ValueError", trace_id="a" * 32, correlation_id="web-1", **request
        ),
        log("i", level="INFO", trace_id="b" * 32, **request),
    ]
    (sample,) = counted(made, signals)[()].samples
    assert (sample.correlation_id, sample.text) == ("web-1", "line e")


def test_records_of_a_batch_and_nested_handlers_are_no_requests() -> None:
    """Each request counts once, though a batch has many spans."""
    yaml = """
version: 1
services: {fn: {side: serverless, log_groups: [/aws/lambda/fn]}}
endpoints: {e: {route: GET /x, serverless: {service: fn}, slo: {availability: 99}}}
alerts: {defaults: {built_in: false}}
"""
    made = plan_of(loads(yaml))
    route = {"http.request.method": "GET", "http.route": "/x"}
    common: dict[str, Any] = {"service": "fn", "side": "serverless", "request_id": "r", "attributes": route}
    signals: list[Signal] = [
        span("outer", **common),
        span("inner", parent_span_id=span("outer").span_id, **common),
        span("record", links=(Link("c" * 32, "d" * 16, {"observe.link": "batch"}),), **common),
    ]
    tally = Tally(made, clock=lambda: NOW_S)
    total = made.rules["slo.e.availability"].total.id  # type: ignore[union-attr]
    entries = [entry for entry, _ in tally.count(signals) if entry.partition == f"part#{total}"]
    assert len(entries) == 1
    assert [events for entry, events in Tally(made, clock=lambda: NOW_S).count(signals)] == [("span-outer",)]


def test_the_sink_says_which_events_it_took() -> None:
    """The ledger of what is counted is that of any sink: the rest was not asked for."""
    made = plan(ERRORS)
    signals: list[Signal] = [log("1", level="ERROR"), log("2", level="INFO")]
    sink = Counting(Tally(made, clock=lambda: NOW_S), MemoryState())
    assert sink.append(signals) == frozenset(["log-1"])
    assert taken(Tally(made, clock=lambda: NOW_S).count(signals)) == {"log-1"}


@pytest.mark.parametrize("key", ["service.version", "faas.version"])
def test_a_version_that_runs_is_told_once_an_hour(key: str) -> None:
    """What was deployed is the first question; $LATEST is no version."""
    tally = Tally(plan(), clock=lambda: NOW_S)
    signals: list[Signal] = [
        log("1", attributes={key: "42"}),
        log("2", attributes={key: "42"}),
        log("3", attributes={key: "$LATEST"}),
        span("4", attributes={key: "43"}),
    ]
    told = [entry.sort.split("\x1f")[:2] for entry, _ in tally.count(signals)]
    assert told == [["claims", "42"], ["claims", "43"]]
    assert tally.count(signals) == []


def test_a_streams_age_is_measured() -> None:
    """The oldest record of a batch tells how far its reader is behind."""
    made = plan("{type: threshold, of: {signal: span}, field: iterator_age_ms, statistic: max, value: 1}")
    written = T0 // MS - 5_000
    batch = span("b", 0, 100, kind="consumer", attributes={"observe.oldest_record_unix_ms": written})
    assert counted(made, [batch])[()].sketch.high == pytest.approx(5_100)


@pytest.mark.parametrize(("kind", "statistic"), [("count", "sum"), ("gauge", "avg")])
def test_numbers_whose_sum_is_none_are_not_counted(kind: str, statistic: str) -> None:
    """Two of 1e308 are infinite, and so is whatever they are part of."""
    made = plan(f"{{type: threshold, of: {{signal: metric, metric: m}}, statistic: {statistic}, value: 1}}")
    tally = Tally(made, clock=lambda: NOW_S)
    one = msgspec.structs.replace(metric("m", 1e308), kind=kind)
    other = msgspec.structs.replace(one, event_id="other")
    small = msgspec.structs.replace(one, event_id="small", value=2.0)
    found = counted(made, [one, other, small], tally=tally)
    assert (found[()].sketch.total, tally.notes["alerts_no_number"]) == (2.0, 2)


def test_a_line_with_ids_without_end_fails_nothing() -> None:
    """Half a megabyte where an ID is meant: the entry has its beginning, and the others' counts."""
    long = "c" * 500_000
    ids: dict[str, Any] = dict.fromkeys(("correlation_id", "trace_id", "span_id", "request_id"), long)
    signals: list[Signal] = [log("1", level="ERROR"), log("2", level="ERROR", **ids)]
    found = counted(plan(ERRORS), signals)[("claims",)]
    assert found.sketch.count == 2
    assert {len(sample.request_id) for sample in found.samples} == {0, 200}
    assert all(
        len(entry.body) < 10_000 for entry, _ in Tally(plan(ERRORS), clock=lambda: NOW_S).count(signals)
    )


def test_texts_that_no_state_can_hold_fail_nothing() -> None:
    """Half surrogate pairs, wherever a line may have them."""
    bad = "x\ud800"
    made = plan("{type: threshold, of: {signal: log}, value: 1, by: [tenant]}")
    attributes = {"tenant": bad, "service.version": bad}
    found = counted(made, [log("1", message=bad, correlation_id=bad, attributes=attributes)])
    assert found[("x?",)].samples[0].correlation_id == "x?"


def test_what_no_state_could_hold_is_said_and_left_out() -> None:
    """A key of more than 1,024 bytes is refused everywhere: the rest is written."""
    tally = Tally(plan(ERRORS), clock=lambda: NOW_S)
    wide = log(
        "1", level="ERROR", service="\U0001f600" * 200, attributes={"service.version": "\U0001f600" * 200}
    )
    assert [entry.partition[:5] for entry, _ in tally.count([wide])] == ["part#"]
    assert tally.notes["alerts_too_large"] == 1


def test_an_entry_that_samples_make_too_large_has_none() -> None:
    """The counts are what matters."""
    wide = "\U0001f600" * 300
    names = [f"a{n}" for n in range(770)]
    made = plan(f"{{type: threshold, of: {{signal: log}}, value: 1, by: {names}}}")
    told: dict[str, Any] = {"message": wide, "correlation_id": wide, "request_id": wide}
    tally = Tally(made, clock=lambda: NOW_S)
    signals = [log(str(n), attributes=dict.fromkeys(names[:n], wide), **told) for n in range(730, 770)]
    entries = [entry for signal in signals for entry, _ in tally.count([signal])]
    assert all(len(entry.body) <= BODY_MAX_BYTES for entry in entries)
    sampled = [bool(msgspec.msgpack.decode(entry.body)[3]) for entry in entries]
    assert sampled == sorted(sampled, reverse=True)
    assert set(sampled) == {True, False}
    assert len(entries) + tally.notes["alerts_too_large"] == len(signals) > len(entries)


def test_versions_that_strangers_choose_do_not_fill_the_state() -> None:
    """So many of a service in an hour, and the hours that are remembered are few."""
    tally = Tally(plan(), clock=lambda: NOW_S)
    strange: list[Signal] = [log(str(n), attributes={"service.version": f"v{n}"}) for n in range(1_000)]
    assert len(tally.count(strange)) == VERSIONS_MAX
    assert tally.notes["alerts_too_many_versions"] == 1_000 - VERSIONS_MAX
    many: list[Signal] = [
        log(str(n), service=f"s{n}", attributes={"service.version": "1"}) for n in range(12_000)
    ]
    tally.count(many)
    assert len(tally._versions) <= 5_000


@given(st.lists(st.integers(0, 2 * GROUPS_MAX), unique=True, max_size=4))
@settings(max_examples=10, deadline=None)
def test_however_a_delivery_is_cut_again_events_count_once(cuts: list[int]) -> None:
    """Law: the sum over all groups is the number of events, though some were in `(other)` at first."""
    made = plan("{type: threshold, of: {signal: log}, value: 1, by: [path]}")
    signals: list[Signal] = [log(str(n), attributes={"path": f"{n}"}) for n in range(GROUPS_MAX + 100)]
    bounds = [0, *sorted(cuts), len(signals)]
    again = [signals[first:last] for first, last in itertools.pairwise(bounds)]
    found = counted(made, signals, *again)
    assert sum(one.sketch.count for one in found.values()) == len(signals)


def test_a_state_that_fails_costs_counts_and_no_delivery(tmp_path: Path) -> None:
    """A damaged file: the events that rules ask for are dropped for that reason, the others as ever."""
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"garbage" * 1_000)
    sink = Counting(Tally(plan(ERRORS), clock=lambda: NOW_S), SqliteState(path))
    told = sink.append([log("1", level="ERROR"), log("2", level="INFO")])
    assert told == Missed(frozenset(["log-1"]), "state_unavailable")


def test_a_state_that_others_hold_is_not_waited_for_all_the_time() -> None:
    """A write that failed after 10 s is followed by 10 s without one."""

    class Busy(MemoryState):
        tried = 0

        def put(self, entries: Iterable[Entry]) -> None:
            clock[0] += 10.0
            self.tried += 1
            raise StateError("locked")

    clock, state = [0.0], Busy()
    sink = Counting(Tally(plan(ERRORS), clock=lambda: NOW_S), state, lambda: clock[0])
    for at_s in (0.0, 15.0, 19.9, 20.0):
        clock[0] = at_s
        assert isinstance(sink.append([log("1", level="ERROR")]), Missed)
    assert state.tried == 2
