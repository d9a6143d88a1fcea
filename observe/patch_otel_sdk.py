"""OpenTelemetry's SDK in user code: whatever provider it makes, the invocation keeps its spans, too."""

from __future__ import annotations

from observe import guard, settings, versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def install(module: Any) -> None:
    """Let each TracerProvider that is made join; module: `opentelemetry.sdk.trace`."""
    if settings.get().mode == "propagate" or versions.opentelemetry_problem():
        return  # said by observe.patch_otel
    made = module.TracerProvider.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        made(self, *args, **kwargs)
        guard.guarded(_join, self)

    __init__.__wrapped__ = made  # type: ignore[attr-defined]  # inspect.signature follows it
    module.TracerProvider.__init__ = __init__


def _join(provider: Any) -> None:
    from observe import otel_sdk

    otel_sdk.join(provider)
