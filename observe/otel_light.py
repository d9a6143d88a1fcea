"""OpenTelemetry's API and an instrumentation imported without what is hardly ever used of it.

The API loads typing_extensions for one decorator, its default propagators, which ours replaces at once, and
its metrics, which tell nobody anything until user code has set a meter provider: together a third of what
httpx's instrumentation costs a cold start. Whoever asks for them gets the real ones.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from importlib import import_module

from observe.deferred import deferring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_METRICS = "opentelemetry.metrics"
#: module -> its propagator, of which the API makes one, and a set of both as its default.
PROPAGATORS = {
    "opentelemetry.trace.propagation.tracecontext": "TraceContextTextMapPropagator",
    "opentelemetry.baggage.propagation": "W3CBaggagePropagator",
}
#: What the instrumentation is made of.
_PACKAGES = ("opentelemetry", "wrapt")
#: What it and wrapt import and need for other purposes only.
_LAZILY = ("asyncio", "importlib.metadata", "packaging.version")
_CALLED = ("opentelemetry.instrumentation.dependencies",)


def importing() -> deferring:
    """Return a block whose imports of OpenTelemetry are light: what is loaded by then stays as it is."""
    import typing  # whoever is here has loaded it

    # warnings has it from Python 3.13 on.
    extensions = {
        "deprecated": getattr(warnings, "deprecated", _deprecated),
        "assert_never": typing.assert_never,
    }
    stand_ins: dict[str, dict[str, Any]] = {"typing_extensions": extensions}
    if not os.environ.get("OTEL_PYTHON_METER_PROVIDER"):
        stand_ins[_METRICS] = {"get_meter": get_meter, "Histogram": object, "MeterProvider": object}
    if not os.environ.get("OTEL_PROPAGATORS"):
        for module, name in PROPAGATORS.items():
            stand_ins[module] = {name: functools.partial(DeferredPropagator, module, name)}
    return deferring(_PACKAGES, _LAZILY, _CALLED, stand_ins)


class DeferredPropagator:
    """One of PROPAGATORS, made when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("module", "name"):  # by copy and pickle, before there is any
            raise AttributeError(name)
        return getattr(getattr(import_module(self.module), self.name)(), name)


def _deprecated(message: str, /, **options: Any) -> Callable[[Any], Any]:
    """typing_extensions.deprecated: a function warns when it is called, by the real one; a class does not."""

    def decorate(decorated: Any) -> Any:
        decorated.__deprecated__ = message
        if isinstance(decorated, type):
            return decorated

        @functools.wraps(decorated)
        def call(*args: Any, **kwargs: Any) -> Any:
            from typing_extensions import deprecated

            return deprecated(message, **options)(decorated)(*args, **kwargs)

        return call

    return decorate


def get_meter(*args: Any, **kwargs: Any) -> Any:
    """opentelemetry.metrics.get_meter: a meter that is the real one's as soon as that module is loaded.

    https://opentelemetry-python.readthedocs.io/en/latest/api/metrics.html#opentelemetry.metrics.get_meter
    """
    provider = args[2] if len(args) > 2 else kwargs.get("meter_provider")
    if _loaded() or provider is not None:
        from opentelemetry import metrics

        return metrics.get_meter(*args, **kwargs)
    return _Later(lambda: get_meter(*args, **kwargs))


def _loaded() -> bool:
    """Whether anybody may have set a meter provider: not before the module is there."""
    return _METRICS in sys.modules


class _Later:
    """A meter, or an instrument of one: `create_...` makes an instrument, anything else is for nobody yet."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by copy and pickle before there is what is made
            raise AttributeError(name)
        if self._made is None and _loaded():
            self._made = self._make()
        if self._made is not None:
            return getattr(self._made, name)
        if name.startswith("create_"):
            return lambda *args, **kwargs: _Later(lambda: getattr(self._make(), name)(*args, **kwargs))
        return _nobody


def _nobody(*args: object, **kwargs: object) -> None:
    pass
