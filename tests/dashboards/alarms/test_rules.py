"""Each rule's threshold comes from where it should, and a rule without a limit is absent and says so."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.alarms.build import alarms_of
from dashboards.alarms.rules import RULES
from dashboards.resources import Edge, Kind, ServiceView, System
from subscribers.config import loads
from tests.dashboards.alarms.systems import problems, resource, system
from tests.dashboards.sample import SYSTEM

_LIMITS: list[tuple[Kind, dict[str, float], str, float]] = [
    ("function", {"timeout_s": 30}, "function-near-timeout", 27_000),
    ("function", {"reserved_concurrency": 50}, "function-concurrency", 45),
    ("function", {}, "function-errors", 5),
    ("function", {}, "function-throttles", 0),
    ("function", {}, "function-outage", 50),
    ("queue", {"retention_s": 1_200}, "queue-age", 600),
    ("queue", {}, "queue-age", 172_800),
    ("queue", {"max_in_flight": 120_000}, "queue-in-flight", 96_000),
    ("topic", {}, "topic-failures", 0),
    ("stream", {"retention_h": 24}, "stream-age", 1_728_000),
    ("stream", {}, "stream-throttles", 10),
    ("firehose", {}, "firehose-late", 1_800),
    ("table", {}, "table-throttles", 10),
    ("table", {}, "table-errors", 5),
    ("state_machine", {}, "state-machine-failures", 5),
    ("state_machine", {}, "state-machine-timeouts", 0),
    ("state_machine", {}, "state-machine-throttles", 0),
    ("rule", {}, "rule-failures", 0),
    ("rest_api", {}, "api-errors", 5),
    ("rest_api", {}, "api-latency", 23_200),
    ("http_api", {}, "api-latency", 24_000),
    ("graphql", {}, "graphql-errors", 5),
    ("graphql", {}, "graphql-latency", 24_000),
    ("distribution", {}, "distribution-errors", 5),
    ("load_balancer", {}, "load-balancer-errors", 5),
    ("load_balancer", {}, "load-balancer-rejected", 0),
    ("target_group", {}, "target-errors", 5),
    ("target_group", {}, "target-unhealthy", 0),
    ("target_group", {}, "target-none-healthy", 1),
    ("database", {}, "database-cpu", 90),
    ("database", {"max_connections": 200}, "database-connections", 180),
    ("database", {"storage_gb": 100}, "database-storage", 10 * 2**30),
    ("ecs_service", {}, "ecs-cpu", 90),
    ("ecs_service", {}, "ecs-memory", 90),
]
_UNKNOWN: list[tuple[Kind, str]] = [
    ("function", "function-near-timeout"),
    ("stream", "stream-age"),
    ("database", "database-connections"),
    ("database", "database-storage"),
    ("target_group", "target-latency"),
]


def thresholds(given: System) -> dict[str, float]:
    """Rule -> threshold, of a system in which each rule has one alarm."""
    made = alarms_of(given)
    assert problems(given, made) == []
    return {alarm.rule: alarm.condition.threshold for alarm in made.alarms}


@pytest.mark.parametrize(("kind", "limits", "rule", "threshold"), _LIMITS)
def test_a_threshold_comes_from_the_resource(
    kind: Kind, limits: dict[str, float], rule: str, threshold: float
) -> None:
    """What the template says about the resource gives the number."""
    assert thresholds(system(resource(kind, limits=limits)))[rule] == threshold


@pytest.mark.parametrize(("kind", "rule"), _UNKNOWN)
def test_without_a_limit_there_is_no_alarm_and_it_is_said(kind: Kind, rule: str) -> None:
    """A rule whose limit nobody knows is off, with the reason and the place."""
    made = alarms_of(system(resource(kind)))
    assert rule not in {alarm.rule for alarm in made.alarms}
    [(text, place)] = [one for one in made.off if one[0].startswith(f"{rule} of ")]
    assert "no threshold: " in text
    assert str(place) == "template.yaml:7"


def _feeding(source: Kind, limits: dict[str, float] | None = None) -> System:
    one, function = resource(source, "Source", limits=limits or {}), resource("function")
    return system(one, function, edges=(Edge(source=one.id, target=function.id, how="feeds"),))


def test_a_reader_of_a_stream_is_judged_by_its_retention_and_the_stream_is_not() -> None:
    """One cause, one alarm: the function tells of its lag."""
    found = thresholds(_feeding("stream", {"retention_h": 48}))
    assert found["function-iterator-age"] == 48 * 3_600_000 * 0.02
    assert "stream-age" not in found
    assert thresholds(_feeding("table"))["function-iterator-age"] == 24 * 3_600_000 * 0.02


@pytest.mark.parametrize(
    ("limits", "threshold"),
    [
        ({"visibility_s": 30}, 300),
        ({"visibility_s": 360}, 1_080),
        ({"visibility_s": 360, "retention_s": 600}, 300),
    ],
)
def test_a_queue_that_is_read_is_judged_by_its_visibility(limits: dict[str, float], threshold: float) -> None:
    """Three turns of a message, and never more than half of what it is kept for."""
    found = thresholds(_feeding("queue", limits))
    assert found["queue-age"] == threshold
    assert "queue-in-flight" not in thresholds(_feeding("queue", {**limits, "max_in_flight": 120_000}))


def test_a_queue_that_is_read_whose_visibility_is_unknown_says_so() -> None:
    """It is off, with its reason."""
    made = alarms_of(_feeding("queue"))
    assert any(text.startswith("queue-age of queue:Source: no threshold: its Visib") for text, _ in made.off)


@pytest.mark.parametrize("reserved", [1, 2, 9])
def test_a_small_reserve_is_there_to_be_used(reserved: int) -> None:
    """Nine tenths of one execution are one: that alarm would always be open."""
    made = alarms_of(system(resource("function", limits={"reserved_concurrency": reserved})))
    assert "function-concurrency" not in {one.rule for one in made.alarms}
    assert any("function-concurrency of function:Thing: no threshold" in text for text, _ in made.off)


def test_throttles_of_a_reader_of_a_queue_are_a_warning() -> None:
    """The queue keeps the messages, and its age tells; whoever else is refused is lost or waits."""
    severities = {
        source: next(
            one.severity for one in alarms_of(_feeding(source)).alarms if one.rule == "function-throttles"
        )
        for source in ("queue", "topic")
    }
    assert severities == {"queue": "warning", "topic": "error"}


def test_dropped_events_of_a_schedule_are_told() -> None:
    """A function that runs once a night never passes a gate of twenty invocations."""
    nightly = system(resource("function", facts={"schedule": "cron(0 3 * * ? *)"}))
    assert thresholds(nightly)["function-async-dropped"] == 0


def test_dropped_events_are_told_where_no_queue_keeps_them() -> None:
    """A function with dead letters has them told there."""
    given = _feeding("topic")
    assert thresholds(given)["function-async-dropped"] == 0
    dead = resource("queue", "Dead")
    safe = system(
        *given.resources.values(),
        dead,
        edges=(*given.edges, Edge(source="function:Thing", target=dead.id, how="dead_letters")),
    )
    found = thresholds(safe)
    assert "function-async-dropped" not in found
    assert found["dead-letters"] == 0


def test_dead_letters_have_one_alarm_that_says_whose_they_are() -> None:
    """Neither age nor flight of a queue that nobody reads is judged."""
    limits = {"visibility_s": 30.0, "max_in_flight": 120_000.0}
    source, dead = resource("queue", "Work", limits=limits), resource("queue", "Dead", limits=limits)
    given = system(source, dead, edges=(Edge(source=source.id, target=dead.id, how="dead_letters"),))
    [alarm] = [one for one in alarms_of(given).alarms if one.subject == dead.id]
    assert alarm.rule == "dead-letters"
    assert "They come from Work." in alarm.about
    assert "start-message-move-task" in alarm.about


def test_replicas_request_metrics_and_aurora_are_judged_where_they_are() -> None:
    """Metrics that a resource does not have are not alarmed."""
    assert "database-replica-lag" in thresholds(system(resource("database", facts={"replica_of": "x"})))
    assert "database-replica-lag" not in thresholds(system(resource("database")))
    assert "bucket-errors" in thresholds(system(resource("bucket", facts={"metrics": "All"})))
    assert thresholds(system(resource("bucket"))) == {}
    aurora = resource("database", facts={"engine": "aurora-mysql"}, limits={"storage_gb": 1})
    assert "database-storage" not in thresholds(system(aurora))


def test_a_legacy_service_without_endpoints_is_judged_itself() -> None:
    """One with endpoints is told of by them."""
    view = ServiceView(name="mainframe", side="legacy")
    made = alarms_of(System(services={"mainframe": view}))
    assert [alarm.rule for alarm in made.alarms] == ["legacy-errors", "legacy-pool"]
    assert any(text.startswith("legacy-latency of mainframe: no threshold") for text, _ in made.off)
    assert "legacy-errors" not in {alarm.rule for alarm in alarms_of(SYSTEM).alarms}


def test_the_pipeline_is_watched() -> None:
    """Parts that failed, silence of the evaluator, lag, retries and dead letters."""
    parts = [
        resource("function", "Subscriber"),
        resource("function", "Evaluator"),
        resource("queue", "Retry"),
        resource("queue", "Dead"),
        resource("table", "State"),
    ]
    given = system(
        *parts,
        edges=(Edge(source="queue:Retry", target="queue:Dead", how="dead_letters"),),
        pipeline=tuple(part.id for part in parts),
    )
    made = alarms_of(given)
    assert problems(given, made) == []
    own = {alarm.rule: alarm for alarm in made.alarms if alarm.rule.startswith("pipeline-")}
    assert own.keys() == {rule for rule in RULES if rule.startswith("pipeline-")}
    assert {alarm.page for alarm in made.alarms} == {"pipeline"}
    assert own["pipeline-silent"].condition.missing == "breaching"
    assert own["pipeline-lag"].subject == "function:Subscriber"
    assert own["pipeline-failed"].name == "pipeline-failed"


def _endpoint(**more: Any) -> System:
    """The sample with another `submit` in observe.yaml."""
    import json

    import msgspec

    entry = {
        "route": "POST /claims",
        "legacy": {"service": "a"},
        "serverless": {"service": "b"},
        **more,
    }
    services = {"a": {"side": "legacy"}, "b": {"side": "serverless"}}
    config = loads(json.dumps({"version": 1, "services": services, "endpoints": {"submit": entry}}))
    view = msgspec.structs.replace(SYSTEM.endpoints["submit"], config=config.endpoints["submit"])
    return msgspec.structs.replace(SYSTEM, endpoints={"submit": view})


_BASE = {"from": "2026-09-01", "to": "2026-09-30", "p95_ms": 400, "error_percent": 2}


def test_an_endpoint_is_judged_by_its_promise_and_else_by_its_baseline() -> None:
    """SLO first, then one and a half times the legacy side, else not at all."""
    promised = thresholds(_endpoint(slo={"latency": {"p": 99, "ms": 700}}, baseline=_BASE))
    assert promised["endpoint-slow"] == 700
    based = thresholds(_endpoint(baseline=_BASE))
    assert based["endpoint-slow"] == 600
    assert based["endpoint-parity"] == 3
    assert based["endpoint-parity-latency"] == 500
    assert not thresholds(_endpoint()).keys() & {"endpoint-slow", "endpoint-parity", "endpoint-silent"}


def test_burns_that_no_traffic_can_reach_are_left_out() -> None:
    """14.4 times the allowed 10% would be more than all requests."""
    made = alarms_of(_endpoint(slo={"availability": 90, "window": "7d"}))
    [slo] = made.slos
    assert [burn.factor for burn in slo.burns] == [6, 3, 1]
    assert slo.window_s == 7 * 86_400
    assert slo.minimum == 50


def test_only_burning_promises_silence_and_the_pipeline_wake_somebody() -> None:
    """Critical is for what users or everybody on call notice."""
    critical = {name for name, rule in RULES.items() if rule.severity == "critical"}
    assert critical == {
        "endpoint-silent",
        "endpoint-slo-availability",
        "endpoint-slo-latency",
        "pipeline-errors",
        "pipeline-failed",
        "pipeline-silent",
    }
