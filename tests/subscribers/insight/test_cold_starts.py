"""How often functions start cold, who waits, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from observe import semconv
from subscribers.config import loads
from subscribers.insight.answer import Question
from subscribers.insight.cold_starts import ColdStarts, answer, cold_starts
from subscribers.signals import Metric, Span
from subscribers.store import Store
from tests.subscribers.insight.test_calls import call, server, told
from tests.subscribers.insight.test_chains import store_of, table
from tests.subscribers.insight.test_spent import init
from tests.subscribers.samples import MS, T0, origin

HOUR_MS = 3_600_000


def report(request: str, at_ms: float = 0, function: str = "front", **values: float) -> list[Metric]:
    """What the subscriber makes of one REPORT line."""
    told_all = {"duration": 10.0, "billed_duration": 10.0, **values}
    counted = {"invocations": 1.0}
    if {"init_duration", "restore_duration"} & told_all.keys() or told_all.pop("cold", 0):
        counted["cold_starts"] = 1.0
    return [
        *(told(word, value, function, at_ms, request) for word, value in told_all.items()),
        *(told(word, value, function, at_ms, request, kind="count") for word, value in counted.items()),
    ]


def cold(name: str, start: float, end: float, **more: Any) -> Span:
    """A request that was the first of its environment."""
    fields = {**server(name, 0, 1).attributes, semconv.FAAS_COLDSTART: True}
    return server(name, start, end, attributes=fields, **more)


def of(store: Store, function: str = "front", question: Question | None = None) -> ColdStarts:
    """What is known of one function's starts."""
    found = cold_starts(store.query, question or Question())
    (one,) = (one for one in found.functions if one.function == function)
    return one


def test_cold_starts_are_counted_with_their_share(tmp_path: Path) -> None:
    """One of four invocations had an init of 200 ms."""
    reports = [one for i in range(3) for one in report(f"r{i}", i)]
    found = of(store_of(tmp_path, *reports, *report("r3", 3, init_duration=200)))
    assert (found.invocations, found.cold_starts, found.share) == (4, 1, 25.0)
    assert (found.p50_ms, found.p99_ms, found.restored, found.ahead) == (200, 200, 0, 0)


def test_a_restored_snapshot_is_a_cold_start_of_its_own_kind(tmp_path: Path) -> None:
    """SnapStart's reports tell a restore instead of an init."""
    found = of(store_of(tmp_path, *report("r0", restore_duration=400, billed_restore_duration=182)))
    assert (found.cold_starts, found.restored, found.p50_ms, found.billed_ms) == (1, 1, 400, 182)


def test_a_start_without_an_invocation_was_made_ahead(tmp_path: Path) -> None:
    """Provisioned concurrency initialises before anybody asks: no invocation reports it."""
    alone = told("init_duration", 300, "front", 0)
    found = of(store_of(tmp_path, alone, *report("r0", 50_000)))
    assert (found.cold_starts, found.ahead, found.invocations) == (0, 1, 1)


def test_an_init_that_has_a_report_of_its_own_is_counted_once(tmp_path: Path) -> None:
    """At level DEBUG `platform.initReport` tells the init, and the invocation's report tells no second."""
    alone = told("init_duration", 300, "front", 0)
    found = of(store_of(tmp_path, alone, *report("r0", 10, cold=1, billed_duration=310)))
    assert (found.cold_starts, found.ahead, found.p50_ms, found.billed_ms) == (1, 0, 300, 300)


@pytest.mark.parametrize(("billed", "start"), [(210, 200), (10, 0), (110, 100)])
def test_an_init_costs_what_was_billed_above_the_duration(
    tmp_path: Path, billed: float, start: float
) -> None:
    """Since August 2025 inits are billed; before, those of on-demand functions were not."""
    store = store_of(tmp_path, *report("r0", init_duration=200, billed_duration=billed))
    assert of(store).billed_ms == start


def test_the_cost_is_what_was_billed_by_memory_and_price(tmp_path: Path) -> None:
    """200 ms at 2 GiB and 0.5 USD a GB-second; without a memory size it is unknown."""
    price = (
        "version: 1\nservices: {front: {side: serverless, log_groups: [/f], price: {usd_per_gb_second: 0.5}}}"
    )
    question = Question(config=loads(price))
    reports = report("r0", init_duration=200, billed_duration=210)
    assert of(store_of(tmp_path, *reports), question=question).usd is None
    store = store_of(tmp_path, told("memory_size", 2048, "front", kind="gauge"))
    assert of(store, question=question).usd == pytest.approx(0.2)


def test_users_waited_where_the_request_is_synchronous(tmp_path: Path) -> None:
    """A request over HTTP waited 1.5 s for the init; who read a message kept nobody waiting."""
    message = cold("back", 0, 5, kind="consumer", trace_id="b" * 32, correlation_id="job")
    spans = [cold("front", 0, 10, correlation_id="web-1"), init(-1600, -100, "front", "front"), message]
    store = store_of(
        tmp_path,
        *spans,
        *report("r0", init_duration=1500),
        *report("r1", 1, function="back", init_duration=90),
    )
    assert (of(store).waited, of(store).longest_ms, of(store).correlation_ids) == (1, 1500, ("web-1",))
    assert of(store, "back").waited == 0
    (finding,) = answer(store.query, Question()).findings
    assert finding.text == "A request of users waited for front to start, up to 1,500 ms."
    assert finding.correlation_ids == ("web-1",)


