"""The trace header of X-Ray hops, beside what the runtime says of the invocation."""

from __future__ import annotations

import os

from observe import ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context


def header(context: Context) -> str:
    """Return the X-Amzn-Trace-Id value to give to a call, or "" where X-Ray records this invocation.

    Sampled=0: we never switch on somebody's X-Ray bill. Where it records, its own header goes with the HTTP
    request, and another Root would take the callee out of that trace.
    Lineage is kept, by which Lambda finds functions that invoke each other without end.
    """
    environment = os.environ.get("_X_AMZN_TRACE_ID", "")
    if ids.field_of(environment, "Sampled") == "1":
        return ""
    span_id = context.span_id or ids.derived_span_id(context.trace_id)
    told = f"Root=1-{context.trace_id[:8]}-{context.trace_id[8:]};Parent={span_id};Sampled=0"
    lineage = ids.field_of(environment, "Lineage")
    return f"{told};Lineage={lineage}" if lineage else told
