"""What the fields of an access log say, whichever server wrote them: attributes, a level, and the exchange.

A server's format knows which of its fields is what, as a `Role`; the roles fill an `Access`, and that tells.
`-` and nothing at all are absent. Attributes are OpenTelemetry's.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from observe import dialects, ids, semconv, w3c
from subscribers.formats.told import Clock, Exchange, Told
from subscribers.parsers import times

# Names that no other part uses.
CLIENT_ADDRESS = "client.address"
CLIENT_PORT = "client.port"
FILE_PATH = "file.path"
NETWORK_LOCAL_ADDRESS = "network.local.address"
NETWORK_LOCAL_PORT = "network.local.port"
NETWORK_PEER_ADDRESS = "network.peer.address"
NETWORK_PROTOCOL_VERSION = "network.protocol.version"
PROCESS_PID = semconv.PROCESS_PID
REQUEST_BODY_SIZE = "http.request.body.size"
REQUEST_SIZE = "http.request.size"
RESPONSE_BODY_SIZE = "http.response.body.size"
RESPONSE_SIZE = "http.response.size"
THREAD_ID = "thread.id"
THREAD_NAME = "thread.name"
TLS_CIPHER = "tls.cipher"
TLS_NAME = "tls.protocol.name"
TLS_VERSION = "tls.protocol.version"
URL_QUERY = "url.query"
URL_SCHEME = "url.scheme"
USER_AGENT = "user_agent.original"
USER_NAME = "user.name"

S_NS = 1_000_000_000
MS_NS = 1_000_000
US_NS = 1_000

#: More digits than any count or time has are none of ours; they would be no 64-bit number.
_DIGITS_MAX = 18
_DECIMAL = re.compile(r"\d{1,12}+(?:\.\d{1,12}+)?+")


class Moment(msgspec.Struct, gc=False):
    """A time on its way: of its own, or in the parts that a date pattern names; a fraction beside it."""

    nano: int | None = None
    #: What `nano` is exact to, so that the finest of several counts.
    exact_to_ns: int = S_NS
    fraction_ns: int | None = None
    #: Letters of java_dates.
    parts: dict[str, str] = {}
    #: How much later it was than is told.
    later_ns: int = 0

    def take(self, nano: int, exact_to_ns: int) -> None:
        """Keep a time if none so fine was told."""
        if self.nano is None or exact_to_ns < self.exact_to_ns:
            self.nano, self.exact_to_ns = nano, exact_to_ns

    def unix_nano(self, clock: Clock) -> int | None:
        """Return the time, nanoseconds since the epoch; None where none was told."""
        nano, exact_to_ns = self.nano, self.exact_to_ns
        if self.parts and (nano is None or exact_to_ns >= S_NS):
            told = clock.unix_nano(self.parts)
            nano = nano if told is None else told
        if nano is not None and self.fraction_ns and nano % S_NS == 0:
            nano = times.in_range(nano + self.fraction_ns)
        return times.in_range(nano + self.later_ns) if nano is not None and self.later_ns else nano

    @property
    def is_told(self) -> bool:
        """Whether anything was said about it."""
        return self.nano is not None or bool(self.parts) or self.fraction_ns is not None


class Access(msgspec.Struct, gc=False):
    """One request as far as its line has been read."""

    attributes: dict[str, Any] = {}
    client: str = ""
    method: str = ""
    path: str = ""
    query: str = ""
    status: int = 0
    status_rank: int = 0
    duration_ns: int | None = None
    duration_exact_to_ns: int = 0
    correlation_id: str = ""
    traceparent: str = ""
    xray: str = ""
    #: Headers of other tracers.
    dialect: dict[str, str] = {}
    began: Moment = msgspec.field(default_factory=Moment)
    ended: Moment = msgspec.field(default_factory=Moment)
    #: What a proxy's timers say, by their names; below 0 for what never was.
    timers_ns: dict[str, int] = {}
    #: A time that is none: the line is not of the format.
    is_broken: bool = False

    def told(self, clock: Clock, when: str) -> Told | None:
        """Return what the line tells; None if a time in it is none. when: the text of its time.

        A line without a time was written when the request ended, so that is CloudWatch's time of it.
        """
        if self.is_broken:
            return None
        start = self._start(clock)
        if start is None:
            return None
        trace_id, span_id = self._trace()
        exchange = Exchange(
            start_unix_nano=start,
            duration_ns=self.duration_ns,
            method=self.method,
            path=self.path,
            status=self.status,
            client=self.client,
            when=when,
            traceparent=self.traceparent,
        )
        has_time = self.began.is_told or self.ended.is_told
        return Told(
            time_unix_nano=start if has_time else None,
            level=level_of(self.status),
            correlation_id=self.correlation_id,
            trace_id=trace_id,
            span_id=span_id,
            attributes=self.told_attributes(),
            exchange=exchange,
        )

    def _start(self, clock: Clock) -> int | None:
        if self.began.is_told:
            return self.began.unix_nano(clock)
        end = self.ended.unix_nano(clock) if self.ended.is_told else clock.near_unix_nano
        return None if end is None else max(end - (self.duration_ns or 0), 0)

    def _trace(self) -> tuple[str, str]:
        """(trace, parent span) that another tracer's header names, where neither of ours does."""
        if not (self.dialect or self.xray):
            return "", ""
        if self.correlation_id or w3c.parse_traceparent(self.traceparent)[0]:
            return "", ""
        if self.dialect:
            trace_id, span_id, _ = dialects.trace_parent(self.dialect)
            if trace_id:
                return trace_id, span_id
        root, parent, _ = ids.segment_of(self.xray)
        return root, parent

    def told_attributes(self) -> dict[str, Any]:
        """The attributes of all that was told."""
        attributes = self.attributes
        if self.method:
            attributes[semconv.HTTP_REQUEST_METHOD] = self.method
        if self.path:
            attributes[semconv.URL_PATH] = self.path
        if self.query:
            attributes[URL_QUERY] = self.query
        if self.status:
            attributes[semconv.HTTP_RESPONSE_STATUS_CODE] = self.status
        return attributes


