"""Which logs are left out, how each is counted, and how many series a metric keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import ids
from subscribers.config import EMPTY, Config, loads
from subscribers.controls import Controls
from subscribers.handler import make_handler
from subscribers.parse import Parsed
from subscribers.signals import Log, Metric, Signal
from tests.subscribers.lambda_stream import END, NOW, REPORT, REQUEST, START, TRACE, batch, logs, told
from tests.subscribers.samples import log, origin, span
from tests.subscribers.sink import Memory
from tests.subscribers.test_handler import handled

KEPT_TRACE = next(f"{n:032x}" for n in range(1, 99) if ids.sampled_by_rate(f"{n:032x}", 0.5))
LOST_TRACE = next(f"{n:032x}" for n in range(1, 99) if not ids.sampled_by_rate(f"{n:032x}", 0.5))


def config(system: str = "", service: str = "") -> Config:
    """observe.yaml with controls of the system and of the service `claims`."""
    own = f", controls: {{{service}}}" if service else ""
    return loads(
        f"version: 1\ncontrols: {{{system}}}\n"
        f"services:\n  claims: {{side: legacy, log_groups: [/app/claims]{own}}}\n"
    )


def apply(
    found: Config, *signals: Signal, joined: dict[str, str] | None = None
) -> tuple[list[str], dict[str, int]]:
    """(the IDs of what is kept, how many events are dropped by reason)."""
    parsed = Parsed(signals=list(signals), joined=joined or {})
    dropped = Controls(found).apply(parsed, found.services["claims"])
    return [signal.event_id for signal in parsed.signals], dropped


def test_nothing_is_left_out_by_default() -> None:
    """Without controls every log stays."""
    assert apply(config(), log("a", level="DEBUG"), log("b")) == (["log-a", "log-b"], {})
    assert Controls(config("series_max: 5, keep_failed: false, sample: 1")).keeps_all()
    for rules in ('exclude: ["x"]', 'include: ["x"]', "level: INFO", "sample: 0.5"):
        assert not Controls(config(rules)).keeps_all()


@pytest.mark.parametrize("level", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", ""])
def test_logs_below_the_level_are_left_out(level: str) -> None:
    """Those without a level stay."""
    kept, dropped = apply(config("level: WARN"), log("a", level=level))
    assert (kept, dropped) == (
        ([], {"below_level": 1}) if level in ("TRACE", "DEBUG", "INFO") else (["log-a"], {})
    )


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ('exclude: ["line [ab]"]', ["c"]),
        ('include: ["line [ab]"]', ["a", "b"]),
        ('include: ["line [ab]"], exclude: ["a$"]', ["b"]),
        ("include: []", ["a", "b", "c"]),
        ('exclude: ["path=/health"]', ["a", "c"]),
        ('exclude: ["(?m)^ok=true$"]', ["a", "c"]),
        ('exclude: ["(?i)TypeError"]', ["a", "b"]),
        ('exclude: ["n=1.5"]', ["a", "c"]),
    ],
)
def test_expressions_see_all_that_a_log_says(rules: str, kept: list[str]) -> None:
    """The message, the error and the fields as name=value, a line each."""
    said = (
        log("a"),
        log("b", attributes={"url.path": "/health", "ok": True, "n": 1.5}),
        log("c", error_type="TypeError", level="ERROR"),
    )
    found, dropped = apply(config(rules), *said)
    assert found == [f"log-{name}" for name in kept]
    assert sum(dropped.values()) == dropped.get("excluded", 0) == 3 - len(kept)


def test_logs_are_sampled_by_their_trace() -> None:
    """The same traces as functions keep; errors and what belongs to no request stay."""
    half = config("sample: 0.5")
    assert apply(
        half,
        log("kept", trace_id=KEPT_TRACE),
        log("lost", trace_id=LOST_TRACE),
        log("nobody's"),
    ) == (["log-kept", "log-nobody's"], {"sampled_out": 1})
    by_request = f"request-{KEPT_TRACE}"
    expected = ids.sampled_by_rate(ids.derive_trace_id(by_request), 0.5)
    kept, _ = apply(half, log("r", request_id=by_request))
    assert bool(kept) == expected


def test_logs_with_a_correlation_id_alone_are_sampled_by_the_trace_it_makes() -> None:
    """As the function that has the same one does, whatever its request ID; errors stay."""
    rate = config("sample: 0.5")
    for raw in (f"CLM-{n}" for n in range(20)):
        expected = ids.sampled_by_rate(ids.derive_trace_id(raw), 0.5)
        for request_id in ("", "request-1"):
            kept, _ = apply(rate, log("c", correlation_id=raw, request_id=request_id))
            assert bool(kept) == expected
    assert apply(config("sample: 0.0"), log("c", correlation_id="CLM-1")) == ([], {"sampled_out": 1})
    assert apply(config("sample: 0.0"), log("c", correlation_id="CLM-1", level="ERROR"))[0] == ["log-c"]


@given(st.integers(0, 1000), st.integers(0, 2**128 - 1))
def test_sampling_is_the_layers_decision(per_mille: int, number: int) -> None:
    """Both sides keep the logs of the same traces."""
    trace_id = f"{number:032x}"
    kept, _ = apply(config(f"sample: {per_mille / 1000:.3f}"), log("a", trace_id=trace_id))
    assert bool(kept) == ids.sampled_by_rate(trace_id, per_mille / 1000)


@pytest.mark.parametrize(
    "failure",
    [
        log("e", trace_id=LOST_TRACE, level="ERROR"),
        log("e", trace_id=LOST_TRACE, error_type="ValueError"),
        span("e", trace_id=LOST_TRACE, status="error"),
    ],
)
def test_what_failed_is_kept_whole(failure: Signal) -> None:
    """All logs of the trace, DEBUG among them, unless that is not wanted."""
    debug, info = log("d", trace_id=LOST_TRACE, level="DEBUG"), log("i", trace_id=LOST_TRACE, level="INFO")
    thin = "sample: 0.0, level: INFO"
    assert apply(config(thin), debug, info, failure) == (["log-d", "log-i", failure.event_id], {})
    kept, dropped = apply(config(f"{thin}, keep_failed: false"), debug, info, failure)
    assert (kept, dropped) == ([failure.event_id], {"below_level": 1, "sampled_out": 1})


def test_a_failed_invocation_is_known_by_its_request_too() -> None:
    """Lines that name no trace belong to their invocation."""
    failed = log("e", request_id=REQUEST, level="ERROR", trace_id=TRACE)
    assert apply(config("level: INFO"), log("d", request_id=REQUEST, level="DEBUG"), failed)[1] == {}


def test_a_services_own_controls_win() -> None:
    """Key by key; other services have the system's."""
    found = config("level: ERROR, sample: 1", "level: DEBUG")
    assert apply(found, log("a", level="INFO"))[0] == ["log-a"]
    parsed = Parsed(signals=[log("a", level="INFO")])
    assert Controls(found).apply(parsed) == {"below_level": 1}


