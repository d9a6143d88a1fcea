"""One hook into botocore for every AWS client: boto3, aioboto3 and botocore alike.

`before-parameter-build` adds the context to the call's parameters, `after-call` ends the span and writes the
receipt that is needed beside it. The registration is on the session, which every client copies.
https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html
"""

from __future__ import annotations

from observe import guard, watched
from observe.context import current
from observe.services import carrier_of
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
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
        self.context: Context | None = self.span.begin() or current()

    def add(self) -> None:
        """Add the context to the parameters; what the dictionary holds is the caller's and not touched.

        The dictionary itself is botocore's own, unless somebody calls below the public methods: so it is
        put back as it was when the call has ended.
        """
        carried = self.carrier.carry(self.params, self.context)
        if watched.listener is not None:
            watched.tell(f"{self.service}.{self.operation}", self._lost(carried))
        changed = {key: value for key, value in carried.items() if value is not self.params.get(key)}
        self.before = {key: self.params.get(key, _ABSENT) for key in changed}
        self.params.update(changed)

    def _lost(self, carried: Mapping[str, Any]) -> str:
        """Why the ID does not go with the call; where only baggage has no room, it does."""
        lost = self.carrier.lost(self.params, self.context)
        partly = lost == "no_attribute_room" and self.context is not None
        return "" if partly and self.context and self.context.trace_id in repr(carried) else lost

    def put_back(self) -> None:
        """Make the parameters what they were."""
        for key, value in self.before.items():
            if value is _ABSENT:
                self.params.pop(key, None)
            else:
                self.params[key] = value

    def end(self, parsed: Mapping[str, Any]) -> None:
        """End the span with the reply, and write the receipt of what the context did not go with whole."""
        error = parsed.get("Error")
        attributes = self.carrier.receipt(parsed)
        self.span.attributes.update(attributes)
        self.span.end(CallError(str(error.get("Code", "")), str(error.get("Message", ""))) if error else None)
        ids = self.carrier.ids(parsed) if not error else []
        if ids and self.context and (not attributes or self.carrier.lost(self.params, self.context)):
            from observe import receipts

            receipts.write(self.service, self.operation, ids, self.context)


def install(module: ModuleType) -> None:
    """Register our handlers on every session that is made from now on, and on boto3's default one."""
    session = module.Session
    if getattr(session.__init__, "__observed__", False):
        return
    original = session.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        guard.guarded(register, self)

    init.__observed__ = True  # type: ignore[attr-defined]
    session.__init__ = init
    _register_default()


def _register_default() -> None:
    """A decorated function may have made boto3's default session before us; its clients copy from it."""
    import sys

    default = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    if default is not None:
        register(default._session)


def register(session: Any) -> None:
    """Register on a botocore session, for all services at once; unique IDs make a second time harmless."""
    events = session.get_component("event_emitter")
    # Last, and least specific, so that what other handlers add is counted before there is room for ours.
    events.register_last("before-parameter-build", _before, unique_id="observe-before")
    events.register("after-call", _after, unique_id="observe-after")
    events.register("after-call-error", _error, unique_id="observe-error")


def _before(params: Any, model: Any, context: Any, **_: Any) -> None:
    guard.guarded(_begin, params, model, context)


def _begin(params: Any, model: Any, context: dict[str, Any]) -> None:
    service = model.service_model.service_name
    carrier = carrier_of(service, model.name)
    # A presigned request is sent later by somebody else, and often signed over what we would add.
    if carrier is None or context.get("is_presign_request") or not isinstance(params, dict):
        return
    if current() is None:
        return
    context[_KEY] = call = Call(service, model.name, carrier, params)
    call.add()


def _after(parsed: Any, context: Any, **_: Any) -> None:
    call = context.pop(_KEY, None)
    if call is not None:
        guard.guarded(call.put_back)
        guard.guarded(call.end, parsed)


def _error(exception: BaseException, context: Any, **_: Any) -> None:
    call = context.pop(_KEY, None)
    if call is not None:
        guard.guarded(call.put_back)
        guard.guarded(call.span.end, exception)


class CallError(Exception):
    """An AWS error reply, as a span tells it; never raised to the caller, who gets botocore's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
