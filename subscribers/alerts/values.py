"""What a signal has under a name that people write in observe.yaml. Pure.

First what the signal itself says (`service`, `level`, `duration_ms`; the same name for every kind of signal
where it means the same), then its attributes or tags: the name itself, then as a dotted path into objects.
A business key may be below a format's own name (`fixed_width.claim`), else it is its mark.

The endpoint needs the configuration: see endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from observe.semconv import FAAS_NAME, FAAS_VERSION, OLDEST_RECORD
from subscribers.formats.custom import KINDS
from subscribers.signals import Log, Metric, Signal, Span

Value = str | float | bool | None

FINGERPRINT = "error.fingerprint"
_VERSIONS = ("service.version", FAAS_VERSION)
#: Of a time in epoch milliseconds: in the year 33,658.
_TIME_MAX_MS = 1e15


def value_of(signal: Signal, name: str) -> Value:
    """Return what a signal has under a name; None where it has nothing, or a list or object.

    Of a business key that is only known by its mark that is the mark, 32 hex digits.
    """
    found = raw_value_of(signal, name)
    if found is None and isinstance(signal, Log) and signal.keys:
        return next(iter(marks_of(signal, name)), None)
    return found


def raw_value_of(signal: Signal, name: str) -> Value:
    """Return the same, but never a mark: None where a key is only known by it."""
    told = _FIELDS[type(signal)].get(name)
    if told is not None:
        value = told(signal)
        if value is not None and value != "":
            return value
    tree: Mapping[str, Any] = signal.tags if isinstance(signal, Metric) else signal.attributes
    value = attribute(tree, name)
    if value is not None or not isinstance(signal, Log):
        return value
    has_mark = any(mark.startswith(f"{name}=") for mark in signal.keys)
    return named_last(tree, name, is_anywhere=has_mark)


def attribute(tree: Mapping[str, Any], name: str) -> Value:
    """Return an attribute by its name, else by a dotted path into nested objects."""
    if name in tree:
        return _plain(tree[name])
    if "." not in name:
        return None
    # A key may have dots itself: {"http": {"response.status_code": 500}} has the same meaning.
    head = name.rpartition(".")[0]
    while head:
        inner = tree.get(head)
        if isinstance(inner, Mapping):
            found = attribute(inner, name[len(head) + 1 :])
            if found is not None:
                return found
        head = head.rpartition(".")[0]
    return None


def named_last(tree: Mapping[str, Any], name: str, *, is_anywhere: bool) -> Value:
    """Return the attribute whose last part is a name: `fixed_width.claim` for `claim`.

    is_anywhere: below whatever, not just below the name of a format that a team describes: `name` must not
    find `thread.name`.
    """
    if not is_anywhere:
        for kind in KINDS:
            if (value := tree.get(f"{kind}.{name}")) is not None:
                return _plain(value)
        return None
    end = f".{name}"
    for key, value in tree.items():
        if key.endswith(end) and (found := _plain(value)) is not None:
            return found
    return None


def marks_of(log: Log, name: str) -> list[str]:
    """Return the marks of a business key that a log record has, in order: 32 hex digits each."""
    start = f"{name}="
    return [mark[len(start) :] for mark in log.keys if mark.startswith(start)]


def text(value: Value) -> str:
    """Return a value as text: "" for None, `true`, 500 for 500.0; different kinds of one value are equal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def valid(text: str) -> str:
    """Return text that UTF-8 can write, as RE2 and the state need it: half surrogate pairs become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def duration_ms(span: Span) -> float:
    """Return how long a span took."""
    return (span.end_unix_nano - span.start_unix_nano) / 1e6


def _plain(value: Any) -> Value:
    """A value as it is; a list of one is that one, as OpenTelemetry writes headers."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str | int | float) else None


def _function(span: Span) -> Value:
    told = attribute(span.attributes, FAAS_NAME)
    return told if told is not None or span.origin.side != "serverless" else span.origin.service


def _version(attributes: Mapping[str, Any]) -> Value:
    return next((v for name in _VERSIONS if (v := attribute(attributes, name)) not in (None, "")), None)


def _iterator_age_ms(span: Span) -> Value:
    """How old the oldest record of a stream's batch was when it had been handled."""
    written = span.attributes.get(OLDEST_RECORD)
    if not isinstance(written, int | float) or not abs(written) < _TIME_MAX_MS:
        return None
    return span.end_unix_nano / 1e6 - written


class _Last:
    """The record whose fingerprint was asked for last: several measures ask for one of the same."""

    known: tuple[Log | None, str] = (None, "")


def _fingerprint(log: Log) -> str:
    known, id = _Last.known
    if known is log:
        return id
    # Here, for it loads expressions that a subscriber without rules for errors has no use for.
    from subscribers.alerts.fingerprint import fingerprint_of

    id = fingerprint_of(log).id
    _Last.known = (log, id)
    return id


_Field = Callable[[Any], Value]

_ORIGIN: dict[str, _Field] = {
    "service": lambda signal: signal.origin.service,
    "side": lambda signal: signal.origin.side,
    "account": lambda signal: signal.origin.account,
    "region": lambda signal: signal.origin.region,
    "log_group": lambda signal: signal.origin.log_group,
    "log_stream": lambda signal: signal.origin.log_stream,
    "request_id": lambda signal: signal.request_id,
}
_TRACED: dict[str, _Field] = {
    "trace_id": lambda signal: signal.trace_id,
    "span_id": lambda signal: signal.span_id,
    "correlation_id": lambda signal: signal.correlation_id,
    "version": lambda signal: _version(signal.attributes),
}
#: Of each kind of signal: name -> what it says of itself.
_FIELDS: dict[type[Signal], dict[str, _Field]] = {
    Log: {
        **_ORIGIN,
        **_TRACED,
        "level": lambda log: log.level,
        "message": lambda log: log.message,
        "dataset": lambda log: log.dataset,
        "error.type": lambda log: log.error_type,
        "error.message": lambda log: log.error_message,
        FINGERPRINT: _fingerprint,
    },
    Span: {
        **_ORIGIN,
        **_TRACED,
        "name": lambda span: span.name,
        "kind": lambda span: span.kind,
        "status": lambda span: span.status,
        "told_by": lambda span: span.told_by,
        "duration_ms": duration_ms,
        "iterator_age_ms": _iterator_age_ms,
        FAAS_NAME: _function,
    },
    Metric: {
        **_ORIGIN,
        "name": lambda metric: metric.name,
        "kind": lambda metric: metric.kind,
        "value": lambda metric: metric.value,
        "version": lambda metric: _version(metric.tags),
    },
}
