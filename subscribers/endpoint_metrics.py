"""Requests as metrics: what dashboards and alarms need where spans cannot be counted (`endpoint_metrics`).

Each request of an endpoint of observe.yaml, and each of a legacy service, becomes one point of
`observe.request.duration`: a distribution in milliseconds, with the tags

    endpoint    its name in observe.yaml; none where it has none
    side        legacy or serverless
    outcome     ok or error: the span failed, or was answered 5xx
    slow        true or false: whether it took longer than the endpoint's SLO; none where that has no latency

so that its count is the requests, and every sink that takes metrics can show and judge them by endpoint and
side. Requests are counted as the alerts count them (alerts.selectors.is_request). A point has the event of
its span: ledgers stay as they are, and a repeat has the same ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from observe.semconv import HTTP_RESPONSE_STATUS_CODE
from subscribers.alerts.endpoints import Endpoints
from subscribers.alerts.selectors import is_request, nested
from subscribers.alerts.values import duration_ms
from subscribers.config import Config
from subscribers.signals import Metric, Signal, Span

NAME = "observe.request.duration"
ENDPOINT, SIDE, OUTCOME, SLOW = "endpoint", "side", "outcome", "slow"
OK, ERROR = "ok", "error"
_FAILED_FROM = 500


class EndpointMetrics:
    """The endpoints of a configuration, ready to tell the requests among signals."""

    def __init__(self, config: Config) -> None:
        self._endpoints = Endpoints(config)
        self._limits_ms = {
            endpoint.name: float(endpoint.slo["latency"]["ms"])
            for endpoint in config.endpoints.values()
            if "latency" in endpoint.slo
        }

    def of(self, signals: Iterable[Signal]) -> list[Metric]:
        """Return one point for each request among the signals of one payload, in their order."""
        spans = [signal for signal in signals if isinstance(signal, Span) and is_request(signal)]
        return list(self._points(spans)) if spans else []

    def _points(self, spans: list[Span]) -> Iterator[Metric]:
        inner = nested(spans)
        for span in spans:
            endpoint = self._endpoints.of(span)
            if span.event_id in inner or not (endpoint or _is_legacy(span)):
                continue
            took_ms = max(duration_ms(span), 0.0)
            yield Metric(
                event_id=f"{span.event_id}:request",
                origin=span.origin,
                time_unix_nano=span.start_unix_nano,
                name=NAME,
                kind="distribution",
                value=took_ms,
                unit="ms",
                tags=self._tags(span, endpoint, took_ms),
                request_id=span.request_id,
            )

    def _tags(self, span: Span, endpoint: str, took_ms: float) -> dict[str, str]:
        tags = {SIDE: span.origin.side, OUTCOME: ERROR if _has_failed(span) else OK}
        if endpoint:
            tags[ENDPOINT] = endpoint
        if (limit_ms := self._limits_ms.get(endpoint)) is not None:
            tags[SLOW] = "true" if took_ms > limit_ms else "false"
        return tags


def _is_legacy(span: Span) -> bool:
    """Whether it is a request of an application: its log lines tell of nothing else that is an entry."""
    return span.origin.side == "legacy" and span.kind == "server"


def _has_failed(span: Span) -> bool:
    if span.status == "error":
        return True
    code = span.attributes.get(HTTP_RESPONSE_STATUS_CODE)
    return isinstance(code, int) and code >= _FAILED_FROM
