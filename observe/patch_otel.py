"""OpenTelemetry in user code: its spans end in ours from the next invocation on.

Not at once: user code that imports the API may be about to set a provider of its own, which a provider
of ours, set before, would keep out.
"""

from __future__ import annotations

from observe import guard, handler, settings, versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def install(module: ModuleType) -> None:  # noqa: ARG001  # every patch is called with its module
    """Ask for what user code has set up to be joined when the next invocation begins."""
    if settings.get().mode != "propagate":
        handler.adopt = _adopt


def _adopt() -> None:
    if settings.get().mode == "propagate":
        return  # another tracer has been found since: observe.coexistence
    if is_usable():
        from observe import otel

        otel.adopt_user_code()


def is_usable() -> bool:
    """Whether spans of OpenTelemetry's API can be joined; if not, that is said once, whoever asks first."""
    problem = versions.opentelemetry_problem()
    if problem:
        told = f"{problem}: its spans are left out, and httpx calls are forwarded without spans"
        guard.report("patch_otel.is_usable", RuntimeError(told))
    return not problem