#: Puts what one field says into the Access. It never raises.
Role = Callable[[Access, str], None]


def level_of(status: int) -> str:
    """The level of an answer: server faults are errors, client faults warnings; "" without a status."""
    return "ERROR" if status >= 500 else "WARN" if status >= 400 else "INFO" if status else ""


def present(text: str) -> str:
    """The text, or "" for what a server writes for nothing."""
    return "" if text == "-" else text


def count(text: str) -> int | None:
    """A count as a server writes it, or None."""
    return int(text[:_DIGITS_MAX]) if text.isdecimal() and text.isascii() else None


def nanoseconds(text: str, unit_ns: int) -> int | None:
    """A duration of whole or decimal units; None where there is none, or it is negative."""
    if text.isdecimal() and text.isascii():
        return int(text[:_DIGITS_MAX]) * unit_ns if len(text) < _DIGITS_MAX else None
    if not _DECIMAL.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    return int(whole) * unit_ns + int((fraction or "0").ljust(12, "0")) * unit_ns // 10**12


def ignore(_access: Access, _text: str) -> None:
    """Nothing that anybody asks for."""


def text(name: str) -> Role:
    """An attribute that is text."""

    def role(access: Access, said: str) -> None:
        if said and said != "-":
            access.attributes[name] = said

    return role


def number(name: str) -> Role:
    """An attribute that is a count."""

    def role(access: Access, said: str) -> None:
        value = count(said)
        if value is not None:
            access.attributes[name] = value

    return role


def milliseconds(name: str, unit_ns: int) -> Role:
    """An attribute that is a duration in milliseconds."""

    def role(access: Access, said: str) -> None:
        value = nanoseconds(said, unit_ns)
        if value is not None:
            access.attributes[name] = value / MS_NS

    return role


def client(access: Access, said: str) -> None:
    """Who asked."""
    access.client = access.client or said
    if said and said != "-":
        access.attributes[CLIENT_ADDRESS] = said


def user(access: Access, said: str) -> None:
    """As whom."""
    said = said.rstrip(" ")
    if said and said not in ("-", '""'):
        access.attributes[USER_NAME] = said


def method(access: Access, said: str) -> None:
    """The method alone."""
    access.method = present(said)


def path(access: Access, said: str) -> None:
    """The path, maybe with its query."""
    said, _, more = present(said).partition("?")
    access.path, access.query = said, more or access.query


def path_if_none(access: Access, said: str) -> None:
    """The path as the server rewrote it: it counts where nobody tells what was asked for."""
    access.path = access.path or present(said)


def query(access: Access, said: str) -> None:
    """The query, with its question mark or without."""
    access.query = present(said).removeprefix("?")


def target(access: Access, said: str) -> None:
    """What was asked for: a path with its query, or a whole URL, as proxies are asked."""
    scheme, separator, rest = said.partition("://")
    if separator and scheme.isascii() and scheme.isalpha():
        host, slash, said = rest.partition("/")
        name, colon, port = host.rpartition(":")
        access.attributes[URL_SCHEME] = scheme.lower()
        access.attributes[semconv.SERVER_ADDRESS] = name if colon else host
        number(semconv.SERVER_PORT)(access, port if colon else "")
        said = slash + said
    path(access, said)


def request_line(access: Access, said: str) -> None:
    """`GET /path?query HTTP/1.1`; nothing of what is no request line, such as a TLS hello."""
    parts = said.split(" ")
    if len(parts) < 2 or not parts[0].isascii() or not parts[0].replace("-", "").isalpha():
        return
    access.method = parts[0]
    (path if parts[1].startswith("/") else target)(access, parts[1])


def protocol(access: Access, said: str) -> None:
    """`HTTP/1.1`"""
    name, separator, version = said.partition("/")
    if separator and version:
        access.attributes[semconv.NETWORK_PROTOCOL_NAME] = name.lower()
        access.attributes[NETWORK_PROTOCOL_VERSION] = version


def tls(access: Access, said: str) -> None:
    """`TLSv1.2`, `tlsv12`"""
    name, separator, version = said.lower().partition("v")
    version = ".".join(version) if len(version) == 2 else version
    if separator and name in ("tls", "ssl"):
        access.attributes[TLS_NAME], access.attributes[TLS_VERSION] = name, version


def status(rank: int = 1) -> Role:
    """The status; of several that of the highest rank counts."""

    def role(access: Access, said: str) -> None:
        if len(said) == 3 and said.isdecimal() and said.isascii() and rank > access.status_rank:
            access.status, access.status_rank = int(said), rank

    return role


def duration(unit_ns: int, exact_to_ns: int = 0) -> Role:
    """How long it took; of several the finest counts. exact_to_ns: where decimals make it finer."""
    exact_to_ns = exact_to_ns or unit_ns

    def role(access: Access, said: str) -> None:
        if access.duration_ns is not None and exact_to_ns >= access.duration_exact_to_ns:
            return
        value = nanoseconds(said, unit_ns)
        if value is not None:
            access.duration_ns, access.duration_exact_to_ns = value, exact_to_ns

    return role
