"""Apache httpd's `LogFormat`, given as such, compiled to a reader of what it writes.

    BadLayout   (java_layout) a format that lines cannot be read with

The time is when the request began, `%{end:...}t` when it ended; `%D` is in microseconds. Quotes, backslashes
and control characters in a field are escaped by the server, so the first quote that is not ends it.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
https://httpd.apache.org/docs/2.4/mod/mod_logio.html#logformat
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from observe import semconv
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import strftime
from subscribers.formats.access import MS_NS, S_NS, US_NS, Role
from subscribers.formats.field_layout import NUMBER, REQUEST, Field, Layout, Token, by_name, compile_fields
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers.java_layout import BadLayout

#: Of the logs of every format of Apache's access log.
DATASET = "apache.access"

#: The formats that httpd.conf and Debian's apache2.conf come with, and ours.
#: https://httpd.apache.org/docs/2.4/logs.html#accesslog
COMMON = r"%h %l %u %t \"%r\" %>s %b"
COMBINED = COMMON + r" \"%{Referer}i\" \"%{User-Agent}i\""
HYBRID = (
    r"%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \"%r\" %>s %b %D"
    r" \"%{X-Correlation-ID}i\" \"%{traceparent}i\""
)
NAMED = {
    "common": COMMON,
    "combined": COMBINED,
    "vhost_combined": "%v:%p " + COMBINED.replace("%b", "%O"),
    "vhost_common": "%v " + COMMON,
    "combinedio": COMBINED + " %I %O",
    "referer": "%{Referer}i -> %U",
    "agent": "%{User-Agent}i",
    "observe": HYBRID,
}

_STATUS = r"(?:\d{3}|-)"
_PORT = r"(?:\d{1,5}|-)"
#: Letter without an argument -> what it is.
PLAIN: dict[str, Field] = {
    "h": Field(of.client),
    "a": Field(of.client),
    "A": Field(of.text(of.NETWORK_LOCAL_ADDRESS)),
    "l": Field(of.text("apache.ident")),
    "u": Field(of.user),
    "r": Field(of.request_line, bare=REQUEST),
    "m": Field(of.method),
    "U": Field(of.path),
    "q": Field(of.query, start="?"),
    "H": Field(of.protocol, r"(?:[A-Z]{2,10}+/\d(?:\.\d)?+|-)"),
    "b": Field(of.number(of.RESPONSE_BODY_SIZE), NUMBER),
    "B": Field(of.number(of.RESPONSE_BODY_SIZE), NUMBER),
    "I": Field(of.number(of.REQUEST_SIZE), NUMBER),
    "O": Field(of.number(of.RESPONSE_SIZE), NUMBER),
    "S": Field(of.number("apache.bytes_transferred"), NUMBER),
    "D": Field(of.duration(US_NS), NUMBER),
    "T": Field(of.duration(S_NS), NUMBER),
    "v": Field(of.text(semconv.SERVER_ADDRESS)),
    "V": Field(of.text(semconv.SERVER_ADDRESS)),
    "p": Field(of.number(semconv.SERVER_PORT), _PORT),
    "P": Field(of.number(of.PROCESS_PID), NUMBER),
    "k": Field(of.number("apache.keepalive_requests"), NUMBER),
    "X": Field(of.text("apache.connection_status"), "[X+-]"),
    "f": Field(of.text(of.FILE_PATH)),
    "L": Field(of.text("apache.log_id")),
    "R": Field(of.text("apache.handler")),
    "^FB": Field(of.milliseconds("apache.time_to_first_byte_ms", US_NS), NUMBER),
}
_UNITS = {"s": S_NS, "ms": MS_NS, "us": US_NS}
_PORTS = {
    "canonical": semconv.SERVER_PORT,
    "local": of.NETWORK_LOCAL_PORT,
    "remote": of.CLIENT_PORT,
}
_TLS: dict[str, Role] = {"SSL_PROTOCOL": of.tls, "SSL_CIPHER": of.text(of.TLS_CIPHER)}

_DIRECTIVE = re.compile(r"\s*+(?:LogFormat|CustomLog|TransferLog)\s++", re.IGNORECASE)
_ARGUMENT = re.compile(r'"((?:[^"\\]++|\\.)*+)"|(\S++)', re.DOTALL)
_ELEMENT = re.compile(
    r"%(?P<when>!?+\d{3}(?:,\d{3})*+)?+(?P<pick>[<>])?+(?:\{(?P<argument>[^{}]*+)\})?+"
    r"(?P<letter>\^[A-Za-z]{2}|[A-Za-z%])|%|\\.|[^%\\]++|\\",
    re.DOTALL,
)
_TEXTS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
#: The common log format's time, written in pieces: read at once, which is ten times as fast.
_PIECES = re.compile(
    r"%\{%d/%b/%Y:(?:%T|%H:%M:%S)(?:\}t\.%\{msec_frac\}t %\{%z\}t|\}t\.%\{usec_frac\}t %\{%z\}t| %z\}t)"
)
_CLF = "%{clf}t"

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"v": b"\v"}


def unescape(text: str) -> str:
    """Undo Apache's escapes in a field: `\\"`, `\\\\`, `\\n` and `\\xhh`, the bytes read as UTF-8."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text.encode()).decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes.fromhex(code[1:].decode()) if len(code) == 3 else _ESCAPED.get(code, code)


