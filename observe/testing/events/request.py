"""What an HTTP client sent, before a gateway makes an event of it; each gateway shows it in its own way."""

from __future__ import annotations

import re
from urllib.parse import quote_plus, unquote, urlencode

from observe.testing.carrying import added
from observe.testing.events.parts import SOURCE_IP, USER_AGENT, base64_of, octets_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body

    #: Names as the client spelled them; a name with several values was sent several times.
    Headers = Mapping[str, str | Sequence[str]]
    Query = Mapping[str, str | Sequence[str]]

#: What AWS's own front ends add to every request.
TRACE_ID = "Root=1-695735a5-00000000000000000000c0de"


class Request:
    """A request with what gateways add to it. headers, query: values by name, as the client spelled it.

    body: text, in base64 where it was given as bytes; None without one. canonical: whether the gateway shows
    the headers it adds as `X-Forwarded-For`; else `x-forwarded-for`.
    """

    __slots__ = ("binary", "body", "builder", "headers", "method", "path", "query")

    def __init__(
        self,
        builder: str,
        method: str,
        path: str,
        *,
        host: str,
        headers: Headers | None,
        context: Context | None,
        query: Query | None = None,
        body: Body | None = None,
        canonical: bool = False,
    ) -> None:
        if not path.startswith("/") or "?" in path:
            raise ValueError(f"{builder}: path {path!r} has to begin with / and to be without a query string")
        if not method.isupper():
            raise ValueError(f"{builder}: method {method!r} is no HTTP method in upper case")
        self.builder = builder
        self.method = method
        self.path = path
        self.query = _values(query)
        self.body, self.binary, kind = _body(body, builder)
        self.headers = _values(headers)
        default = {
            "accept": "*/*",
            **({"content-type": kind} if kind else {}),
            "host": host,
            "user-agent": USER_AGENT,
            "x-amzn-trace-id": TRACE_ID,
            "x-forwarded-for": SOURCE_IP,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        }
        present = {name.lower() for name in self.headers}
        for name, value in default.items():
            if name not in present:
                self.headers[spelled(name) if canonical else name] = [value]
        self.headers.update({name: [value] for name, value in added(self.headers, context, builder).items()})

    @property
    def user_agent(self) -> str:
        """The client's user agent."""
        return self.joined()["user-agent"]

    def joined(self) -> dict[str, str]:
        """Headers with names in lower case; values sent under one name are joined by a comma."""
        return {name: ",".join(values) for name, values in self.lowered().items()}

    def lowered(self) -> dict[str, list[str]]:
        """All values of each header by its name in lower case."""
        found: dict[str, list[str]] = {}
        for name, values in self.headers.items():
            found.setdefault(name.lower(), []).extend(values)
        return found

    def query_string(self) -> str:
        """The query as it stands in the URL, without the question mark."""
        return urlencode(self.query, doseq=True)

    def parameters(self, route: str) -> dict[str, str]:
        """Return the parameters of the path, by a route like `/claims/{id}` or `/files/{path+}`."""
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", _group, re.escape(route))
        match = re.fullmatch(pattern, self.path)
        if match is None:
            raise ValueError(f"{self.builder}: path {self.path!r} is none of the route {route!r}")
        return {name: unquote(value) for name, value in match.groupdict().items()}


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"


def spelled(name: str) -> str:
    """Return `X-Forwarded-For` for `x-forwarded-for`."""
    return "-".join(part.capitalize() for part in name.split("-"))


def last(values: dict[str, list[str]]) -> dict[str, str]:
    """Return the last value of each name: what gateways show where they show one."""
    return {name: found[-1] for name, found in values.items()}


def quoted(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return names and values percent-encoded, as they were in the URL."""
    return {quote_plus(name): [quote_plus(value) for value in found] for name, found in values.items()}


def _values(given: Headers | None) -> dict[str, list[str]]:
    """All values by name; a name without one was not sent."""
    found = {name: [value] if isinstance(value, str) else [*value] for name, value in (given or {}).items()}
    return {name: values for name, values in found.items() if values}


def _body(body: Any, builder: str) -> tuple[str | None, bool, str]:
    """(the body as a function gets it, whether that is base64, the content type by default)."""
    if body is None:
        return None, False, ""
    if isinstance(body, bytes | bytearray):
        return base64_of(octets_of(body, builder)), True, "application/octet-stream"
    kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    return text_of(body, builder), False, kind
