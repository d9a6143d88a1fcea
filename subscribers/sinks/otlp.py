"""Any backend by OTLP/HTTP: traces, logs and metrics, one request each, in protobuf or JSON.

Retried are exactly the statuses that the protocol says; of a partial success it says that nothing is to be
sent again, and not what was rejected: then the whole of a batch is kept as `partially_accepted`.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers import envelope
from subscribers.signals import Log, Signal, Span
from subscribers.sinks import otlp_json, otlp_metrics, otlp_protobuf, statuses
from subscribers.sinks.channel import (
    DETAIL_MAX,
    Basic,
    HttpRequest,
    Item,
    Limits,
    Refusal,
    Response,
    Secret,
    SigV4,
    Verdict,
)
from subscribers.sinks.otlp_protobuf import OtlpSignal, Said

#: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
RETRYABLE = frozenset({429, 502, 503, 504})
#: What is not the protocol's to say: whether we may, whether the proxy lets us, and that half may fit.
_OTHERS = frozenset({401, 403, 407, 413})
#: The collector takes 20 MiB of plain body, vendors as little as 1 MB; an item's share of what is common
#: counts.
MAX_BYTES = 1_000_000
MAX_ITEMS = 1000
JSON = "application/json"
PROTOBUF = "application/x-protobuf"

_KINDS: dict[OtlpSignal, str] = {"traces": "spans", "logs": "logs", "metrics": "metrics"}
#: (what holds resources, what holds scopes, what they hold), as OTLP/JSON names them.
_NAMES: dict[OtlpSignal, tuple[str, str, str]] = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}


class OtlpChannel(msgspec.Struct, frozen=True, kw_only=True):
    """One signal's requests to one address. A Channel."""

    name: OtlpSignal
    url: str
    headers: Mapping[str, str | Secret] = {}
    auth: Basic | SigV4 | None = None
    is_protobuf: bool = True
    is_gzip: bool = True
    limits: Limits = Limits(MAX_BYTES, MAX_ITEMS, MAX_BYTES)

    @property
    def is_repeatable(self) -> bool:
        """A span is its ID's, a record its `log.record.uid`'s; a data point twice counts twice."""
        return self.name != "metrics"

    @property
    def cuts_items(self) -> bool:
        """What is too large is rejected whole."""
        return False

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield an item a span, a log record, or a metric's second; see otlp_metrics."""
        if self.name == "metrics":
            yield from otlp_metrics.items(signals)
        elif self.name == "logs":
            for signal in signals:
                if isinstance(signal, Log):
                    body, group = otlp_json.log_record(signal), otlp_json.resource(signal.origin)
                    yield Item(signal.event_id, body, group)
        else:
            for signal in signals:
                if isinstance(signal, Span):
                    yield Item(signal.event_id, otlp_json.span(signal), otlp_json.resource(signal.origin))

    def request(self, items: Sequence[Item]) -> HttpRequest:
        """Return an Export<Signal>ServiceRequest, items of the same resource together."""
        text = merged(self.name, items)
        body = otlp_protobuf.encoded(self.name, msgspec.json.decode(text)) if self.is_protobuf else text
        headers = {**self.headers, "Content-Type": PROTOBUF if self.is_protobuf else JSON}
        if self.is_gzip:
            body = envelope.gzipped(body)
            headers["Content-Encoding"] = "gzip"
        return HttpRequest(url=self.url, body=body, headers=headers, auth=self.auth)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the items; see the module."""
        if response.fault or not 200 <= response.status < 300:
            return self._failed(items, response)
        try:
            said = self._said(response)
        except ValueError:
            return self._not_understood(items, response)
        if said.rejected <= 0:
            return Verdict()
        detail = f"{said.rejected} of {len(items)} rejected: {said.message}"[:DETAIL_MAX]
        reason = "rejected" if said.rejected >= len(items) else "partially_accepted"
        return _rejected(items, Refusal(reason, response.status, detail))

    def _failed(self, items: Sequence[Item], response: Response) -> Verdict:
        detail = _status_message(response)
        judged = statuses.whole(items, response, detail, is_repeatable=self.is_repeatable)
        if response.fault or response.status in RETRYABLE | _OTHERS or not judged.retry:
            return judged
        # "All other 4xx or 5xx response status codes MUST NOT be retried."
        refusal = Refusal(statuses.meaning_of(response.status).reason, response.status, detail[:DETAIL_MAX])
        return msgspec.structs.replace(_rejected(items, refusal), is_down=judged.is_down)

    def _said(self, response: Response) -> Said:
        """What a success says. Raises ValueError for a body that is no answer to what was asked.

        An empty body is an empty message, which is a success without a word.
        """
        kind = _content_type(response)
        if not response.body:
            if kind == "text/html":  # a proxy's
                raise ValueError(kind)
            return Said()
        if kind == JSON or (not kind and not self.is_protobuf):
            return _said_in_json(response.body)
        if kind == PROTOBUF or (not kind and self.is_protobuf):
            return otlp_protobuf.said(self.name, response.body)
        raise ValueError(kind)

    def _not_understood(self, items: Sequence[Item], response: Response) -> Verdict:
        """A success that somebody else told, such as a proxy's page: who knows what became of it."""
        detail = f"a body that is no answer of OTLP ({_content_type(response) or 'no content type'})"
        if not self.is_repeatable:
            return _rejected(items, Refusal("outcome_unknown", response.status, detail))
        refusal = Refusal("bad_response", response.status, detail)
        return Verdict(retry=dict.fromkeys(range(len(items)), refusal), is_down=True)


