"""Headers in access logs: the request's identity, whoever asked it, and what is left as an attribute.

`http.request.header.<name>` or `http.response.header.<name>` in lower case, as text. A traceparent, a
correlation ID in any of its usual spellings, X-Amzn-Trace-Id and the headers of other tracers tell the trace.

https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
"""

from __future__ import annotations

import re

from subscribers.formats.access import CLIENT_ADDRESS, USER_AGENT, Access, Role, present, text
from subscribers.parsers import mdc

_DIALECTS = re.compile(r"b3|x-b3-.*|uber-trace-id|x-datadog-.*")


def correlation(access: Access, said: str) -> None:
    """The correlation ID."""
    access.correlation_id = access.correlation_id or present(said).strip()


def xray(access: Access, said: str) -> None:
    """X-Amzn-Trace-Id as it went on or came in."""
    said = present(said)
    if said:
        access.xray = access.xray or said
        access.attributes["http.request.header.x-amzn-trace-id"] = said


def header(name: str) -> Role:
    """A header of the request, by its name: also the identity, the agent, whoever asked before a proxy."""
    lower = name.lower().replace("_", "-")
    if lower == "user-agent":
        return text(USER_AGENT)
    if lower == "traceparent":
        return _traceparent
    if lower == "x-amzn-trace-id":
        return xray
    if is_correlation(lower):
        return correlation
    if _DIALECTS.fullmatch(lower):
        return _dialect(lower)
    if lower == "x-forwarded-for":
        return _forwarded
    return text(f"http.request.header.{lower}")


def response_header(name: str) -> Role:
    """A header of the answer; one of the correlation ID counts where the request told none."""
    lower = name.lower().replace("_", "-")
    return correlation if is_correlation(lower) else text(f"http.response.header.{lower}")


def is_correlation(name: str) -> bool:
    """Whether a name is one of a correlation ID's usual spellings."""
    return mdc.identity({name: "x"}).correlation_id == "x"


def named(name: str, attribute: str) -> Role:
    """A value that the server was told to keep under a name of the team's: maybe the correlation ID."""
    if is_correlation(name):
        return correlation
    return _traceparent if name.lower() == "traceparent" else text(attribute)


def _traceparent(access: Access, said: str) -> None:
    access.traceparent = access.traceparent or present(said)


def _dialect(name: str) -> Role:
    def role(access: Access, said: str) -> None:
        if said and said != "-":
            access.dialect[name] = said
            access.attributes[f"http.request.header.{name}"] = said

    return role


def _forwarded(access: Access, said: str) -> None:
    said = present(said)
    if said:
        access.attributes["http.request.header.x-forwarded-for"] = said
        access.attributes.setdefault(CLIENT_ADDRESS, said.partition(",")[0].strip())
        access.client = access.client or said
