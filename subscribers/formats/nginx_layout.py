"""nginx's `log_format`, given as such, compiled to a reader of what it writes.

    BadLayout   (java_layout) a format that lines cannot be read with

All times ($msec, $time_iso8601, $time_local) are when the line was written, at the end of the request: it
began $request_time before. The finest of them counts. A variable that nobody here knows is
`nginx.<name>`. A format that writes JSON is text with variables like any other.

https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
https://nginx.org/en/docs/http/ngx_http_core_module.html#variables
https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import lru_cache
from typing import Any

import msgspec

from observe import semconv
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import strftime
from subscribers.formats.access import MS_NS, S_NS, Access, Role
from subscribers.formats.apache_layout import of_layouts, unescape
from subscribers.formats.field_layout import DECIMAL, NUMBER, REQUEST, Field, Layout, Token, compile_fields
from subscribers.formats.moments import iso
from subscribers.formats.told import Clock, LineFormat
from subscribers.parsers import times
from subscribers.parsers.java_layout import BadLayout

#: Of the logs of every format of nginx's access log.
DATASET = "nginx.access"

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
#: The predefined format; that of the nginx.conf of its packages; those two with $request_time; that of the
#: Kubernetes ingress; ours, which carries the correlation.
#: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/
NAMED = {
    "combined": COMBINED,
    "main": COMBINED + ' "$http_x_forwarded_for"',
    "timed": COMBINED + " $request_time",
    "main_timed": COMBINED + ' "$http_x_forwarded_for" $request_time',
    "upstreaminfo": COMBINED + " $request_length $request_time [$proxy_upstream_name] "
    "[$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time "
    "$upstream_status $req_id",
    "observe": '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '$request_time $msec "$http_x_correlation_id" "$http_traceparent"',
}

_STATUS = r"(?:\d{3}|-)"
#: Of several servers that were asked one after another, and of several groups of them.
_LIST = r'[^\s,"]*+(?:(?:, | : )[^\s,"]++)*+'
_LISTED = re.compile(r", | : ")

#: Variable -> what it is.
VARIABLES: dict[str, Field] = {
    "remote_addr": Field(of.client),
    "remote_port": Field(of.number(of.CLIENT_PORT), r"\d{1,5}"),
    "realip_remote_addr": Field(of.text(of.NETWORK_PEER_ADDRESS)),
    "proxy_protocol_addr": Field(of.text("nginx.proxy_protocol_addr")),
    "remote_user": Field(of.user),
    "request": Field(of.request_line, bare=REQUEST),
    "request_method": Field(of.method),
    "request_uri": Field(of.target),
    "uri": Field(of.path_if_none),
    "document_uri": Field(of.path_if_none),
    "args": Field(of.query),
    "query_string": Field(of.query),
    "is_args": Field(of.ignore, r"\??+"),
    "server_protocol": Field(of.protocol, r"(?:HTTP/\d(?:\.\d)?+|-)"),
    "scheme": Field(of.text(of.URL_SCHEME)),
    "status": Field(of.status(), _STATUS),
    "body_bytes_sent": Field(of.number(of.RESPONSE_BODY_SIZE), NUMBER),
    "bytes_sent": Field(of.number(of.RESPONSE_SIZE), NUMBER),
    "request_length": Field(of.number(of.REQUEST_SIZE), NUMBER),
    "content_length": Field(of.number(of.REQUEST_BODY_SIZE), NUMBER),
    "request_time": Field(of.duration(S_NS, MS_NS), DECIMAL),
    "host": Field(of.text(semconv.SERVER_ADDRESS)),
    "server_name": Field(of.text("nginx.server_name")),
    "server_addr": Field(of.text(of.NETWORK_LOCAL_ADDRESS)),
    "server_port": Field(of.number(semconv.SERVER_PORT), NUMBER),
    "hostname": Field(of.text(semconv.HOST_NAME)),
    "pid": Field(of.number(of.PROCESS_PID), NUMBER),
    "request_id": Field(of.text("http.request.id")),
    "req_id": Field(of.text("http.request.id")),
    "connection": Field(of.number("nginx.connection"), NUMBER),
    "connection_requests": Field(of.number("nginx.connection_requests"), NUMBER),
    "request_filename": Field(of.text(of.FILE_PATH)),
    "ssl_protocol": Field(of.tls),
    "ssl_cipher": Field(of.text(of.TLS_CIPHER)),
    "pipe": Field(of.ignore, "[p.]"),
}
#: Beginning of a variable -> what the rest of its name makes it.
_FAMILIES: dict[str, Callable[[str], Role]] = {
    "http_": headers.header,
    "sent_http_": headers.response_header,
    "upstream_http_": lambda name: of.text(f"nginx.upstream_header.{name.replace('_', '-')}"),
    "cookie_": lambda name: headers.named(name, f"nginx.cookie.{name}"),
    "arg_": lambda name: headers.named(name, f"nginx.arg.{name}"),
}
_SECONDS = frozenset({"upstream_response_time", "upstream_connect_time", "upstream_header_time"})

_DIRECTIVE = re.compile(
    r"(?:log_format\s++(?P<name>[^\s'\"]++)\s++)?+(?:escape=(?P<escape>default|json|none)\s++)?+"
)
_ARGUMENT = re.compile(r"""'((?:[^'\\]++|\\.)*+)'|"((?:[^"\\]++|\\.)*+)"|([^\s'";]++)""", re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)
_TEXTS = {"n": "\n", "t": "\t", "r": "\r"}
_ELEMENT = re.compile(r"\$(?:\{(\w++)\}|(\w++))|\$|[^$]++")


