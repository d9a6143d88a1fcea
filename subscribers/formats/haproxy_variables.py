"""The variables and samples of HAProxy's `log-format`, and what each of them says about a request.

https://docs.haproxy.org/2.6/configuration.html#8.2.6
https://docs.haproxy.org/2.6/configuration.html#7.3
"""

from __future__ import annotations

import re

from observe import semconv, w3c
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import haproxy, strftime
from subscribers.formats.access import MS_NS, S_NS, Access, Role
from subscribers.formats.field_layout import Field
from subscribers.formats.haproxy import decoded
from subscribers.parsers import times

_STATUS = r"(?:-1|\d{3}|-)"
_DATE = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,9}+)?+"
#: Of two spans of one request the shorter, its own, counts: the other is told to be less exact.
_OF_CONNECTION_NS = MS_NS + 1
#: Beside the timers: that the begin is the request's own.
_OWN = "tr"


def _asked(role: Role) -> Role:
    """What the client asked for: encoded, and `<BADREQ>` for what was no request."""
    return lambda access, said: None if said.startswith("<") else role(access, decoded(said))


def _name(attribute: str) -> Role:
    """A frontend's, backend's or server's name, without the mark of TLS."""

    def role(access: Access, said: str) -> None:
        said = said.rstrip("~")
        if said and said not in ("-", "<NOSRV>"):
            access.attributes[attribute] = said

    return role


def _timer(variable: str, name: str) -> Role:
    keep = of.milliseconds(f"haproxy.time_{name}_ms", MS_NS)

    def role(access: Access, said: str) -> None:
        keep(access, said)
        _keep_timer(access, variable, said)

    return role


def _keep_timer(access: Access, variable: str, said: str) -> None:
    value = of.nanoseconds(said, MS_NS)
    if value is not None or said.startswith("-1"):
        access.timers_ns[variable] = -1 if value is None else value


def _total(variable: str, exact_to_ns: int) -> Role:
    take = of.duration(MS_NS, exact_to_ns)

    def role(access: Access, said: str) -> None:
        take(access, said)
        _keep_timer(access, variable, said)
        if access.duration_ns is not None:
            access.attributes["haproxy.time_total_ms"] = access.duration_ns / MS_NS

    return role


def _began(is_own: bool) -> Role:
    """The wall clock of a time without a zone; the request's own counts more than the connection's."""

    def role(access: Access, said: str) -> None:
        parts = haproxy.date_parts(said)
        access.began.parts = parts if is_own else access.began.parts or parts
        if is_own:
            access.timers_ns[_OWN] = 0

    return role


def _began_itself(field: Field) -> Field:
    """The field of a time that is when the request itself began."""

    def role(access: Access, said: str) -> None:
        field.role(access, said)
        access.timers_ns[_OWN] = 0

    return field._replace(role=role)


def settle(access: Access) -> None:
    """Bring the begin and the duration together: of the request, or else of its connection.

    `%tr` and `%Ta` are the request's own, `%t` and `%Tt` begin with the connection, `%Th` and `%Ti` before.
    A begin of the one with a duration of the other is none where no timer tells what is between them.
    https://docs.haproxy.org/2.6/configuration.html#8.4
    """
    timers, before = access.timers_ns, _before(access.timers_ns)
    is_own, is_told = _OWN in timers, access.began.is_told
    is_active = timers.get("Ta", -1) >= 0
    if before is not None:
        if is_told and not is_own:
            access.began.later_ns = before
        if access.duration_ns is not None and not is_active:
            access.duration_ns = max(access.duration_ns - before, 0)
    elif is_told and is_own != is_active:
        access.duration_ns = None


def _before(timers: dict[str, int]) -> int | None:
    """How long the connection was before the request's first byte; None where no timers tell."""
    told = {name for name, value in timers.items() if value >= 0}
    if {"Ta", "Tt"} <= told:
        return max(timers["Tt"] - timers["Ta"], 0)
    if {"Tq", "TR"} <= told:
        return max(timers["Tq"] - timers["TR"], 0)
    if timers.get("Ti", 0) < 0:  # HAProxy counts the handshake in only with a time of waiting
        return 0
    return timers["Th"] + timers["Ti"] if {"Th", "Ti"} <= told else None


def _seconds(access: Access, said: str) -> None:
    nano = times.in_range(int(said) * S_NS) if said.isdecimal() else None
    if nano is None:
        access.is_broken = True
    else:
        access.began.take(nano, S_NS)


def _captured(attribute: str) -> Role:
    def role(access: Access, said: str) -> None:
        values = said.strip('" {}')
        if values:
            haproxy.take_captured(access, attribute, values.split("|"))

    return role


def _captured_list(attribute: str) -> Role:
    def role(access: Access, said: str) -> None:
        values = re.findall(r'"([^"]*)"', said) if '"' in said else [said]
        if any(value.strip(" -") for value in values):
            haproxy.take_captured(access, attribute, values)

    return role


def sample_role(expression: str) -> Role:
    """Return what a sample fetch is, by its name and its argument."""
    fetch = re.match(r"([\w.-]++)(?:\(([^()]*+)\))?+", expression)
    name, argument = (fetch[1], (fetch[2] or "").split(",")[0].strip(" \"'")) if fetch else ("", "")
    if name in ("req.hdr", "req.fhdr", "hdr", "fhdr", "http_req.hdr") and argument:
        return headers.header(argument)
    if name in ("res.hdr", "res.fhdr", "shdr") and argument:
        return headers.response_header(argument)
    if name in ("var", "req.cook", "cook", "url_param", "urlp"):
        return headers.named(argument.rpartition(".")[2], f"haproxy.{name}.{argument}")
    if name in _SAMPLES:
        return _SAMPLES[name]
    return _found("haproxy." + re.sub(r"\W+", "_", expression).strip("_"))


