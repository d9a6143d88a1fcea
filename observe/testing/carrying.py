"""A context put into what somebody sends, by the layer's own carriers: a test reads what the layer writes.

What is no context raises TypeError; one whose IDs are none, or that a call cannot carry whole, ValueError.
"""

from __future__ import annotations

import binascii
import json

from observe import settings
from observe.context import Context, extract, inject
from observe.services import carrier_of, http
from observe.source import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any


def headers_of(context: Context | None, builder: str) -> dict[str, str]:
    """Return the headers of a context, {} for None. builder: who asks, for the message of an error."""
    if context is None:
        return {}
    if not isinstance(context, Context):
        raise TypeError(
            f"{builder}: context is {context!r}; it has to be an observe.Context, as "
            "observe.extract({'x-correlation-id': 'CLM-1'}) returns one"
        )
    headers = inject(context)
    if inject(extract(headers)) != headers:
        raise ValueError(
            f"{builder}: nobody would take {context!r} for what it says: a trace ID has 32 and a span ID 16 "
            "lower-case hex digits, a correlation ID at most 128 characters of [A-Za-z0-9._:/=+@-]"
        )
    return headers


def with_headers(own: Mapping[str, Any], context: Context | None, builder: str) -> dict[str, Any]:
    """Return headers, or attributes that have the names of headers, with those of the context added."""
    return {**own, **added(own, context, builder)}


def added(own: Iterable[str], context: Context | None, builder: str) -> dict[str, str]:
    """Return the headers of the context that are to be added to a request with the names `own`."""
    headers = headers_of(context, builder)
    present = {name.lower() for name in own}
    if context is not None and http.carry(present, context, baggage=True) != headers:
        raise ValueError(why(builder, "caller_has_own"))
    return headers


def sent(
    service: str, operation: str, params: dict[str, Any], context: Context | None, builder: str
) -> dict[str, Any]:
    """Return the parameters of an API call as the layer sends them inside of a context; None: as they are.

    service, operation: one of observe.services.CARRIERS.
    """
    if context is None:
        return params
    headers_of(context, builder)
    carrier = carrier_of(service, operation)
    if carrier is None:
        raise ValueError(f"{builder}: {service}.{operation} carries nothing")
    with _asked():
        lost = carrier.lost(params, context)
        if lost:
            raise ValueError(why(builder, lost))
        return carrier.carry(params, context)


def why(builder: str, lost: str) -> str:
    """Return the sentence that says why a context does not go with an event. lost: one of source.LOST."""
    return f"{builder}: the context would not go with it whole: {LOST[lost]} ({lost})"


def client_context(context: Context, custom: dict[str, Any], builder: str) -> dict[str, Any]:
    """Return the client context's `custom` as a function sees it that was called synchronously."""
    document = json.dumps({"custom": custom}).encode()
    params = {
        "FunctionName": "function",
        "ClientContext": binascii.b2a_base64(document, newline=False).decode(),
    }
    carried = sent("lambda", "Invoke", params, context, builder)
    found: dict[str, Any] = json.loads(binascii.a2b_base64(carried["ClientContext"]))["custom"]
    return found


class _asked:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Every payload carrier is on: OBSERVE_PAYLOAD_CARRIERS is the sender's, and here is the receiver."""

    def __enter__(self) -> None:
        asked = ",".join(settings.PAYLOAD_CARRIERS)
        self._before = settings.replace(settings.Settings({"OBSERVE_PAYLOAD_CARRIERS": asked}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        settings.replace(self._before)