def test_an_event_is_dropped_when_nothing_of_it_is_left() -> None:
    """A span or a metric of the same line stays; lines that were joined to a log go with it."""
    entry = span("s")
    point = Metric(event_id="log-b:0", origin=origin(), time_unix_nano=1, name="n", kind="count", value=1)
    kept, dropped = apply(
        config('exclude: ["line"]'),
        log("a"),
        log("b"),
        point,
        entry,
        joined={"x": "log-a", "y": "log-b", "z": "log-c"},
    )
    assert (kept, dropped) == (["log-b:0", entry.event_id], {"excluded": 2})


def test_the_rules_have_names() -> None:
    """What is active for a service can be printed."""
    found = config("level: INFO", 'sample: 0.25, exclude: ["x"], include: ["y"], series_max: 10')
    rules = Controls(found).rules(found.services["claims"])
    assert rules[0] == "redact names"
    assert rules[-5:] == ("include", "exclude", "level INFO", "sample 0.25", "series_max 10")
    assert Controls(EMPTY).rules()[-1] == "series_max 1000"


# --- Series ---------------------------------------------------------------------------------


def points(tags: list[dict[str, str]], controls: Controls, found: Config) -> list[dict[str, str]]:
    made: list[Signal] = [
        Metric(
            event_id=f"m:{n}", origin=origin(), time_unix_nano=1, name="n", kind="count", value=1, tags=one
        )
        for n, one in enumerate(tags)
    ]
    parsed = Parsed(signals=made)
    controls.apply(parsed, found.services["claims"])
    assert parsed.notes.get("tags_replaced", 0) == sum(
        after.tags != before
        for after, before in zip(parsed.signals, tags, strict=True)
        if isinstance(after, Metric)
    )
    return [signal.tags for signal in parsed.signals if isinstance(signal, Metric)]


def test_the_tag_with_the_most_values_is_replaced() -> None:
    """Beyond the limit of a metric; series that are known stay, over payloads, too."""
    found = config("series_max: 3")
    controls = Controls(found)
    users = [{"user": str(n), "route": "/a"} for n in range(5)]
    assert points(users, controls, found) == [*users[:3], *[{"user": "other", "route": "/a"}] * 2]
    assert points([users[0], users[4], {}], controls, found) == [
        users[0],
        {"user": "other", "route": "/a"},
        {},
    ]


