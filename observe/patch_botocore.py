"""One hook into botocore for every AWS client: boto3, aioboto3 and botocore alike.

`before-parameter-build` adds the context to the call's parameters, `after-call` ends the span. The
registration is on the session, which every client copies.
https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html
"""

from __future__ import annotations

from observe import guard
from observe.context import current
from observe.services import CARRIERS, carrier_of
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any

_KEY = "observe.span"
_ABSENT = object()
_NOTHING: tuple[Any, ...] = (None, None, {}, {})


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
    """Register on a botocore session; unique IDs make a second time harmless."""
    events = session.get_component("event_emitter")
    for service in {service for service, _ in CARRIERS}:
        # Last, so that what other handlers add is counted before there is room for ours.
        events.register_last(
            f"before-parameter-build.{service}", _before, unique_id=f"observe-before-{service}"
        )
        events.register(f"after-call.{service}", _after, unique_id=f"observe-after-{service}")
        events.register(f"after-call-error.{service}", _error, unique_id=f"observe-error-{service}")


def _before(params: Any, model: Any, context: Any, **_: Any) -> None:
    guard.guarded(_carry, params, model, context)


def _carry(params: Any, model: Any, context: dict[str, Any]) -> None:
    """Add the context to the parameters; what the dictionary holds is the caller's and not touched.

    The dictionary itself is botocore's own, unless somebody calls below the public methods: so it is
    put back as it was when the call has ended.
    """
    carrier = carrier_of(model.service_model.service_name, model.name)
    # A presigned request is sent later by somebody else, and often signed over what we would add.
    if carrier is None or context.get("is_presign_request") or not isinstance(params, dict):
        return
    if current() is None:
        return
    name, attributes = carrier.describe(params)
    call = span.of_kind(carrier.kind, name, attributes)
    carried = carrier.carry(params, call.begin() or current())
    before = {key: params.get(key, _ABSENT) for key in carried if carried[key] is not params.get(key)}
    params.update(carried)
    context[_KEY] = call, carrier, params, before


def _put_back(params: dict[str, Any], before: dict[str, Any]) -> None:
    for key, value in before.items():
        if value is _ABSENT:
            params.pop(key, None)
        else:
            params[key] = value


def _after(parsed: Any, context: Any, **_: Any) -> None:
    guard.guarded(_ended, parsed, context)


def _ended(parsed: Mapping[str, Any], context: dict[str, Any]) -> None:
    call, carrier, params, before = context.pop(_KEY, _NOTHING)
    if call is None:
        return
    _put_back(params, before)
    call.attributes.update(carrier.receipt(parsed))
    error = parsed.get("Error")
    call.end(CallError(str(error.get("Code", "")), str(error.get("Message", ""))) if error else None)


def _error(exception: BaseException, context: Any, **_: Any) -> None:
    guard.guarded(_failed, exception, context)


def _failed(exception: BaseException, context: dict[str, Any]) -> None:
    call, _, params, before = context.pop(_KEY, _NOTHING)
    if call is not None:
        _put_back(params, before)
        call.end(exception)


class CallError(Exception):
    """An AWS error reply, as a span tells it; never raised to the caller, who gets botocore's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