_DECODERS: dict[str, Callable[[str], str]] = {
    "default": unescape,
    "json": lambda said: _unescaped_json(said),
    "none": str,
}


@lru_cache(maxsize=256)
def compile_layout(text: str) -> Layout:
    """Return the layout of a format, of the whole directive, or of a name of NAMED. Raises BadLayout."""
    escape, format = _format(text.strip())
    if "$" not in format:
        if format not in NAMED:
            raise BadLayout(f"'{format[:40]}' holds no variable and is none of {', '.join(NAMED)}")
        format = NAMED[format]
    return compile_fields(
        list(_tokens(format)), _DECODERS[escape], escapes=escape != "none", is_sparse=escape != "default"
    )


def compile_nginx(text: str) -> LineFormat:
    """Return the format of a `log_format`. Raises BadLayout."""
    return of_layouts(DATASET, compile_layout(text))


def _format(text: str) -> tuple[str, str]:
    """(escape, format) of a directive, of its arguments in quotes, or of a format alone."""
    directive = _DIRECTIVE.match(text)
    name, escape = (directive["name"], directive["escape"]) if directive else (None, None)
    rest = text[directive.end() :] if directive else text
    if not name and not (rest.startswith("'") and rest.rstrip("; ").endswith("'")):
        return escape or "default", rest
    arguments = list(_ARGUMENT.finditer(rest))
    if _ARGUMENT.sub("", rest).strip("; \t\r\n"):
        raise BadLayout("a quote of the log_format is never closed")
    # nginx joins the arguments of a format without anything between them.
    return escape or "default", "".join(
        argument[3] or _QUOTED.sub(_argument, argument[1] or argument[2] or "") for argument in arguments
    )


def _argument(match: re.Match[str]) -> str:
    return _TEXTS.get(match[1], match[1])


def _tokens(format: str) -> Iterator[Token]:
    for match in _ELEMENT.finditer(format):
        name = match[1] or match[2]
        if name:
            yield _field(name)
        elif match[0] == "$":
            raise BadLayout(f"the $ of '{format[match.start() :][:12]}' starts no variable")
        else:
            yield match[0]


def _field(name: str) -> Field:
    if name in VARIABLES:
        return VARIABLES[name]
    if name in _TIMES:
        return _TIMES[name]
    if name.startswith("upstream_") and not name.startswith("upstream_http_"):
        return Field(_listed(name), _LIST, is_long=True)
    for start, make in _FAMILIES.items():
        if name.startswith(start) and name != start:
            return Field(make(name.removeprefix(start)))
    return Field(headers.named(name, f"nginx.{name}"))


def _listed(name: str) -> Role:
    """What the servers behind said, one after another: a list where there were several of them."""
    is_time = name in _SECONDS
    attribute = f"nginx.{name}_ms" if is_time else f"nginx.{name}"

    def role(access: Access, said: str) -> None:
        values: list[Any] = [value for value in _LISTED.split(said) if value not in ("", "-")]
        if is_time:
            values = [value for value in map(_milliseconds, values) if value is not None]
        if values:
            access.attributes[attribute] = values[0] if len(values) == 1 else values

    return role


def _milliseconds(said: str) -> float | None:
    value = of.nanoseconds(said, S_NS)
    return None if value is None else value / MS_NS


def _msec(access: Access, said: str) -> None:
    nano = of.nanoseconds(said, S_NS)
    if nano is None or times.in_range(nano) is None:
        access.is_broken = True
    else:
        access.ended.take(nano, MS_NS)


def _iso(access: Access, said: str) -> None:
    nano = iso(said, Clock(UTC, 0))
    if nano is None:
        access.is_broken = True
    else:
        access.ended.take(nano, S_NS)


_TIMES = {
    "time_local": strftime.clf("end"),
    "time_iso8601": Field(_iso, r"[0-9T:+-]{20,25}+", "end"),
    "msec": Field(_msec, r"\d{1,12}+\.\d{3}", "end"),
}


def _unescaped_json(said: str) -> str:
    try:
        decoded: str = msgspec.json.decode(f'"{said}"'.encode(), type=str)
    except (ValueError, UnicodeError):
        return said
    return decoded


_EXAMPLE = "\n".join(
    (
        '203.0.113.9 - frank [21/Nov/2026:03:30:10 +0000] "GET /claims?policy=7 HTTP/1.1" 200 612 '
        '"https://claims.example.com/" "Mozilla/5.0 (X11; Linux x86_64)" 0.042',
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "POST /claims HTTP/1.1" 502 157 0.005 1795231810.127 '
        '"CLM-1" "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"',
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /claims HTTP/1.1" 200 612 "-" "curl/7.88.1" 345 '
        "0.011 [claims-web-80] [] 10.0.0.5:8080, 10.0.0.6:8080 0, 612 0.004, 0.007 502, 200 "
        "8f1c5b0e11114222833344445556666a",
    )
)
#: Those that are told apart without being told.
NGINX = of_layouts(DATASET, *(compile_layout(name) for name in NAMED), example=_EXAMPLE)
