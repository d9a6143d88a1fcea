"""Hybrid Observe: one request, both sides.

In a Lambda function with the layer attached nothing needs to be called. What is here is for those
who want more:

    observe.log.info("claim accepted", claim=claim_id)      a JSON line with the request's identity
    observe.metrics.increment("claims.submitted")           a metric line
    with observe.span("price"): ...                         a span in the trace
    batch = observe.records(event)                          a batch, each record in its own context
    observe.key(claim="CLM-889123")                         marks the trace with a key to search by
    Thread(target=observe.propagate(work))                  the context in a thread; ThreadPoolExecutor, too
    @observe.instrument                                     attach without the exec wrapper
    observe.current(), observe.inject(...), observe.extract(...), observe.use(...)   the context itself

Every name is loaded when it is first used: importing `observe` costs next to nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe import metrics
    from observe.batch import records
    from observe.context import Context, current, extract, inject, use
    from observe.handler import instrument
    from observe.keys import key
    from observe.logs import log
    from observe.propagation import ThreadPoolExecutor, propagate
    from observe.replies import error_response
    from observe.spans import span

__version__ = "0.1.0"

# In the layer, its libraries lie beside the folder that this package is in. Last: a function's own win.
_layer = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_library = os.path.join(_layer, "observe-lib")
if sys.version_info >= (3, 11) and _library not in sys.path and os.path.isdir(_library):
    sys.path.append(_library)

__all__ = [
    "Context",
    "ThreadPoolExecutor",
    "current",
    "error_response",
    "extract",
    "inject",
    "instrument",
    "key",
    "log",
    "metrics",
    "propagate",
    "records",
    "span",
    "use",
]

_WHERE = {
    "Context": "observe.context",
    "ThreadPoolExecutor": "observe.propagation",
    "current": "observe.context",
    "error_response": "observe.replies",
    "extract": "observe.context",
    "instrument": "observe.handler",
    "inject": "observe.context",
    "key": "observe.keys",
    "log": "observe.logs",
    "metrics": "observe.metrics",
    "propagate": "observe.propagation",
    "records": "observe.batch",
    "span": "observe.spans",
    "use": "observe.context",
}


def __getattr__(name: str) -> Any:
    """Load a public name at first use (PEP 562)."""
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'observe' has no attribute {name!r}")
    __import__(where)  # unlike importlib's, it is told by -X importtime
    module = sys.modules[where]
    value = module if name == "metrics" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
