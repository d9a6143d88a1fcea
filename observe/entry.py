"""What Lambda starts when the exec wrapper is on: wraps any handler, or runs it bare.

`/opt/observe-exec` sets `_HANDLER=observe.entry.handler` and keeps the function's own handler name in
`OBSERVE_HANDLER`; where another layer's handler is Lambda's, that one is made to call this module's. Whatever
fails here before the function's module is loaded leaves the bare handler; what fails while that module is
loaded is the function's own error, reported by the runtime unchanged.

This file must parse and run on Python 3.7 and later: those before 3.11 run bare. (Older ones yet, and most of
these, do not come here: /opt/observe-exec knows them.)
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUPPORTED = (3, 11)
OWN = "observe.entry.handler"


def _say(message: str) -> None:
    """Say why the layer is off, in one line of JSON without any module that may be broken."""
    from time import gmtime, strftime

    text = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    # In Lambda's JSON format a line without a time counts as INFO, and one below the level is dropped.
    lead = (strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()), level if level in ("ERROR", "FATAL") else "WARN")
    line = '{"timestamp":"%s","level":"%s","message":"hybrid-observe: %s","event":"observe.off"}\n'
    line = line % (*lead, text)
    try:
        os.write(1, line.encode("utf-8", "replace"))
    except OSError:
        pass


def _prepare() -> Any:
    """Watch the function's imports; return what wraps its handler."""
    from observe import handler, hooks, settings

    if settings.get().disabled:
        return None
    hooks.install()
    return handler.instrument


def _load(name: str, by_runtime: bool) -> Any:
    """Return the function's handler, loaded as whoever asks for ours would: so its errors are theirs."""
    runtime = sys.modules.get("awslambdaric.bootstrap")
    load = getattr(runtime, "_get_handler", None)
    if load is not None and by_runtime:
        return load(name)
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module.replace("/", ".")), attribute)


def _wrapped() -> Any:
    # It stays set: another layer's handler that could not import this module tries again.
    name = os.environ.get("OBSERVE_HANDLER", "")
    if not name:
        _say("OBSERVE_HANDLER is not set: it is to name the function's own handler")
    by_runtime = os.environ.get("_HANDLER", OWN) == OWN
    if by_runtime:
        os.environ["_HANDLER"] = name  # user code that reads it sees its own
    wrap = None
    if sys.version_info >= SUPPORTED:
        try:
            wrap = _prepare()
        except Exception as fault:  # noqa: BLE001  # guard itself may be what is broken
            _say("off, the bare handler runs: %s: %s" % (type(fault).__name__, fault))
    else:
        _say("off, the bare handler runs: Python %s is older than 3.11" % sys.version.split()[0])
    function = _load(name, by_runtime)
    if wrap is None:
        return function
    from observe import guard

    observed = guard.guarded(wrap, function)
    return function if observed is None else observed


def __getattr__(name: str) -> Any:
    """Load the function when its handler is asked for: not in an import, which would be in its stack."""
    if name != "handler":
        raise AttributeError("module 'observe.entry' has no attribute %r" % name)
    globals()["handler"] = found = _wrapped()
    return found


if sys.version_info >= SUPPORTED:
    # The runtime leaves out what its report of an error begins with, as long as it is of files of this name
    # (awslambdaric/bootstrap.py, build_fault_result): thus an error of the function's module is told as if we
    # were not there.
    for _function in (_load, _wrapped, __getattr__):
        _function.__code__ = _function.__code__.replace(co_filename="observe/bootstrap.py")
