"""Datadog: logs, metrics, events and service checks by its intake APIs, traces by OTLP.

    logs            POST http-intake.logs.<site>/api/v2/logs            every log but what follows
    events          POST api.<site>/api/v1/events                       DogStatsD's events
    checks          POST api.<site>/api/v1/check_run                    DogStatsD's service checks
    series          POST api.<site>/api/v2/series                       gauges
    distributions   POST api.<site>/api/v1/distribution_points          every other metric
    traces          POST otlp.<site>/v1/traces                          spans

None of them knows an event twice but series, where the last point of a second wins: only those are sent again
when nobody knows what became of them. docs/sink-datadog.md says what each guarantees, and why.

https://docs.datadoghq.com/api/latest/
https://docs.datadoghq.com/getting_started/site/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.signals import Signal
from subscribers.sinks import (
    datadog_events,
    datadog_logs,
    datadog_metrics,
    otlp,
    statuses,
)
from subscribers.sinks.channel import Channel, HttpRequest, Item, Limits, Refusal, Response, Secret, Verdict
from subscribers.sinks.datadog_intake import AROUND_MAX, Intake, Window, said
from subscribers.sinks.datadog_names import Tagging

SITE = "datadoghq.com"

#: 5 MB, 1000 logs, 1 MB a log: https://docs.datadoghq.com/api/latest/logs/#send-logs
LOGS = Limits(5_000_000 - AROUND_MAX, 1000, 1_000_000)
#: 5,242,880 bytes, 512,000 compressed: https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
#: Of distribution points nothing is written: they are held to the same.
METRICS = Limits(5_242_880 - AROUND_MAX, 20_000, 512_000, 512_000)
#: One a request. Of events and checks only lengths in characters are written; the sizes are ours.
EVENTS = Limits(1_000_000, 1, 1_000_000)
CHECKS = Limits(1_000_000, 1000, 1_000_000)
#: 3.2 MB: https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/traces/#error-413-request-entity-too-large
#: An item is JSON, which is longer than the protobuf that is made of it.
TRACES = Limits(3_200_000, 2000, 3_200_000, 3_200_000)

_HOUR_S = 3600.0
#: "up to 18 hours in the past and two hours in the future":
#: https://docs.datadoghq.com/logs/log_configuration/processors/log_date_remapper/
LOG_WINDOW = Window(past_s=18 * _HOUR_S, future_s=2 * _HOUR_S)
#: "Limited to events no older than 18 hours."
EVENT_WINDOW = Window(past_s=18 * _HOUR_S)
#: https://docs.datadoghq.com/metrics/custom_metrics/#custom-metrics-properties
METRIC_WINDOW = Window(past_s=_HOUR_S, future_s=600.0)
#: https://docs.datadoghq.com/metrics/custom_metrics/historical_metrics/
HISTORICAL_WINDOW = Window(future_s=600.0)
#: "Service checks can be submitted up to 10 minutes in the past."
CHECK_WINDOW = Window(past_s=600.0)


class Traces(msgspec.Struct, frozen=True):
    """Spans by OTLP, as Datadog answers: 202 where OTLP has 200. A Channel."""

    otlp: otlp.OtlpChannel
    name: str = "traces"
    #: Two spans of one ID are counted twice in its trace metrics.
    #: https://github.com/DataDog/datadog-lambda-extension/pull/939
    is_repeatable: bool = False

    @property
    def limits(self) -> Limits:
        """What one request may hold."""
        return self.otlp.limits

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield an item a span."""
        return self.otlp.items(signals)

    def request(self, items: Sequence[Item]) -> HttpRequest:
        """Return an ExportTraceServiceRequest."""
        return self.otlp.request(items)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what a response means for the spans of its request."""
        if response.fault or response.status // 100 != 2:
            return statuses.whole(items, response, said(response.body), is_repeatable=False)
        judged = self.otlp.verdict(items, response)
        if not judged.retry or response.status == 202:  # what a 202 says beside is not written anywhere
            return Verdict(rejected=judged.rejected)
        refusal = Refusal("outcome_unknown", response.status, "a success that is not Datadog's")
        return Verdict(rejected=dict.fromkeys(judged.retry, refusal), is_down=True)


def make_datadog(name: str, settings: Mapping[str, Any]) -> tuple[Channel, ...]:  # noqa: ARG001
    """Return the channels of a sink of type `datadog`, as far as their signals are wanted.

    settings: `sinks.<name>` of observe.yaml.
    """
    wanted = settings.get("signals", ("logs", "metrics", "spans"))
    tagging = Tagging(settings.get("env", ""), tuple(settings.get("tags", {}).items()))
    makers: tuple[tuple[str, Callable[[Mapping[str, Any], Tagging], Channel]], ...] = (
        ("logs", _logs),
        ("logs", _events),
        ("logs", _checks),
        ("metrics", _series),
        ("metrics", _distributions),
        ("spans", _traces),
    )
    return tuple(make(settings, tagging) for kind, make in makers if kind in wanted)


def _logs(settings: Mapping[str, Any], tagging: Tagging) -> Intake:
    limits = _limits(settings, LOGS)
    return Intake(
        name="logs",
        url=_url(settings, "http-intake.logs", "/api/v2/logs"),
        validate_url=_validate(settings),
        api_key=settings["api_key"],
        limits=limits,
        read=datadog_logs.reader(tagging, limits.item_bytes),
        time_s=datadog_logs.time_s,
        window=LOG_WINDOW,
        # "an unexpected condition that prevented it from fulfilling the request, request should be retried"
        untaken=frozenset({500}),
    )


def _events(settings: Mapping[str, Any], tagging: Tagging) -> Intake:
    return Intake(
        name="events",
        url=_url(settings, "api", "/api/v1/events"),
        validate_url=_validate(settings),
        api_key=settings["api_key"],
        limits=_limits(settings, EVENTS),
        read=datadog_events.event_reader(tagging),
        time_s=datadog_events.time_s,
        window=EVENT_WINDOW,
        encoding="",
        around=(b"", b""),
    )


def _checks(settings: Mapping[str, Any], tagging: Tagging) -> Intake:
    return Intake(
        name="checks",
        url=_url(settings, "api", "/api/v1/check_run"),
        validate_url=_validate(settings),
        api_key=settings["api_key"],
        limits=_limits(settings, CHECKS),
        read=datadog_events.check_reader(tagging),
        time_s=datadog_events.time_s,
        window=CHECK_WINDOW,
        encoding="",
    )


def _series(settings: Mapping[str, Any], tagging: Tagging) -> Intake:
    return Intake(
        name="series",
        url=_url(settings, "api", "/api/v2/series"),
        validate_url=_validate(settings),
        api_key=settings["api_key"],
        limits=_limits(settings, METRICS),
        read=datadog_metrics.series_reader(tagging),
        time_s=datadog_metrics.series_time_s,
        window=HISTORICAL_WINDOW if settings.get("historical_metrics") else METRIC_WINDOW,
        is_repeatable=True,
        around=(b'{"series":[', b"]}"),
    )


def _distributions(settings: Mapping[str, Any], tagging: Tagging) -> Intake:
    return Intake(
        name="distributions",
        url=_url(settings, "api", "/api/v1/distribution_points"),
        validate_url=_validate(settings),
        api_key=settings["api_key"],
        limits=_limits(settings, METRICS),
        read=datadog_metrics.distribution_reader(tagging),
        time_s=datadog_metrics.distribution_time_s,
        window=METRIC_WINDOW,
        # The only ones that the API's description has.
        encoding="deflate",
        content_type="text/json",
        around=(b'{"series":[', b"]}"),
    )


def _traces(settings: Mapping[str, Any], tagging: Tagging) -> Traces:  # noqa: ARG001
    headers: dict[str, str | Secret] = {"dd-api-key": Secret(settings["api_key"]), "compute_stats": "true"}
    if source := settings.get("otlp_source"):
        headers["dd-otlp-source"] = source
    url = _url(settings, "otlp", "/v1/traces")
    return Traces(otlp.trace_channel(url, headers=headers, limits=_limits(settings, TRACES)))


def _limits(settings: Mapping[str, Any], most: Limits) -> Limits:
    size = settings.get("max_bytes")
    return otlp.limits(settings if size is None else {**settings, "max_bytes": size - AROUND_MAX}, most)


def _url(settings: Mapping[str, Any], host: str, path: str) -> str:
    base = settings.get("url") or f"https://{host}.{settings.get('site', SITE)}"
    return f"{base.rstrip('/')}{path}"


def _validate(settings: Mapping[str, Any]) -> str:
    """https://docs.datadoghq.com/api/latest/authentication/#validate-api-key"""
    return _url(settings, "api", "/api/v1/validate")