def make_otlp(name: str, settings: Mapping[str, Any]) -> tuple[OtlpChannel, ...]:  # noqa: ARG001
    """Return the channels of a sink of type `otlp`: traces, logs, metrics, as far as they are wanted."""
    wanted = settings.get("signals", ("spans", "logs", "metrics"))
    auth: Basic | SigV4 | None = None
    if basic := settings.get("basic"):
        auth = Basic(basic["username"], basic["password"])
    elif sigv4 := settings.get("sigv4"):
        auth = SigV4(sigv4["region"], sigv4["service"])
    return tuple(
        channel(
            signal,
            f"{settings['url'].rstrip('/')}/v1/{signal}",
            headers=_headers(settings.get("headers", {})),
            auth=auth,
            encoding=settings.get("encoding", "protobuf"),
            compression=settings.get("compression", "gzip"),
            limits=limits(settings),
        )
        for signal, kind in _KINDS.items()
        if kind in wanted
    )


def channel(
    signal: OtlpSignal,
    url: str,
    *,
    headers: Mapping[str, str | Secret] | None = None,
    auth: Basic | SigV4 | None = None,
    encoding: str = "protobuf",
    compression: str = "gzip",
    limits: Limits = Limits(MAX_BYTES, MAX_ITEMS, MAX_BYTES),  # noqa: B008 - frozen
) -> OtlpChannel:
    """Return the channel of one signal to one whole address, e.g. `https://host/v1/traces`.

    encoding: protobuf or json; compression: gzip or none.
    """
    return OtlpChannel(
        name=signal,
        url=url,
        headers=headers or {},
        auth=auth,
        is_protobuf=encoding == "protobuf",
        is_gzip=compression == "gzip",
        limits=limits,
    )


def trace_channel(url: str, **more: Any) -> OtlpChannel:
    """Return the channel of traces to one whole address. more: as `channel` takes it."""
    return channel("traces", url, **more)


def limits(settings: Mapping[str, Any], most: Limits | None = None) -> Limits:
    """Return the limits of settings. most: the destination's own, which hold anyway; else ours hold where
    the settings have none."""
    bytes_max = settings.get("max_bytes", most.bytes if most else MAX_BYTES)
    items_max = settings.get("max_items", most.items if most else MAX_ITEMS)
    if most is None:
        return Limits(bytes_max, items_max, bytes_max)
    bytes_max = min(bytes_max, most.bytes)
    return Limits(bytes_max, min(items_max, most.items), min(bytes_max, most.item_bytes), most.body_bytes)


def merged(signal: OtlpSignal, items: Sequence[Item]) -> bytes:
    """Return a request in OTLP/JSON: each resource once, with what it told, in order."""
    resources: dict[bytes, list[bytes]] = {}
    for item in items:
        resources.setdefault(item.group or b"{}", []).append(item.body)
    outer, scopes, inner = (name.encode() for name in _NAMES[signal])
    parts = (
        b'{"resource":%b,"%b":[{"scope":%b,"%b":[%b]}]}'
        % (resource, scopes, otlp_json.SCOPE, inner, b",".join(bodies))
        for resource, bodies in resources.items()
    )
    return b'{"%b":[%b]}' % (outer, b",".join(parts))


class _Partial(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0
    rejected_log_records: int | str = 0
    rejected_data_points: int | str = 0
    error_message: str = ""


class _Success(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


class _Status(msgspec.Struct):
    message: str = ""


_success = msgspec.json.Decoder(_Success)
_status = msgspec.json.Decoder(_Status)


def _said_in_json(body: bytes) -> Said:
    try:
        told = _success.decode(body).partial_success or _Partial()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    counts = told.rejected_spans, told.rejected_log_records, told.rejected_data_points
    return Said(max(int(count) for count in counts), told.error_message)


def _status_message(response: Response) -> str:
    """The message of the google.rpc.Status in a refusal, else what its text begins with."""
    if not response.body:
        return ""
    try:
        if _content_type(response) == PROTOBUF:
            return otlp_protobuf.status_message(response.body)
        if message := _status.decode(response.body).message:
            return message
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        pass
    return response.body[:DETAIL_MAX].decode("utf-8", "replace")


def _content_type(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _rejected(items: Sequence[Item], refusal: Refusal) -> Verdict:
    return Verdict(rejected=dict.fromkeys(range(len(items)), refusal))


def _headers(told: Mapping[str, Any]) -> dict[str, str | Secret]:
    from subscribers.config_schema import fits

    return {name: Secret(value) if fits(value, "secret") else value for name, value in told.items()}