def _found(attribute: str) -> Role:
    """A value that may be a traceparent, as of a captured header."""
    keep = of.text(attribute)

    def role(access: Access, said: str) -> None:
        if w3c.parse_traceparent(said)[0]:
            access.traceparent = access.traceparent or said
        else:
            keep(access, said)

    return role


#: Variables that are text, which `+Q` puts in quotes.
TEXTS: dict[str, Role] = {
    "ci": of.client,
    "fi": of.text(of.NETWORK_LOCAL_ADDRESS),
    "bi": of.text("haproxy.backend_source_address"),
    "si": of.text("haproxy.server_address"),
    "f": _name("haproxy.frontend"),
    "ft": _name("haproxy.frontend"),
    "b": _name("haproxy.backend"),
    "s": _name("haproxy.server"),
    "H": of.text(semconv.HOST_NAME),
    "ID": of.text("http.request.id"),
    "CC": of.text("haproxy.captured_request_cookie"),
    "CS": of.text("haproxy.captured_response_cookie"),
    "sslv": of.tls,
    "sslc": of.text(of.TLS_CIPHER),
    "r": _asked(of.request_line),
    "HM": _asked(of.method),
    "HU": _asked(of.target),
    "HP": _asked(of.target),
    "HPO": _asked(of.path),
    "HQ": _asked(of.query),
    "HV": _asked(of.protocol),
}
#: What `+X` writes in hexadecimal digits.
HEXADECIMAL = frozenset({"ci", "fi", "bi", "si", "cp", "fp", "bp", "sp", "pid", "lc", "rt", "Ts", "ms"})
NUMBERS: dict[str, Role] = {
    "cp": of.number(of.CLIENT_PORT),
    "fp": of.number(of.NETWORK_LOCAL_PORT),
    "bp": of.number("haproxy.backend_source_port"),
    "sp": of.number("haproxy.server_port"),
    "pid": of.number(of.PROCESS_PID),
    "B": of.number(of.RESPONSE_SIZE),
    "U": of.number(of.REQUEST_SIZE),
    "ac": of.number("haproxy.connections_active"),
    "fc": of.number("haproxy.connections_frontend"),
    "bc": of.number("haproxy.connections_backend"),
    "sc": of.number("haproxy.connections_server"),
    "rc": of.number("haproxy.retries"),
    "sq": of.number("haproxy.server_queue"),
    "bq": of.number("haproxy.backend_queue"),
    "lc": of.number("haproxy.log_counter"),
    "rt": of.number("haproxy.request_counter"),
    "TR": _timer("TR", "request"),
    "Tq": _timer("Tq", "to_request"),
    "Th": _timer("Th", "handshake"),
    "Ti": _timer("Ti", "idle"),
    "Tw": _timer("Tw", "queue"),
    "Tc": _timer("Tc", "connect"),
    "Tr": _timer("Tr", "response"),
    "Td": _timer("Td", "data"),
    "Tu": _timer("Tu", "user"),
    "Ta": _total("Ta", MS_NS),
    "Tt": _total("Tt", _OF_CONNECTION_NS),
    "Ts": _seconds,
}
CAPTURED = {
    "hr": _captured("haproxy.captured_request_headers"),
    "hs": _captured("haproxy.captured_response_headers"),
}
LISTED = {
    "hrl": _captured_list("haproxy.captured_request_headers"),
    "hsl": _captured_list("haproxy.captured_response_headers"),
}
#: Dates and states, which no flag changes.
FIELDS = {
    "tr": Field(_began(True), _DATE, "begin"),
    "t": Field(_began(False), _DATE, "begin"),
    "trg": _began_itself(strftime.clf("begin")),
    "trl": _began_itself(strftime.clf("begin")),
    "T": strftime.clf("begin"),
    "Tl": strftime.clf("begin"),
    "ms": strftime.SPECIAL["msec_frac"]("begin"),
    "ST": Field(of.status(), _STATUS),
    "ts": Field(of.text("haproxy.termination_state"), r"\S{2}"),
    "tsc": Field(of.text("haproxy.termination_state"), r"\S{4}"),
}
_SAMPLES: dict[str, Role] = {
    "src": of.client,
    "src_port": of.number(of.CLIENT_PORT),
    "dst": of.text(of.NETWORK_LOCAL_ADDRESS),
    "dst_port": of.number(of.NETWORK_LOCAL_PORT),
    "method": of.method,
    "path": of.path,
    "query": of.query,
    "url": of.target,
    "status": of.status(),
    "unique-id": of.text("http.request.id"),
    "fe_name": _name("haproxy.frontend"),
    "be_name": _name("haproxy.backend"),
    "srv_name": _name("haproxy.server"),
    "hostname": of.text(semconv.HOST_NAME),
    "ssl_fc_protocol": of.tls,
    "ssl_fc_cipher": of.text(of.TLS_CIPHER),
    "ssl_fc_sni": of.text(semconv.SERVER_ADDRESS),
}
