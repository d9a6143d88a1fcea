"""Environment variables of a subprocess, and the PARM of a JCL step.

https://opentelemetry.io/docs/specs/otel/context/env-carriers/ names TRACEPARENT, TRACESTATE and BAGGAGE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from observe.context import BAGGAGE, CORRELATION_ID, TRACEPARENT, TRACESTATE
from observe.legacy import compact
from observe.legacy.carrier import CarrierError, Written, headers_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.context import Context

VARIABLES = {
    TRACEPARENT: "TRACEPARENT",
    TRACESTATE: "TRACESTATE",
    BAGGAGE: "BAGGAGE",
    CORRELATION_ID: "X_CORRELATION_ID",
}
#: "The maximum size of a user-defined environment variable is 32,767 characters", on Windows; on Linux a
#: string has 131,072 bytes (MAX_ARG_STRLEN). No variable of ours comes near.
#: https://learn.microsoft.com/en-us/windows/win32/api/processenv/nf-processenv-setenvironmentvariablew
#: https://man7.org/linux/man-pages/man2/execve.2.html
VARIABLE_MAX = 32_767
#: PARM is restricted to 100 characters, says the page of PARMDD, which is not.
#: https://www.ibm.com/docs/en/zos/2.4.0?topic=statement-parmdd-parameter
PARM_MAX = 100
_PARM = re.compile(r"(?:^|,)(?:TRACEPARENT=([0-9A-Fa-f-]{55})|TRACEID=([0-9A-Z]{26}))(?=[,/ ]|\Z)")


def carry(environ: Mapping[str, str], context: Context | None) -> dict[str, str]:
    """Return the environment of a subprocess: `environ` (`os.environ`, as a rule) with the context.

    It overwrites: what is there under these names is what this process was started with, and the subprocess
    is our child, not our parent's. Without a context it is a copy. Raises CarrierError("document") for what
    is no mapping.
    """
    if not isinstance(environ, Mapping):
        raise CarrierError("document", f"an environment is a mapping, not {type(environ).__name__}")
    if context is None:
        return dict(environ)
    own = {VARIABLES[name]: value for name, value in headers_of(context).items()}
    stale = set(VARIABLES.values())
    kept = {n: value for n, value in environ.items() if (text_of(n) or "").upper() not in stale}
    return kept | own


def read(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the environment of this process carries, or {}."""
    get: Any = getattr(environ, "get", None)
    found = {header: text_of(get(name)) for header, name in VARIABLES.items()} if get else {}
    return {header: value for header, value in found.items() if value}


def carry_parm(parm: str, context: Context | None, limit: int = PARM_MAX) -> Written[str]:
    """Append `TRACEPARENT=<traceparent>` to the text of a PARM, or `TRACEID=<26>` for want of room.

    parm: the value as the program sees it, without quotes; limit: how much the program takes. Reasons:
    `present`; `no_room`; `slash` (beyond a slash are the run-time options of Language Environment or, in
    COBOL, before it: only the caller knows which). Carries trace ID and, in the longer form, span ID.
    """
    if not isinstance(parm, str):
        raise CarrierError("document", f"a PARM is text, not {type(parm).__name__}")
    if not 0 < limit <= PARM_MAX:
        raise CarrierError("limit", f"a PARM has 1 to {PARM_MAX} characters, not {limit}")
    if context is None:
        return Written(parm, "no_context")
    headers = headers_of(context)
    if "/" in parm:
        return Written(parm, "slash")
    if read_parm(parm):
        return Written(parm, "present")
    for own in (f"TRACEPARENT={headers[TRACEPARENT]}", f"TRACEID={compact.reference(context, PARM_MAX)}"):
        grown = f"{parm},{own}" if parm else own
        if len(grown) <= limit:
            return Written(grown)
    return Written(parm, "no_room")


def read_parm(parm: str | bytes) -> dict[str, str]:
    """Return the headers that the text of a PARM carries, or {}; JCL may have put it into capitals."""
    found = _PARM.search(text_of(parm) or "")
    return compact.read(found[1] or found[2]) if found else {}
