"""The loss audit: the ledger, and invocations that are told in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.config import EMPTY, Config, loads
from subscribers.insight.answer import Answer, Question
from subscribers.insight.loss import answer, loss
from subscribers.insight.loss_ledger import dropped, sinks
from subscribers.ledger import Ledger
from subscribers.signals import Signal
from subscribers.store import Store
from subscribers.tables import Row, ledger_row
from tests.subscribers.insight.invoked import T0_MS, entry, invoked, origin, request
from tests.subscribers.insight.test_cost import stored, table
from tests.subscribers.samples import log, metric

T0 = T0_MS * 1_000_000
MINUTE_S = 60


def settled(payload: str, sink: str = "elk", stored: int = 0, at: int = T0, **reasons: int) -> Row:
    """A payload of 100 events, of which some were stored and some dropped."""
    rest = 100 - stored - sum(reasons.values())
    return ledger_row(
        Ledger(sink=sink, received=100, delivered=rest, stored=stored, dropped=reasons), payload, at
    )


def told(store: Store, config: Config = EMPTY, **asked: Any) -> Answer:
    """The answer of a store."""
    return answer(store.query, replace(Question(config=config), **asked))


def levels(found: Answer) -> list[str]:
    """The levels of the findings, the verdict's first."""
    return [one.level for one in found.findings]


def texts(found: Answer) -> str:
    """All findings."""
    return "\n".join(one.text for one in found.findings)


def later(minutes: float) -> Signal:
    """A line of somebody else, by which the store goes on."""
    return log(f"later-{minutes}", time_unix_nano=T0 + round(minutes * MINUTE_S * 1e9))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which all is well: an hour, and one invocation in its middle."""
    store = stored(
        tmp_path, invoked("a", 1, 30 * MINUTE_S), entry("a", 1, 1, 30 * MINUTE_S), later(0), later(60)
    )
    store.record([settled("p"), settled("q", no_signal=5)])
    return store


def test_all_is_accounted_for(store: Store) -> None:
    """Where the ledger adds up and every invocation ended, that is the verdict, and the only finding."""
    found = told(store)
    assert levels(found) == ["ok"]
    assert "200 events for elk, all delivered, or dropped on purpose (5 for elk)" in texts(found)
    assert table(found, "sinks").rows == (("elk", 2, 200, 195, 0, 5),)


def test_stored_and_dropped(store: Store) -> None:
    """What was stored, or dropped for a reason that nobody asked for, is amiss."""
    store.record([settled("r", stored=7), settled("s", "datadog", odd_reason=2, below_level=3)])
    found = told(store)
    assert levels(found) == ["warning"] * 3 + ["info"]
    assert "2 things are amiss" in found.findings[0].text
    assert "7 of 300 events for elk were stored" in texts(found)
    assert "datadog did not get 2 events for the reason odd_reason" in texts(found)
    assert "3 below_level at datadog" in texts(found)
    rows = {row[1]: row[2:] for row in table(found, "dropped").rows}
    assert rows == {
        "no_signal": (5, "nothing in it"),
        "odd_reason": (2, "look at it"),
        "below_level": (3, "asked for"),
    }


def test_events_of_several_sinks_are_counted_once(store: Store) -> None:
    """What came in for two sinks came in once; where one did not get all, each has its number."""
    store.record([settled("p", "datadog"), settled("q", "datadog", not_taken=7)])
    (found,) = told(store).findings
    assert "200 events, for each of datadog and elk, all delivered" in found.text
    assert "(7 for datadog, 5 for elk)" in found.text
    assert found.evidence["events"] == 200
    store.record([settled("r", "datadog")])
    assert "300 events (300 for datadog, 200 for elk)" in told(store).findings[0].text


def test_every_finding_has_evidence(store: Store) -> None:
    """Whatever is said rests on numbers that programs can read."""
    store.record([settled("r", stored=7), settled("s", "datadog", odd_reason=2, below_level=3, excluded=1)])
    store.append(invoked("a", 2, 31 * MINUTE_S, parts="START"))
    store.append([*invoked("ends", 3, 40 * MINUTE_S, parts="REPORT"), entry("own", 4, 4)])
    found = told(store).findings
    assert [one.text for one in found if not one.evidence] == []
    (asked,) = (one for one in found if one.text.startswith("Controls"))
    assert asked.evidence == {"sinks": {"datadog": {"below_level": 3, "excluded": 1}}}


def test_unbalanced(store: Store) -> None:
    """A payload whose ends are not what came in is bad: it can only be a fault of ours."""
    store.record([{**settled("r"), "delivered": 90}])
    found = told(store)
    assert levels(found) == ["bad", "bad"]
    assert "10 of 300 events have no end" in texts(found)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.integers(0, 50),
            st.dictionaries(st.text(max_size=4), st.integers(1, 25), max_size=2),
        ),
        max_size=4,
    )
)
def test_sums_of_the_ledger(tmp_path: Path, rows: list[tuple[str, int, dict[str, int]]]) -> None:
    """The sums by sink and by reason are those of the rows, whatever reasons are called."""
    store = Store(tmp_path / str(hash(str(rows))))
    store.record(
        ledger_row(
            Ledger(sink=s, received=100, delivered=100 - n - sum(d.values()), stored=n, dropped=d), str(i), T0
        )
        for i, (s, n, d) in enumerate(rows)
    )
    by_sink = {one.sink: one for one in sinks(store.query, Question())}
    reasons = dropped(store.query, Question())
    for sink, one in by_sink.items():
        mine = [row for row in rows if row[0] == sink]
        assert (one.received, one.stored, one.unbalanced) == (100 * len(mine), sum(n for _, n, _ in mine), 0)
        assert one.dropped == sum(r.events or 0 for r in reasons if r.sink == sink)


def test_start_without_report(store: Store) -> None:
    """An invocation without a REPORT is lost if it is too old to run, and no sooner."""
    store.append(invoked("a", 2, 31 * MINUTE_S, parts="START"))
    store.append(invoked("a", 3, 50 * MINUTE_S, parts="START"))
    store.append([entry("a", 2, 2, 31 * MINUTE_S), entry("a", 3, 3, 50 * MINUTE_S)])
    (one,) = loss(store.query, Question()).ends
    assert (one.starts, one.reports, one.without_end, one.may_run) == (3, 1, 1, 1)
    assert one.open_ids == (request(2),)
    assert levels(told(store)) == ["bad", "bad"]


def test_retries_have_an_end_each(store: Store) -> None:
    """Of two attempts with one request ID each needs its REPORT."""
    store.append(
        [*invoked("a", 7, 20 * MINUTE_S), *invoked("a", 7, 22 * MINUTE_S, parts="START"), entry("a", 7, 7)]
    )
    (one,) = loss(store.query, Question()).ends
    assert (one.starts, one.reports, one.without_end) == (3, 2, 1)


def test_edges_of_the_time(store: Store) -> None:
    """What began in the time asked for and ended behind it is whole, and so is what began before it."""
    store.append([*invoked("a", 8, 10 * MINUTE_S, 600_000), entry("a", 8, 8, 10 * MINUTE_S)])
    middle = T0 + 15 * MINUTE_S * 1_000_000_000
    for asked in ({"last_unix_nano": middle}, {"first_unix_nano": middle}):
        found = loss(store.query, replace(Question(), **asked))
        assert not sum(one.without_end + one.without_start for one in found.ends)


def test_report_without_start(store: Store) -> None:
    """A REPORT whose START is missing is told, unless it may have begun before the store's first line."""
    store.append([*invoked("a", 2, 40 * MINUTE_S, parts="REPORT"), *invoked("a", 3, 1, parts="REPORT")])
    store.append([entry("a", 2, 2), entry("a", 3, 3)])
    (one,) = loss(store.query, Question()).ends
    assert (one.without_start, one.older) == (1, 1)
    assert "1 of 3 REPORTs of a have no START" in texts(told(store))


