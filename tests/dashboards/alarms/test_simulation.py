"""Rules over made-up days: health and one failure are quiet, an outage is told soon, silence on purpose."""

from __future__ import annotations

from functools import cache
from random import Random

import msgspec
import pytest

from dashboards.alarms.build import alarms_of
from dashboards.alarms.rules import RULES
from dashboards.alarms.values import Alarm, Burn, Slo
from dashboards.expressions import Expression, Percent, Scaled
from dashboards.resources import Edge, ServiceView, System
from subscribers.config import loads
from tests.dashboards.alarms.simulation import between, burns, fires_at, is_beyond, noisy, shown, value
from tests.dashboards.alarms.systems import resource
from tests.dashboards.sample import SYSTEM

_PROMISES = {rule for rule in RULES if rule.startswith("endpoint-slo-")}
JUDGED = sorted(set(RULES) - _PROMISES)
#: Where one period is enough: something was lost for good, nobody is left, or an hour was judged.
AT_ONCE = {
    "dead-letters",
    "endpoint-outage",
    "function-async-dropped",
    "function-outage",
    "pipeline-dead-letters",
    "pipeline-errors",
    "pipeline-silent",
    "rule-failures",
    "state-machine-failures",
    "state-machine-timeouts",
}
#: Where one failure is told although it is one: nobody tries again.
ONE_IS_TOLD = AT_ONCE - {"endpoint-outage", "function-outage"}


def _everything() -> System:
    """A system in which every rule has a subject; limits are those of simulation.SIGNALS."""
    direct = resource("function", "Direct", limits={"timeout_s": 30, "reserved_concurrency": 50})
    work = resource("function", "Work", limits={"timeout_s": 30})
    pipeline = [
        resource("function", "Subscriber"),
        resource("function", "Evaluator"),
        resource("queue", "Retry"),
        resource("queue", "RetryDead"),
        resource("table", "AlertState"),
    ]
    stream = resource("stream", "Stream", limits={"retention_h": 24})
    unread = resource("stream", "Unread", limits={"retention_h": 24})
    topic, reader = resource("topic", "Topic"), resource("function", "Reader")
    queue = resource("queue", "Queue", limits={"visibility_s": 30, "max_in_flight": 120_000})
    dead = resource("queue", "Dead")
    more = [
        resource("table", "Table"),
        resource("state_machine", "Machine"),
        resource("rule", "Rule"),
        resource("firehose", "Firehose"),
        resource("rest_api", "Api"),
        resource("bucket", "Bucket", facts={"metrics": "All"}),
        resource("load_balancer", "Balancer"),
        resource("target_group", "Group"),
        resource(
            "database",
            "Database",
            facts={"replica_of": "x"},
            limits={"max_connections": 200, "storage_gb": 100},
        ),
        resource("ecs_service", "Ecs"),
        resource("graphql", "Graph"),
        resource("distribution", "Cdn"),
    ]
    found = [direct, work, *pipeline, stream, unread, topic, reader, queue, dead, *more]
    edges = (
        Edge(source=stream.id, target=reader.id, how="feeds"),
        Edge(source=topic.id, target=reader.id, how="feeds"),
        Edge(source=queue.id, target=work.id, how="feeds"),
        Edge(source=queue.id, target=dead.id, how="dead_letters"),
        Edge(source="queue:Retry", target="queue:RetryDead", how="dead_letters"),
    )
    text = """
version: 1
services: {old: {side: legacy}, new: {side: serverless}, host: {side: legacy}}
endpoints:
  submit:
    route: POST /claims
    legacy: {service: old}
    serverless: {service: new}
    slo: {availability: 99.9}
    baseline: {from: 2026-09-01, to: 2026-09-30, p95_ms: 400, error_percent: 2}
dashboards:
  alarms: {function-timeouts: {off: false}, queue-in-flight: {off: false}}
  resources:
    submit: {busy: true}
    Direct: {busy: true}
    host: {alarms: {legacy-pool-used: {off: false}, legacy-latency: {threshold: 2000}}}
    Group: {alarms: {target-latency: {threshold: 3}}}
"""
    config = loads(text)
    view = msgspec.structs.replace(SYSTEM.endpoints["submit"], config=config.endpoints["submit"])
    return System(
        resources={one.id: one for one in found},
        edges=edges,
        endpoints={"submit": view},
        services={"host": ServiceView(name="host", side="legacy")},
        pipeline=tuple(one.id for one in pipeline),
        config=config,
    )


@cache
def alarms() -> dict[str, list[Alarm]]:
    """Rule -> its alarms in the system that has everything."""
    out: dict[str, list[Alarm]] = {}
    for alarm in alarms_of(_everything()).alarms:
        out.setdefault(alarm.rule, []).append(alarm)
    return out


def _share(of: Expression) -> Percent | None:
    return of if isinstance(of, Percent) else None


def test_every_rule_is_simulated() -> None:
    """None is left out because the system has nothing that it fits."""
    assert sorted(alarms()) == JUDGED


