"""OTLP/JSON as OTLP/protobuf, by OpenTelemetry's own definitions: they are loaded on first use.

Protobuf's own JSON mapping takes IDs as base64, and five times as long.

https://github.com/open-telemetry/opentelemetry-proto
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, NamedTuple

OtlpSignal = Literal["traces", "logs", "metrics"]

_Tree = dict[str, Any]

#: Members that are text in JSON and something else on the wire.
_SCALARS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("traceId", "spanId", "parentSpanId"), bytes.fromhex),
    **dict.fromkeys(("timeUnixNano", "startTimeUnixNano", "endTimeUnixNano", "observedTimeUnixNano"), int),
    **dict.fromkeys(("count", "intValue"), int),
    **dict.fromkeys(("doubleValue", "asDouble", "sum", "min", "max"), float),
}
_CAPITAL = re.compile(r"(?=[A-Z])")
#: (module, name in it) of each signal's service.
_SERVICES: dict[OtlpSignal, tuple[str, str]] = {
    "traces": ("trace", "Trace"),
    "logs": ("logs", "Logs"),
    "metrics": ("metrics", "Metrics"),
}


class Said(NamedTuple):
    """What a response says beside its status: how many were rejected, and why."""

    rejected: int = 0
    message: str = ""


def encoded(signal: OtlpSignal, request: _Tree) -> bytes:
    """Return an Export<Signal>ServiceRequest, given as OTLP/JSON's tree, as it is on the wire."""
    made: bytes = _message_type(signal, "Request")(**_message(request)).SerializeToString()
    return made


def said(signal: OtlpSignal, body: bytes) -> Said:
    """Return what an Export<Signal>ServiceResponse says. Raises ValueError for bytes that are none."""
    partial = _parsed(_message_type(signal, "Response"), body).partial_success
    # Its first field, whose name has the signal in it, is how many; the second is why.
    return Said(getattr(partial, partial.DESCRIPTOR.fields_by_number[1].name), partial.error_message)


def status_message(body: bytes) -> str:
    """Return the text of a google.rpc.Status. Raises ValueError for bytes that are none.

    Its definition is in a package of its own; of OpenTelemetry's, a span's status has the text in the same
    field. https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto
    """
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    return str(_parsed(Status, body).message)


def _parsed(message_type: Any, body: bytes) -> Any:
    decode_error: type[Exception] = import_module("google.protobuf.message").DecodeError
    try:
        return message_type.FromString(body)
    except decode_error as error:
        raise ValueError("not protobuf") from error


@lru_cache(maxsize=8)
def _message_type(signal: OtlpSignal, part: Literal["Request", "Response"]) -> Any:
    folder, name = _SERVICES[signal]
    module = import_module(f"opentelemetry.proto.collector.{folder}.v1.{folder}_service_pb2")
    return getattr(module, f"Export{name}Service{part}")


def _message(tree: _Tree) -> _Tree:
    """A message as its constructor takes it: snake_case, bytes and numbers."""
    made: _Tree = {}
    for name, value in tree.items():
        kind = type(value)
        if name == "attributes":
            made[name] = list(map(_pair, value))
        elif kind is dict:
            made[_snake(name)] = _message(value)
        elif kind is list:
            made[_snake(name)] = [_item(name, item) for item in value]
        else:
            scalar = _SCALARS.get(name)
            made[_snake(name)] = scalar(value) if scalar else value
    return made


def _pair(pair: _Tree) -> _Tree:
    """An attribute. Most of what is sent is attributes, and most of those are text."""
    value = pair["value"]
    text = value.get("stringValue")
    return {"key": pair["key"], "value": _message(value) if text is None else {"string_value": text}}


def _item(name: str, value: Any) -> Any:
    if type(value) is dict:
        return _message(value)
    return int(value) if name == "bucketCounts" else value


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()