def test_narrow_patterns(store: Store) -> None:
    """Where all STARTs, all REPORTs or all of the platform's lines are missing, a filter leaves them out."""
    store.append(invoked("ends", 2, 40 * MINUTE_S, parts="REPORT"))
    store.append(invoked("begins", 3, 40 * MINUTE_S, parts="START"))
    store.append([entry("ends", 2, 2), entry("begins", 3, 3), entry("own", 4, 4)])
    found = texts(told(store))
    assert "No START of ends came, and 1 REPORTs did" in found
    assert "No REPORT of begins came, and 1 STARTs did" in found
    assert "Lambda's own lines of own do not come, only the layer's" in found


def test_tellers(store: Store) -> None:
    """Invocations that only Lambda, or only the layer, told of are counted."""
    store.append(
        [*invoked("a", 2, 31 * MINUTE_S), entry("a", 3, 3, 31 * MINUTE_S), *invoked("bare", 4, 31 * MINUTE_S)]
    )
    a, bare = loss(store.query, Question()).tellers
    assert (a.requests, a.platform_only, a.layer_only) == (3, 1, 1)
    assert bare.platform_only == bare.requests == 1
    assert "The layer tells nothing of bare" in texts(told(store))
    assert "Of 1 of 3 invocations of a only the layer told" in texts(told(store))


def test_dropped_by_lambda(store: Store) -> None:
    """What Lambda says that it dropped is bad."""
    store.append([replace(metric("d", 12), name="aws.lambda.logs_dropped", origin=origin("a"))])
    assert "Lambda says that it dropped 12 log records of a" in texts(told(store))


def test_silent_groups(store: Store) -> None:
    """Log groups of observe.yaml of which nothing came are told; a beginning with * is met by any group."""
    config = loads(
        "version: 1\nservices:\n"
        "  s: {side: serverless, log_groups: [/aws/lambda/a, '/aws/lambda/*', /gone, '/no/*']}\n"
    )
    found = told(store, config)
    assert "nothing came of /gone, /no/*." in texts(found)
    rows = {row[0]: row[2] for row in table(found, "log_groups").rows}
    assert rows["/gone"] == 0
    assert rows["/aws/lambda/a"] == 4


def test_nothing_is_known(tmp_path: Path) -> None:
    """Without a ledger of the time nothing is vouched for."""
    store = Store(tmp_path / "store")
    store.record([settled("p")])
    found = told(store, first_unix_nano=T0 + 1)
    assert levels(found) == ["warning"]
    assert "nothing can be said" in texts(found)


def test_only_services_asked_for(store: Store) -> None:
    """Groups and invocations are those of the services asked for."""
    store.append(invoked("b", 2, 40 * MINUTE_S))
    found = loss(store.query, Question(services=("b",)))
    assert [one.service for one in found.groups] == ["b"]
    assert [one.service for one in found.ends] == ["b"]
    assert [one.service for one in found.tellers] == ["b"]
