"""What Lambda starts when the exec wrapper is on: wraps any handler, or runs it bare.

`/opt/observe-exec` sets `_HANDLER=observe.entry.handler` and keeps the function's own handler name in
`OBSERVE_HANDLER`. Whatever fails here before the function's module is loaded leaves the bare handler;
what fails while that module is loaded is the function's own error, reported by the runtime unchanged.

This file must parse and run on every Python that Lambda has ever offered: older ones run bare.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUPPORTED = (3, 11)


def _say(message: str) -> None:
    """Say why the layer is off, in one line of JSON without any module that may be broken."""
    text = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    line = '{"level":"WARN","message":"hybrid-observe: %s","event":"observe.off"}\n' % text
    try:
        os.write(1, line.encode("utf-8", "replace"))
    except OSError:
        pass


def _prepare() -> Any:
    """Make the layer's libraries importable, last of all, and watch the function's imports."""
    layer = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    library = os.path.join(layer, "observe-lib")
    if os.path.isdir(library) and library not in sys.path:
        sys.path.append(library)
    from observe import handler, hooks, settings

    if settings.get().disabled:
        return None
    hooks.install()
    return handler.instrument


def _load(name: str) -> Any:
    """Return the function's handler by the runtime's own code, so that its errors are the runtime's."""
    runtime = sys.modules.get("awslambdaric.bootstrap")
    load = getattr(runtime, "_get_handler", None)
    if load is not None:
        return load(name)
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module.replace("/", ".")), attribute)


def _wrapped() -> Any:
    name = os.environ.pop("OBSERVE_HANDLER", "")
    os.environ["_HANDLER"] = name  # user code that reads it sees its own
    wrap = None
    if sys.version_info >= SUPPORTED:
        try:
            wrap = _prepare()
        except Exception as fault:  # noqa: BLE001  # guard itself may be what is broken
            _say("off, the bare handler runs: %s: %s" % (type(fault).__name__, fault))
    else:
        _say("off, the bare handler runs: Python %s is older than 3.11" % sys.version.split()[0])
    function = _load(name)
    if wrap is None:
        return function
    from observe import guard

    observed = guard.guarded(wrap, function)
    return function if observed is None else observed


handler = _wrapped()