@pytest.mark.parametrize(
    ("system", "service", "most"),
    [
        ("", "", 1000),
        ("series_max: 0", "", 0),
        ("series_max: 7", "series_max: 0", 7),
        ("", "series_max: 9", 9),
        ("series_max: 7", "series_max: 9", 7),
        ("series_max: 0", "series_max: 9", 9),
        ("", "series_max: 0", 0),
    ],
)
def test_the_smaller_limit_holds(system: str, service: str, most: int) -> None:
    """A team cannot lift the platform's."""
    found = config(system, service)
    named = [
        rule for rule in Controls(found).rules(found.services["claims"]) if rule.startswith("series_max")
    ]
    assert named == ([f"series_max {most}"] if most else [])


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("12345678")), max_size=60))
def test_a_metric_never_has_more_series_than_that(tags: list[dict[str, str]]) -> None:
    """Besides those with `other`; each keeps its tags' names."""
    found = config("series_max: 4")
    kept = points(tags, Controls(found), found)
    assert len({frozenset(one.items()) for one in kept if one and "other" not in one.values()}) <= 4
    assert [set(one) for one in kept] == [set(one) for one in tags]


# --- Through the handler --------------------------------------------------------------------

HANDLED = loads(
    """
version: 1
controls: {level: INFO, sample: 0, exclude: ["health"]}
services:
  claims: {side: serverless, log_groups: [/aws/lambda/claims]}
  app: {side: legacy, log_groups: [{name: /legacy/app, format: {log4j: "%d %-5p %m%n"}}]}
"""
)


def own(**fields: Any) -> str:
    return json.dumps({"level": "INFO", "requestId": REQUEST, "message": "m", "trace_id": TRACE, **fields})


def test_the_ledger_says_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Dropped with its reason; what was redacted is a note, and no drop; metrics and spans stay."""
    sink = Memory()
    lines = (START, own(level="DEBUG"), own(message="GET /health"), own(token="t"), END, REPORT, "")
    ledger = handled_with(HANDLED, sink, *lines)
    assert ledger["dropped"] == {"below_level": 1, "excluded": 1, "no_signal": 1, "sampled_out": 3}
    assert (ledger["received"], ledger["delivered"]) == (7, 1)
    assert not [signal for signal in sink.signals.values() if isinstance(signal, Log)]
    assert {signal.event_id.partition(":")[0] for signal in sink.signals.values()} == {report_id(lines)}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ledger"]["dropped"]["sampled_out"] == 3


def handled_with(
    found: Config, sink: Memory, *lines: str, group: str = "/aws/lambda/claims"
) -> dict[str, Any]:
    from subscribers.envelope import encode

    return handled(encode(batch(*lines, group=group)), sink, found)


def report_id(lines: tuple[str, ...]) -> str:
    (report,) = [one for one in logs(told(*lines)) if one.message.startswith("REPORT")]
    return report.event_id


def test_what_is_stored_is_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    """Without any configuration, too; business keys are found before."""
    sink = Memory()
    found = loads('version: 1\nkeys: {card: "4111[0-9 ]+"}')
    handled_with(found, sink, own(message="card 4111 1111 1111 1111", password="hunter2"))
    (one,) = sink.signals.values()
    assert isinstance(one, Log)
    assert (one.message, one.attributes) == ("card [REDACTED]", {"password": "[REDACTED]"})
    assert len(one.keys) == 1
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["notes"] == {"redacted.card": 1, "redacted.names": 1}


LINES = st.lists(
    st.sampled_from(
        ["2026-11-21 04:30:10,123 DEBUG d", "2026-11-21 04:30:10,123 ERROR e", "\tat a.B(C.java:1)",
         "2026-11-21 04:30:10,123 INFO health", "", "token=x", "java.lang.Error: no"]
    )
)  # fmt: skip


@given(LINES)
def test_the_ledger_conserves_what_is_left_out(lines: list[str]) -> None:
    """Whatever is joined, left out or redacted: delivered and dropped are what came in."""
    ledger = handled_with(HANDLED, Memory(), *lines, group="/legacy/app")
    assert ledger["delivered"] + sum(ledger["dropped"].values()) == len(lines)


def test_a_configuration_with_all_controls_makes_a_handler() -> None:
    """Each expression is compiled once, before the first payload."""
    found = config(
        'include: ["a"], exclude: ["b"], level: WARN, sample: 0.1, keep_failed: true, series_max: 5'
    )
    assert callable(make_handler(found, Memory(), lambda: NOW))
