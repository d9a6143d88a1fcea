"""One hook into botocore for every AWS client, whenever it was made: boto3, aioboto3 and botocore alike.

`_make_api_call` is where a client's calls begin and end; there the client gets our event handlers. Its event
`before-parameter-build` adds the context to the call's parameters, `after-call` ends the span and writes the
receipt that is needed beside it. What fails between the two, or is cancelled, ends with the call itself.
https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar

from observe import guard, outbound, semconv, settings, watched
from observe.context import current
from observe.services import CARRIERS, carrier_of
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Carrier

_KEY = "observe.span"
_ABSENT = object()


class Call:
    """One API call between its two events: its span, and what its parameters were before we added to them."""

    __slots__ = ("before", "carrier", "context", "operation", "params", "service", "span")

    def __init__(self, service: str, operation: str, carrier: Carrier, params: dict[str, Any]) -> None:
        self.service = service
        self.operation = operation
        self.carrier = carrier
        self.params = params
        self.before: dict[str, Any] = {}
        name, attributes = carrier.describe(params)
        self.span = span.of_kind(carrier.kind, name, attributes)
        # A span that nobody writes is nobody's parent.
        begun = self.span.begin() if settings.get().mode != "propagate" else None
        context = begun or current()
        self.context: Context | None = outbound.carriable(context) if context is not None else None

    def add(self) -> None:
        """Add the context to the parameters; what the dictionary holds is the caller's and not touched.

        The dictionary itself is botocore's own, unless somebody calls below the public methods: so it is
        put back as it was when the call has ended.
        """
        carried = self.carrier.carry(self.params, self.context)
        if watched.listener is not None:
            lost = self.carrier.lost(self.params, self.context)
            watched.tell(f"{self.service}.{self.operation}", lost)
        changed = {key: value for key, value in carried.items() if value is not self.params.get(key)}
        self.before = {key: self.params.get(key, _ABSENT) for key in changed}
        self.params.update(changed)

    def put_back(self) -> None:
        """Make the parameters what they were."""
        before, self.before = self.before, {}
        for key, value in before.items():
            if value is _ABSENT:
                self.params.pop(key, None)
            else:
                self.params[key] = value

    def end(self, parsed: Mapping[str, Any]) -> None:
        """End the span with the reply, and write the receipt of what the context did not go with whole."""
        error = parsed.get("Error")
        attributes = self.carrier.receipt(parsed)
        self.span.attributes.update(attributes)
        if error:
            self._end_failed(str(error.get("Code", "")), str(error.get("Message", "")))
        self.span.end()
        ids = self.carrier.ids(parsed) if not error else []
        if ids and self.context and (not attributes or self.carrier.lost(self.params, self.context)):
            from observe import receipts

            receipts.write(self.service, self.operation, ids, self.context)

    def fail(self, error: BaseException) -> None:
        """End the call that raised; nothing happens where its reply, an error, has ended it."""
        self.put_back()
        if type(error).__name__ == "ParamValidationError":  # it quotes the values, which may be anything
            self._end_failed("ParamValidationError", "")
        self.span.end(error)

    def _end_failed(self, code: str, message: str) -> None:
        if self.span.span is None:
            return
        self.span.end(CallError(f"{code}: {message}".rstrip(": ")))
        self.span.attributes[semconv.ERROR_TYPE] = code or CallError.__name__


#: The calls that have begun inside the `_make_api_call` that runs: one, once its parameters are built.
_begun: ContextVar[list[Call] | None] = ContextVar("observe.calls", default=None)


class _Attempt:
    """A `_make_api_call` that runs; an exception that leaves it ends the calls that are still open."""

    __slots__ = ("_calls", "_outer")

    def __enter__(self) -> None:
        self._outer = _begun.get()
        self._calls: list[Call] = []
        _begun.set(self._calls)

    def __exit__(self, kind: object, error: BaseException | None, stack: object) -> None:
        _begun.set(self._outer)
        if error is not None:
            for call in self._calls:
                guard.guarded(call.fail, error)


def install(module: Any) -> None:
    """Patch all clients; module: `botocore.client`, or `aiobotocore.client` with a method of its own."""
    asynchronous = getattr(module, "AioBaseClient", None)
    client = asynchronous or module.BaseClient
    if getattr(client._make_api_call, "__observed__", False):
        return
    observed = (_function if asynchronous is None else _coroutine)(client._make_api_call)
    observed.__observed__ = True  # type: ignore[attr-defined]
    observed.__wrapped__ = client._make_api_call  # type: ignore[attr-defined]
    client._make_api_call = observed


def _function(original: Callable[..., Any]) -> Callable[..., Any]:
    def _make_api_call(self: Any, operation_name: str, *args: Any, **kwargs: Any) -> Any:
        if not guard.guarded(_is_carried, self, operation_name):
            return original(self, operation_name, *args, **kwargs)
        with _Attempt():
            return original(self, operation_name, *args, **kwargs)

    return _make_api_call


def _coroutine(original: Callable[..., Any]) -> Callable[..., Any]:
    async def _make_api_call(self: Any, operation_name: str, *args: Any, **kwargs: Any) -> Any:
        if not guard.guarded(_is_carried, self, operation_name):
            return await original(self, operation_name, *args, **kwargs)
        with _Attempt():
            return await original(self, operation_name, *args, **kwargs)

    return _make_api_call


#: The event emitters of clients that have our handlers.
_heard: weakref.WeakSet[Any] = weakref.WeakSet()


def _is_carried(client: Any, operation: str) -> bool:
    """Whether the call may carry a context; its client gets our handlers with the first such call."""
    if current() is None or (client.meta.service_model.service_name, operation) not in CARRIERS:
        return False
    events = client.meta.events
    if events not in _heard:
        # Last, and least specific, so that what other handlers add is counted before there is room for ours.
        events.register_last("before-parameter-build", _before, unique_id="observe-before")
        events.register("after-call", _after, unique_id="observe-after")
        events.register("after-call-error", _error, unique_id="observe-error")
        _heard.add(events)
    return True


def _before(params: Any, model: Any, context: Any, **_: Any) -> None:
    guard.guarded(_begin, params, model, context)


def _begin(params: Any, model: Any, context: dict[str, Any]) -> None:
    service, calls = model.service_model.service_name, _begun.get()
    carrier = carrier_of(service, model.name)
    # A presigned request is sent later by somebody else, and often signed over what we would add.
    if carrier is None or calls is None or context.get("is_presign_request") or not isinstance(params, dict):
        return
    context[_KEY] = call = Call(service, model.name, carrier, params)
    calls.append(call)
    call.add()


def _after(parsed: Any, context: Any, **_: Any) -> None:
    call = context.pop(_KEY, None)
    if call is not None:
        guard.guarded(call.put_back)
        guard.guarded(call.end, parsed)


def _error(exception: BaseException, context: Any, **_: Any) -> None:
    call = context.pop(_KEY, None)
    if call is not None:
        guard.guarded(call.fail, exception)


class CallError(Exception):
    """An AWS error reply, as a span tells it; never raised to the caller, who gets botocore's own."""
