"""Environment variables of a subprocess, and the PARM of a JCL step.

https://opentelemetry.io/docs/specs/otel/context/env-carriers/ names TRACEPARENT, TRACESTATE and BAGGAGE.
"""

from __future__ import annotations

import re

from observe.context import BAGGAGE, CORRELATION_ID, TRACEPARENT, TRACESTATE
from observe.legacy import compact
from observe.legacy.carrier import CarrierError, Written, headers_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from observe.context import Context

VARIABLES = {
    TRACEPARENT: "TRACEPARENT",
    TRACESTATE: "TRACESTATE",
    BAGGAGE: "BAGGAGE",
    CORRELATION_ID: "X_CORRELATION_ID",
}
#: PARM is restricted to 100 characters, says the page of PARMDD, which is not.
#: https://www.ibm.com/docs/en/zos/2.4.0?topic=statement-parmdd-parameter
PARM_MAX = 100
_PARM = re.compile(r"(?:^|,)(?:TRACEPARENT=([0-9A-Fa-f-]{55})|TRACEID=([0-9A-Z]{26}))(?=,|/|$)")


def environ(context: Context, base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a subprocess: `base` (`os.environ`, as a rule) with the context.

    The one carrier that overwrites: what `base` has under these names is what this process was started with,
    and the subprocess is our child, not our parent's. Raises CarrierError("trace_id").
    """
    own = {VARIABLES[name]: value for name, value in headers_of(context).items()}
    stale = set(VARIABLES.values())
    return {name: value for name, value in base.items() if name.upper() not in stale} | own


def read(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the environment of this process carries, or {}."""
    found = {header: text_of(environ.get(name)) for header, name in VARIABLES.items()}
    return {header: value for header, value in found.items() if value}


def carry_parm(parm: str, context: Context, limit: int = PARM_MAX) -> Written[str]:
    """Append `TRACEPARENT=<traceparent>` to the text of a PARM, or `TRACEID=<26>` for want of room.

    parm: the value as the program sees it, without quotes; limit: how much the program takes. Reasons:
    `present`; `no_room`; `slash` (beyond a slash are the run-time options of Language Environment or, in
    COBOL, before it: only the caller knows which). Carries trace ID and, in the longer form, span ID.
    """
    if not 0 < limit <= PARM_MAX:
        raise CarrierError("limit", f"a PARM has 1 to {PARM_MAX} characters, not {limit}")
    if "/" in parm:
        return Written(parm, "slash")
    if read_parm(parm):
        return Written(parm, "present")
    headers = headers_of(context)
    for own in (f"TRACEPARENT={headers[TRACEPARENT]}", f"TRACEID={compact.reference(context, PARM_MAX)}"):
        grown = f"{parm},{own}" if parm else own
        if len(grown) <= limit:
            return Written(grown)
    return Written(parm, "no_room")


def read_parm(parm: str) -> dict[str, str]:
    """Return the headers that the text of a PARM carries, or {}."""
    found = _PARM.search(parm)
    return compact.read((found[1] or found[2]).strip()) if found else {}
