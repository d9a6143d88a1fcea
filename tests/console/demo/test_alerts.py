"""The demo's alerts: the clock that is moved on, the receiver, what is printed, the page behind a link."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from console.demo import alerts
from console.demo.alerts import Alerts, Told, copied, receiver, render
from console.demo.example import example
from console.demo.story_page import page_of
from console.demo.subscribe import STATE
from subscribers.alerts.counting import planned
from subscribers.alerts.state import Entry
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.config import load
from subscribers.store import Store
from tests.subscribers.samples import TRACE, log, span

#: A Sunday.
NOW_S = 1_795_308_818.5
BODY = {
    "action": "trigger",
    "rule": "r",
    "title": "ERROR r: [bold]x[/] failed",
    "facts": {"Since": "then", "Side": "legacy", "Severity": "error"},
    "changes": ["deployment: v2"],
    "members": [],
    "samples": [
        {"id": "web-1", "text": "POST /x", "command": "observe trace web-1", "links": {"trace": "http://x/1"}}
    ],
}


def test_the_clock_goes_minute_by_minute_until_windows_are_whole() -> None:
    """From the minute in which the demo began, ten minutes beyond its end."""
    times = alerts.minutes(NOW_S, NOW_S + 30)
    assert times.step == 60
    assert times[0] <= NOW_S < times[1]
    assert times[-1] >= NOW_S + 600


def test_the_clock_is_moved_behind_the_next_two_deadlines() -> None:
    """03:30 in Paris is 02:30 UTC in winter, on weekdays."""
    times = alerts.nights(planned(load(example() / "observe.yaml")), NOW_S + 30)
    told = [datetime.fromtimestamp(at_s, UTC).strftime("%a %H:%M") for at_s in times]
    assert told == ["Mon 02:34", "Tue 02:34"]


def test_the_rules_that_somebody_is_told_of_are_rules() -> None:
    """The demo fails where nobody is told of one."""
    assert set(planned(load(example() / "observe.yaml")).rules) >= alerts.EXPECTED


def test_the_receiver_takes_notifications_and_nothing_else() -> None:
    """What is no JSON is refused."""
    with receiver() as inbox:
        urllib.request.urlopen(inbox.url, json.dumps(BODY).encode(), timeout=5)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(inbox.url, b"garbage", timeout=5)
        assert inbox.take() == [BODY]
        assert inbox.take() == []


def test_nothing_counted_tells_nobody(tmp_path: Path) -> None:
    """An evaluator of an empty state is silent."""
    with receiver() as inbox:
        assert Alerts(tmp_path / STATE, inbox).evaluate(NOW_S) == []


def test_a_clock_that_is_moved_to_other_days_is_that_of_a_copy(tmp_path: Path) -> None:
    """The store's own state is judged by its own time."""
    SqliteState(tmp_path / STATE).put([Entry("p", "s", b"before")])
    with copied(tmp_path) as copy:
        state = SqliteState(copy())
        entry = state.get("p", "s")
        assert entry is not None
        assert entry.body == b"before"
        state.put([Entry("p", "s", b"after")])
    kept = SqliteState(tmp_path / STATE).get("p", "s")
    assert kept is not None
    assert kept.body == b"before"


def test_a_notification_is_printed_as_it_is() -> None:
    """Where, since when, what changed, whom it hit, and what to type; its texts are data."""
    out = io.StringIO()
    render(Told(int(NOW_S), BODY), Console(file=out, width=200), lambda command: f"./{command} --store s")
    said = out.getvalue()
    for text in ("[bold]x[/] failed", "Side      legacy", "Changed   deployment: v2", "http://x/1"):
        assert text in said
    assert "$ ./observe trace web-1 --store s" in said
    assert "Severity" not in said


def test_what_is_over_is_one_line() -> None:
    """Whoever was woken wants to know that, and no more."""
    out = io.StringIO()
    render(Told(int(NOW_S), {**BODY, "action": "resolve"}), Console(file=out, width=200), str)
    assert len(out.getvalue().splitlines()) == 1


def test_the_page_of_a_link_is_the_story(tmp_path: Path) -> None:
    """As the terminal tells it; what a log says is text there, too."""
    store = Store(tmp_path)
    hostile = log("1", trace_id=TRACE, correlation_id="web-1", message="<script>alert(1)</script>")
    store.append([span("GET /x", correlation_id="web-1"), hostile])
    page = page_of(store, "web-1")
    assert page is not None
    assert "GET /x" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<title>web-1 - Hybrid Observe</title>" in page
    assert page_of(store, "web-2") is None


def test_an_id_with_braces_is_no_field_of_the_page(tmp_path: Path) -> None:
    """IDs are what somebody has sent."""
    store = Store(tmp_path)
    store.append([span("GET /x", correlation_id="{code}<b>")])
    page = page_of(store, "{code}<b>")
    assert page is not None
    assert "<title>(code)&lt;b&gt; - Hybrid Observe</title>" in page