@lru_cache(maxsize=256)
def compile_layout(text: str) -> Layout:
    """Return the layout of a format, of the whole directive, or of a name of NAMED. Raises BadLayout."""
    format = by_name(_format(text), NAMED)
    return compile_fields(list(_tokens(_PIECES.sub(_CLF, format))), unescape)


def compile_apache(text: str) -> LineFormat:
    """Return the format of a `LogFormat`. Raises BadLayout."""
    return of_layouts(DATASET, compile_layout(text))


def of_layouts(dataset: str, *layouts: Layout, first: Layout | None = None, example: str = "") -> LineFormat:
    """Return the format of lines that any of the layouts wrote, of which no two may read one line.

    first: one whose lines others would read, too, and wrongly.
    """

    def reader() -> Reader:
        order = list(layouts)

        def read(line: str, clock: Clock) -> Told | None:
            told = first.read(line, clock) if first is not None else None
            if told is not None:
                return told
            for layout in order:
                told = layout.read(line, clock)
                if told is not None:
                    if layout is not order[0]:  # the next line is likely to be of the same
                        order.remove(layout)
                        order.insert(0, layout)
                    return told
            return None

        return read

    return LineFormat(dataset=dataset, reader=reader, example=example)


def _format(text: str) -> str:
    """The format within a directive and its quotes."""
    directive = _DIRECTIVE.match(text)
    if directive is None and not (len(text) > 1 and text.strip()[:1] == text.strip()[-1:] == '"'):
        return text.strip()
    name = directive[0].strip().lower() if directive else ""
    arguments = [
        match[1] or match[2] or "" for match in _ARGUMENT.finditer(text, directive.end() if directive else 0)
    ]
    if name == "customlog":
        arguments = arguments[1:]
    if not arguments or (not name and len(arguments) > 1):
        return text.strip()
    return arguments[0]


def _tokens(format: str) -> Iterator[Token]:
    for match in _ELEMENT.finditer(format):
        said, letter = match[0], match["letter"]
        if letter == "%":
            yield "%"
        elif letter:
            yield from _directive(said, letter, match["argument"], match["pick"] or "")
        elif said == "%":
            raise BadLayout(
                f"the % of '{format[match.start() :][:12]}' starts no directive; a percent sign is %%"
            )
        else:
            yield _TEXTS.get(said[1:], said) if said[0] == "\\" else said


def _directive(said: str, letter: str, argument: str | None, pick: str) -> Iterator[Token]:
    if letter == "t":
        yield from _time(argument)
    elif letter == "s":
        # Without > it is the request's before a redirect within the server.
        yield Field(of.status({">": 3, "": 2, "<": 1}[pick]), _STATUS)
    elif argument is not None:
        make = ARGUMENTS.get(letter)
        if make is None:
            raise BadLayout(f"'{said}': %{letter} takes no argument")
        yield make(argument)
    elif letter in PLAIN:
        yield PLAIN[letter]
    elif letter in ARGUMENTS:
        raise BadLayout(f"'{said}' needs a name: %{{...}}{letter}")
    else:
        raise BadLayout(f"the directive '{said}' is not known")