@pytest.mark.parametrize("rule", JUDGED)
def test_a_healthy_day_is_quiet(rule: str) -> None:
    """Two days of noise around what is normal."""
    for alarm in alarms()[rule]:
        periods = noisy(shown(alarm, 0), 2 * 86_400 // alarm.condition.period_s, Random(11))
        assert fires_at(alarm.condition, periods) is None, alarm.name


@pytest.mark.parametrize("rule", JUDGED)
def test_an_outage_is_told_as_soon_as_the_rule_promises(rule: str) -> None:
    """After as many bad periods as it needs, within the hour: no threshold is above what can be reached."""
    for alarm in alarms()[rule]:
        condition = alarm.condition
        healthy, broken = shown(alarm, 0), shown(alarm, 1)
        periods = [*[healthy] * 20, *[broken] * condition.periods]
        assert fires_at(condition, periods) == 19 + condition.datapoints, alarm.name
        assert condition.datapoints * condition.period_s <= 3_600, alarm.name


@pytest.mark.parametrize("rule", sorted(set(JUDGED) - AT_ONCE))
def test_one_bad_period_tells_nobody(rule: str) -> None:
    """A restart, a burst, a cold start."""
    for alarm in alarms()[rule]:
        healthy, broken = shown(alarm, 0), shown(alarm, 1)
        periods = [*[healthy] * 20, broken, *[healthy] * 20]
        assert fires_at(alarm.condition, periods) is None, alarm.name


@pytest.mark.parametrize("rule", sorted(set(JUDGED) - ONE_IS_TOLD))
def test_one_error_in_little_traffic_tells_nobody(rule: str) -> None:
    """Three requests a period, one of which fails: a third, and no reason to wake somebody."""
    for alarm in alarms()[rule]:
        of = _share(alarm.condition.of)
        if of is None:
            continue
        quiet = {key: 3.0 if amount else 0.0 for key, amount in shown(alarm, 0).items()}
        failed = next(iter(shown(alarm, 0)))
        one = {**quiet, failed: 1.0}
        assert value(of, {**one, failed: 3.0}) is not None
        assert (
            fires_at(alarm.condition, [*[quiet | {failed: 0.0}] * 9, one, *[quiet | {failed: 0.0}] * 9])
            is None
        )


@pytest.mark.parametrize("rule", JUDGED)
def test_silence_is_told_where_it_is_the_fault_and_nowhere_else(rule: str) -> None:
    """No data at all for a day."""
    for alarm in alarms()[rule]:
        nothing = dict.fromkeys(shown(alarm, 0))
        fired = fires_at(alarm.condition, [nothing] * 24)
        assert (fired is not None) == rule.endswith("-silent"), alarm.name


@pytest.mark.parametrize(
    "rule", sorted(set(JUDGED) - {"endpoint-silent", "function-silent", "pipeline-silent"})
)
def test_a_slow_drift_is_told_once_it_is_beyond_and_not_before(rule: str) -> None:
    """From health to ruin in a thousand steps."""
    for alarm in alarms()[rule]:
        condition = alarm.condition
        periods = between(shown(alarm, 0), shown(alarm, 1), 1_000)
        first = next(i for i, period in enumerate(periods) if is_beyond(condition, period))
        assert fires_at(condition, periods) == first + condition.datapoints - 1, alarm.name
        assert first > 0, alarm.name


def test_an_outage_in_little_traffic_is_told_within_the_hour() -> None:
    """One request a minute, all failing: too few for a share in five minutes, enough in an hour."""
    by_rule = {rule: alarms()[rule][0].condition for rule in ("endpoint-errors", "endpoint-outage")}
    minutes = {rule: condition.period_s / 60 for rule, condition in by_rule.items()}
    fired = {
        rule: fires_at(
            condition, [{"endpoint.requests": minutes[rule], "endpoint.errors": minutes[rule]}] * 12
        )
        for rule, condition in by_rule.items()
    }
    assert fired == {"endpoint-errors": None, "endpoint-outage": 0}


@cache
def promise() -> Slo:
    """99.9% of requests succeed."""
    return alarms_of(_everything()).slos[0]


def _burn(factor: float) -> Burn:
    return next(burn for burn in promise().burns if burn.factor == factor)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0005, {14.4: False, 6: False, 3: False, 1: False}),
        (0.0011, {14.4: False, 6: False, 3: False, 1: True}),
        (0.004, {14.4: False, 6: False, 3: True, 1: True}),
        (0.0061, {14.4: False, 6: True, 3: True, 1: True}),
        (0.0143, {14.4: False, 6: True, 3: True, 1: True}),
        (0.0145, {14.4: True, 6: True, 3: True, 1: True}),
    ],
)
def test_a_promise_burns_as_by_hand(share: float, told: dict[float, bool]) -> None:
    """0.1% may fail, so 1.44% is 14.4 times too fast: of three days with 100 requests a minute."""
    days = [(100 * share, 100.0)] * (3 * 1_440)
    assert {factor: burns(promise(), _burn(factor), days) for factor in told} == told


def test_a_promise_that_is_kept_again_tells_nobody_any_more() -> None:
    """The short window closes it: an hour with an outage in it, and ten good minutes since."""
    hour = [*[(0.0, 100.0)] * 40, *[(100.0, 100.0)] * 10, *[(0.0, 100.0)] * 10]
    assert burns(promise(), _burn(14.4), [*[(0.0, 100.0)] * 40, *[(100.0, 100.0)] * 10])
    assert not burns(promise(), _burn(14.4), hour)


def test_one_failure_in_little_traffic_burns_no_promise() -> None:
    """One of a hundred requests an hour is 10 times too fast, and chance; so are two of six hours."""
    six_hours = [(0.0, 100 / 60)] * 360
    for failures in (1, 2):
        newest = [*six_hours[:-failures], *[(1.0, 100 / 60)] * failures]
        assert not any(burns(promise(), _burn(factor), newest) for factor in (14.4, 6))
    outage = [*six_hours[:-30], *[(100 / 60, 100 / 60)] * 30]
    assert burns(promise(), _burn(6), outage)


def test_the_pool_is_judged_by_its_share() -> None:
    """Eight of twenty connections are 40%."""
    [alarm] = alarms()["legacy-pool-used"]
    assert isinstance(alarm.condition.of, Scaled)
    assert value(alarm.condition.of, shown(alarm, 0)) == pytest.approx(40)