def test_a_start_that_was_over_long_before_kept_nobody_waiting(tmp_path: Path) -> None:
    """The layer says cold, but tells no init: Lambda had made the environment early."""
    found = of(store_of(tmp_path, cold("front", 0, 10), *report("r0", init_duration=1500)))
    assert (found.cold_starts, found.waited, found.ahead) == (1, 0, 1)


def test_functions_of_one_service_have_their_own_starts(tmp_path: Path) -> None:
    """Who waited for one function did not wait for the other of the same service."""
    place = {name: replace(origin("svc", "serverless"), log_group=f"/aws/lambda/{name}") for name in "ab"}
    request = replace(cold("svc", 0, 10, correlation_id="web-1"), origin=place["b"])
    start = replace(init(-1600, -100, "svc", "svc"), origin=place["b"])
    reports = [
        replace(one, origin=place[name])
        for name in "ab"
        for one in report(f"r{name}", function=name, init_duration=1500)
    ]
    store = store_of(tmp_path, request, start, *reports)
    assert (of(store, "a").waited, of(store, "b").waited) == (0, 1)
    (row,) = table(answer(store.query, Question()), "callers")
    assert (row["service"], row["function"]) == ("svc", "b")


def test_each_start_costs_by_the_memory_of_its_own_report(tmp_path: Path) -> None:
    """A function that was given more memory in between."""
    price = (
        "version: 1\nservices: {front: {side: serverless, log_groups: [/f], price: {usd_per_gb_second: 0.5}}}"
    )
    reports = [
        *report("r0", 0, init_duration=200, billed_duration=210, memory_size=1024),
        *report("r1", 1, init_duration=200, billed_duration=210, memory_size=2048),
    ]
    found = of(store_of(tmp_path, *reports), question=Question(config=loads(price)))
    assert found.usd == pytest.approx(0.1 + 0.2)


def test_whether_anybody_waits_is_unknown_without_the_layer(tmp_path: Path) -> None:
    """The platform tells of a message as of a request: nobody is called a user for that."""
    told_alone = cold("front", 0, 10, told_by="platform")
    told_alone = replace(told_alone, attributes={semconv.FAAS_COLDSTART: True})
    store = store_of(tmp_path, told_alone, *report("r0", init_duration=1500))
    assert of(store).waited == 0
    given = answer(store.query, Question())
    assert [row["waits"] for row in table(given, "callers")] == ["unknown"]
    assert any("Whether anybody waited for 1 cold request is not known" in note for note in given.notes)


def test_callers_that_met_cold_functions_are_named(tmp_path: Path) -> None:
    """Front's call waited for back's start."""
    spans = [
        server("front", 0, 900),
        call("post", 10, 800, "front"),
        cold("back", 700, 790, above="post"),
        init(100, 690, "back", "back"),
    ]
    (row,) = table(answer(store_of(tmp_path, *spans).query, Question()), "callers")
    assert (row["service"], row["caller"], row["waits"], row["requests"], row["max_ms"]) == (
        "back",
        "front",
        "yes",
        1,
        590,
    )


def test_hours_without_cold_starts_are_zero(tmp_path: Path) -> None:
    """A line over time has no gaps: the hour in between has none."""
    reports = [*report("r0", 0, init_duration=1), *report("r1", 2 * HOUR_MS, init_duration=1)]
    given = answer(store_of(tmp_path, *reports).query, Question())
    (hours,) = (one for one in given.tables if one.name == "hours")
    assert hours.drawn == "lines"
    assert [row[1] for row in hours.rows] == [1, 0, 1]
    assert hours.rows[0][0] == "2023-11-14T22:00:00Z"


def test_a_time_that_is_decades_off_makes_no_graph_of_decades(tmp_path: Path) -> None:
    """A report of 1970 is counted, and the graph is of the last year."""
    old = -T0 // MS + 1
    reports = [*report("r0", old, init_duration=1), *report("r1", 0, init_duration=1)]
    found = cold_starts(store_of(tmp_path, *reports).query, Question())
    assert (found.functions[0].cold_starts, len(found.hours)) == (2, 366 * 24)


def test_a_large_share_is_a_warning(tmp_path: Path) -> None:
    """Ten of a hundred; of few invocations nothing is said."""
    warm = [one for i in range(90) for one in report(f"w{i}", i)]
    starts = [one for i in range(10) for one in report(f"c{i}", 100 + i, init_duration=50)]
    (finding,) = answer(store_of(tmp_path, *warm, *starts).query, Question()).findings
    assert finding.text == "10.0 % of the invocations of front are cold starts: 10 of 100."
    few = store_of(tmp_path / "few", *starts)
    assert answer(few.query, Question()).findings == ()


def test_a_start_that_failed_is_bad(tmp_path: Path) -> None:
    """Init errors are told whether or not an invocation followed."""
    failed = told("init_errors", 1, "front", 0, kind="count")
    (finding,) = answer(store_of(tmp_path, failed).query, Question()).findings
    assert (finding.level, finding.text) == ("bad", "front failed to start once.")


def test_only_the_services_and_the_period_that_are_asked_for(tmp_path: Path) -> None:
    """Reports before the period, and of other functions, are left out."""
    store = store_of(
        tmp_path, *report("r0", 0), *report("r1", 10, init_duration=5), *report("r2", 10, function="back")
    )
    question = Question(services=("front",), first_unix_nano=T0 + 5 * MS)
    found = cold_starts(store.query, question)
    assert [(one.function, one.invocations) for one in found.functions] == [("front", 1)]


def test_an_empty_store_says_why(tmp_path: Path) -> None:
    """No reports: each table has a reason."""
    given = answer(store_of(tmp_path).query, Question())
    assert all(one.empty and not one.rows for one in given.tables)