def _time(argument: str | None) -> Iterator[Token]:
    time, _, format = ("begin", "", argument or "")
    if argument and argument.partition(":")[0] in ("begin", "end"):
        time, _, format = argument.partition(":")
    if f"%{{{format}}}t" == _CLF:
        yield strftime.clf(time)
    elif format in strftime.SPECIAL:
        yield strftime.SPECIAL[format](time)
    elif format:
        yield from strftime.fields(format, time)
    else:
        yield from ("[", strftime.clf(time), "]")


def _took(unit: str) -> Field:
    if unit not in _UNITS:
        raise BadLayout(f"the unit of '%{{{unit}}}T' is not s, ms or us")
    return Field(of.duration(_UNITS[unit]), NUMBER)


def _port(kind: str) -> Field:
    if kind not in _PORTS:
        raise BadLayout(f"the port of '%{{{kind}}}p' is not canonical, local or remote")
    return Field(of.number(_PORTS[kind]), _PORT)


def _process(kind: str) -> Field:
    kinds = {"pid": of.PROCESS_PID, "tid": of.THREAD_ID}
    if kind == "hextid":
        return Field(of.text(of.THREAD_ID), "(?:[0-9a-fA-Fx]{1,18}+|-)")
    if kind not in kinds:
        raise BadLayout(f"'%{{{kind}}}P' is not pid, tid or hextid")
    return Field(of.number(kinds[kind]), NUMBER)


def _address(kind: str) -> Field:
    if kind != "c":
        raise BadLayout(f"'%{{{kind}}}a' is not known; the connection's address is %{{c}}a")
    return Field(of.text(of.NETWORK_PEER_ADDRESS))


def _connection(kind: str) -> Field:
    if kind != "c":
        raise BadLayout(f"'%{{{kind}}}' is not known; the connection's is %{{c}}")
    return Field(of.text("apache.connection_log_id"))


#: Letter with an argument -> what that argument makes it.
ARGUMENTS: dict[str, Callable[[str], Field]] = {
    "a": _address,
    "h": lambda kind: Field(of.text(of.NETWORK_PEER_ADDRESS)) if kind == "c" else _address(kind),
    "i": lambda name: Field(headers.header(name)),
    "o": lambda name: Field(headers.response_header(name)),
    "e": lambda name: Field(headers.named(name, f"apache.env.{name}")),
    "n": lambda name: Field(headers.named(name, f"apache.note.{name}")),
    "C": lambda name: Field(headers.named(name, f"apache.cookie.{name}")),
    "x": lambda name: Field(_TLS.get(name) or of.text(f"apache.tls.{name}")),
    "c": lambda name: Field(_TLS.get(name) or of.text(f"apache.tls.{name}")),
    "^ti": lambda name: Field(of.text(f"apache.request_trailer.{name.lower()}")),
    "^to": lambda name: Field(of.text(f"apache.response_trailer.{name.lower()}")),
    "L": _connection,
    "T": _took,
    "p": _port,
    "P": _process,
}


def _vhost_combined() -> Layout:
    """Debian's, with a host that is no IPv6 address: the others would take the host for the client."""
    host = Field(of.text(semconv.SERVER_ADDRESS), r"[A-Za-z0-9._-]++", is_long=True)
    return compile_fields([host, *list(_tokens(NAMED["vhost_combined"]))[1:]], unescape)


_EXAMPLE = "\n".join(
    (
        '203.0.113.9 - - [21/Nov/2026:03:30:10.123 +0000] "POST /claims/check?id=7 HTTP/1.1" 200 57 12345 '
        '"CLM-1" "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"',
        '203.0.113.9 - frank [21/Nov/2026:03:30:10 +0000] "GET /claims HTTP/1.1" 404 196 '
        '"https://claims.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"',
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /claims HTTP/1.1" 200 -',
        'claims.example.com:443 203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 3256 "-" '
        '"curl/7.88.1"',
    )
)
#: Those that are told apart without being told.
APACHE = of_layouts(
    DATASET,
    *(compile_layout(name) for name in ("observe", "combined", "common")),
    first=_vhost_combined(),
    example=_EXAMPLE,
)
