"""The rules that need no configuration: what breaks in every hybrid system, with limits that let one sleep.

Each is gated by traffic, looks at several windows, and counts what subscribers see in logs anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from subscribers.alerts.measures import measure_of
from subscribers.alerts.model import AnyRule, Measure, NewError, Rate, Selector, Threshold
from subscribers.config import Config
from subscribers.connections import EXHAUSTED

_QUARTER_S = 900
#: No function runs longer: where nobody knows a timeout, nothing comes near it.
_LONGEST_MS = 900_000.0
_NEAR = 0.9
#: How AWS's APIs say that they are asked too often.
_THROTTLED = (
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)


def built_in_rules(config: Config, limits_ms: Mapping[str, float]) -> Iterator[AnyRule]:
    """Yield the rules that fit what a configuration has: those of functions, and of a legacy side.

    limits_ms: timeouts of the functions, by service, as the template has them.
    """
    # Functions need no entry in the file: /aws/lambda/NAME without one is the service NAME.
    yield from _of_functions()
    yield from _near_timeouts(limits_ms)
    if not config.services or any(service.side == "legacy" for service in config.services.values()):
        yield from _of_legacy()
    errors = Selector(signal="log", levels=("ERROR", "FATAL"))
    yield NewError(
        name="new-error",
        severity="warning",
        description="An error that was not seen in the last 14 days.",
        reason="built in",
        measure=measure_of(errors, by=("service", "error.fingerprint"), keep_s=2 * 3600),
    )


def _of_functions() -> Iterator[AnyRule]:
    invocations = _counted("aws.lambda.invocations")
    yield Rate(
        name="function-errors",
        severity="error",
        description="Invocations of a function fail.",
        reason="built in: 5% of at least 20 invocations in 5 min, in 2 of 3 windows",
        bad=_counted("aws.lambda.errors"),
        total=invocations,
        above=5,
        minimum=20,
        breaching=2,
        of=3,
    )
    yield Threshold(
        name="function-timeouts",
        severity="error",
        description="Invocations of a function are cut off by its timeout.",
        reason="built in: more than 2 in 15 min",
        measure=_counted("aws.lambda.timeouts"),
        value=2,
        window_s=_QUARTER_S,
        unit="1",
    )
    yield Threshold(
        name="function-out-of-memory",
        severity="error",
        description="A function is killed for its use of memory.",
        reason="built in: any in 15 min",
        measure=_counted("aws.lambda.out_of_memory"),
        value=0,
        window_s=_QUARTER_S,
        unit="1",
    )
    yield Rate(
        name="cold-start-share",
        severity="warning",
        description="Many invocations of a function start cold, and their callers wait.",
        reason="built in: 30% of at least 100 invocations in 15 min, in 2 of 2 windows",
        bad=_counted("aws.lambda.cold_starts"),
        total=invocations,
        above=30,
        minimum=100,
        window_s=_QUARTER_S,
        breaching=2,
        of=2,
    )
    throttled = Selector(
        signal="span", side="serverless", kinds=("client", "producer"), fields={"error.type": _THROTTLED}
    )
    yield Threshold(
        name="calls-throttled",
        severity="warning",
        description="AWS refuses calls of a function because there are too many.",
        reason="built in: more than 10 in 5 min",
        measure=measure_of(throttled, by=("service",)),
        value=10,
        unit="1",
    )
    streams = Selector(signal="span", side="serverless", kinds=("consumer",), is_request=True)
    yield Threshold(
        name="iterator-age",
        severity="error",
        description="A function does not keep up with its stream.",
        reason="built in: records older than 5 min, in 3 of 3 windows",
        measure=measure_of(streams, field="iterator_age_ms", is_valued=True, by=("service",)),
        statistic="max",
        value=300_000,
        breaching=3,
        of=3,
        unit="ms",
    )


def _near_timeouts(limits_ms: Mapping[str, float]) -> Iterator[AnyRule]:
    if not limits_ms:
        return
    durations = Selector(signal="metric", metric="aws.lambda.duration")
    yield Threshold(
        name="function-near-timeout",
        severity="warning",
        description="Invocations of a function come near its timeout.",
        reason="built in: p99 over 90% of the template's Timeout, at least 20 invocations, in 2 of 3 windows",
        measure=measure_of(durations, is_valued=True, by=("service",)),
        statistic="p99",
        value=_LONGEST_MS,
        limits={service: _NEAR * limit_ms for service, limit_ms in sorted(limits_ms.items())},
        minimum=20,
        breaching=2,
        of=3,
        unit="ms",
    )


def _of_legacy() -> Iterator[AnyRule]:
    requests = Selector(signal="span", side="legacy", is_request=True)
    failed = Selector(signal="span", side="legacy", is_request=True, status="error")
    yield Rate(
        name="legacy-5xx",
        severity="error",
        description="The legacy side answers requests with errors of its own.",
        reason="built in: 5% of at least 20 requests in 5 min, in 2 of 3 windows",
        bad=measure_of(failed, by=("service", "endpoint")),
        total=measure_of(requests, by=("service", "endpoint")),
        above=5,
        minimum=20,
        breaching=2,
        of=3,
    )
    yield Threshold(
        name="legacy-pool",
        severity="error",
        description="The legacy side has no connection left to its database.",
        reason="built in: more than 2 lines in 5 min that say so",
        measure=measure_of(Selector(signal="log", side="legacy", matches=EXHAUSTED), by=("service",)),
        value=2,
        unit="1",
    )


def _counted(metric: str) -> Measure:
    return measure_of(Selector(signal="metric", metric=metric), by=("service",))
