"""The format `alb`: access logs of AWS's load balancers, Application, Classic and Network (TLS), and the
connection logs of the Application Load Balancer.

    https 2026-11-21T03:30:10.186641Z app/claims/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 0.086 0.048 ...

The Application Load Balancer stamps the end (`time`) and, since 2018, the start (`request_creation_time`);
the Classic one the start; the Network one the end of a connection, which is no exchange; connection logs when
a connection was opened, or refused. Of the times that a
part of it took, -1 says that the request never came so far. Fields that AWS adds at the end of a line later
are left out. X-Amzn-Trace-Id, as it went on to the target, tells the trace.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from itertools import islice

from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import moments
from subscribers.formats.access import MS_NS, S_NS, US_NS, Access, Role
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_WORD = re.compile(r'"((?:[^"\\]++|\\.)*+)"|(\S++)', re.DOTALL)
#: A line of AWS's has some thirty fields.
_WORDS_MAX = 60
_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9}+)?+Z?+")


def _began(access: Access, said: str) -> None:
    nano = _nano(said)
    if nano is not None:
        access.began.take(nano, US_NS)


def _ended(access: Access, said: str) -> None:
    nano = _nano(said)
    if nano is None:
        access.is_broken = True
    else:
        access.ended.take(nano, US_NS)


def _nano(said: str) -> int | None:
    """The time, which is UTC though the Network Load Balancer does not say so."""
    return moments.iso(said, Clock(UTC, 0)) if _STAMP.fullmatch(said) else None


def _client(access: Access, said: str) -> None:
    host, _, port = said.rpartition(":")
    of.client(access, host.strip("[]") or said)
    of.number(of.CLIENT_PORT)(access, port if host else "")


def _validity(access: Access, said: str) -> None:
    """`NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z` of the client's certificate."""
    for name, attribute in (("NotBefore", "not_before"), ("NotAfter", "not_after")):
        found = said.partition(f"{name}=")[2].partition(";")[0]
        of.text(f"tls.client.{attribute}")(access, found)


#: The fields in AWS's order.
_HTTP: tuple[tuple[str, Role], ...] = (
    ("elb", of.text("alb.name")),
    ("client:port", _client),
    ("target:port", of.text("alb.target")),
    ("request_processing_time", of.milliseconds("alb.request_processing_time_ms", S_NS)),
    ("target_processing_time", of.milliseconds("alb.target_processing_time_ms", S_NS)),
    ("response_processing_time", of.milliseconds("alb.response_processing_time_ms", S_NS)),
    ("elb_status_code", of.status()),
    ("target_status_code", of.number("alb.target_status_code")),
    ("received_bytes", of.number(of.REQUEST_SIZE)),
    ("sent_bytes", of.number(of.RESPONSE_SIZE)),
    ("request", of.request_line),
    ("user_agent", of.text(of.USER_AGENT)),
    ("ssl_cipher", of.text(of.TLS_CIPHER)),
    ("ssl_protocol", of.tls),
)
_APPLICATION: tuple[tuple[str, Role], ...] = (
    ("type", of.text("alb.type")),
    ("time", _ended),
    *_HTTP,
    ("target_group_arn", of.text("alb.target_group_arn")),
    ("trace_id", headers.xray),
    ("domain_name", of.text("alb.domain_name")),
    ("chosen_cert_arn", of.ignore),
    ("matched_rule_priority", of.text("alb.matched_rule_priority")),
    ("request_creation_time", _began),
    ("actions_executed", of.text("alb.actions_executed")),
    ("redirect_url", of.text("alb.redirect_url")),
    ("error_reason", of.text("alb.error_reason")),
    ("target:port_list", of.ignore),
    ("target_status_code_list", of.ignore),
    ("classification", of.text("alb.classification")),
    ("classification_reason", of.text("alb.classification_reason")),
    ("conn_trace_id", of.text("alb.conn_trace_id")),
)
_CLASSIC = (("time", _began), *_HTTP)
_NETWORK: tuple[tuple[str, Role], ...] = (
    ("type", of.text("alb.type")),
    ("version", of.ignore),
    ("time", _ended),
    ("elb", of.text("alb.name")),
    ("listener", of.text("alb.listener")),
    ("client:port", _client),
    ("destination:port", of.text("alb.target")),
    ("connection_time", of.milliseconds("alb.connection_time_ms", MS_NS)),
    ("tls_handshake_time", of.milliseconds("alb.tls_handshake_time_ms", MS_NS)),
    ("received_bytes", of.number("alb.received_bytes")),
    ("sent_bytes", of.number("alb.sent_bytes")),
    ("incoming_tls_alert", of.text("alb.incoming_tls_alert")),
    ("chosen_cert_arn", of.ignore),
    ("chosen_cert_serial", of.ignore),
    ("tls_cipher", of.text(of.TLS_CIPHER)),
    ("tls_protocol_version", of.tls),
    ("tls_named_group", of.ignore),
    ("domain_name", of.text("alb.domain_name")),
)
_CONNECTION: tuple[tuple[str, Role], ...] = (
    ("timestamp", _began),
    ("client_ip", of.client),
    ("client_port", of.number(of.CLIENT_PORT)),
    ("listener_port", of.number(of.NETWORK_LOCAL_PORT)),
    ("tls_protocol", of.tls),
    ("tls_cipher", of.text(of.TLS_CIPHER)),
    ("tls_handshake_latency", of.milliseconds("alb.tls_handshake_latency_ms", S_NS)),
    ("leaf_client_cert_subject", of.text("tls.client.subject")),
    ("leaf_client_cert_validity", _validity),
    ("leaf_client_cert_serial_number", of.text("tls.client.x509.serial_number")),
    ("tls_verify_status", of.text("alb.tls_verify_status")),
    ("conn_trace_id", of.text("alb.conn_trace_id")),
)
#: Fields that every line has had from the first.
_APPLICATION_LEAST, _CLASSIC_LEAST, _NETWORK_LEAST, _CONNECTION_LEAST = 16, 12, 18, 11


def _read(line: str, clock: Clock) -> Told | None:
    values = _values(line)
    if not values:
        return None
    if values[0] in _TYPES and len(values) >= _APPLICATION_LEAST:
        return _application(values, clock)
    if values[0] == "tls" and len(values) >= _NETWORK_LEAST:
        return _network(values, clock)
    if len(values) >= _CONNECTION_LEAST and values[2].isdecimal() and values[3].isdecimal():
        return _connection(values, clock) if _STAMP.fullmatch(values[0]) else None
    if (
        _STAMP.fullmatch(values[0])
        and len(values) >= _CLASSIC_LEAST
        and values[2].rpartition(":")[2].isdecimal()
    ):
        return _classic(values, clock)
    return None


def _values(line: str) -> list[str]:
    """The words of a line, those in quotes whole; none of a line with more than AWS ever writes."""
    if "\\" not in line:
        values = []
        for i, part in enumerate(line.split('"', 2 * _WORDS_MAX)):
            values += [part] if i % 2 else part.split()
    else:
        words = islice(_WORD.finditer(line), _WORDS_MAX + 1)
        values = [word[2] if word[1] is None else word[1] for word in words]
    return values if len(values) <= _WORDS_MAX else []


def _filled(fields: Sequence[tuple[str, Role]], values: list[str]) -> Access:
    access = Access()
    for (_, role), said in zip(fields, values, strict=False):
        role(access, said)
    return access


def _application(values: list[str], clock: Clock) -> Told | None:
    access = _filled(_APPLICATION, values)
    began, ended = access.began.nano, access.ended.nano
    if began is not None and ended is not None and ended >= began:
        access.duration_ns = ended - began
    else:
        access.duration_ns = _sum(values[5:8])
    return access.told(clock, values[1])


def _classic(values: list[str], clock: Clock) -> Told | None:
    access = _filled(_CLASSIC, values)
    access.duration_ns = _sum(values[4:7])
    if access.began.nano is None:
        return None
    told = access.told(clock, values[0])
    if told is not None and not access.method:
        told.exchange = None  # a TCP listener's line tells no request
    return told


def _network(values: list[str], clock: Clock) -> Told | None:
    access = _filled(_NETWORK, values)
    told = access.told(clock, values[2])
    if told is not None:
        told.exchange, told.level = None, "INFO"
    return told


def _connection(values: list[str], clock: Clock) -> Told | None:
    access = _filled(_CONNECTION, values)
    told = access.told(clock, values[0]) if access.began.nano is not None else None
    if told is not None:
        failed = access.attributes.get("alb.tls_verify_status", "").startswith("Failed")
        told.exchange, told.level = None, "WARN" if failed else "INFO"
    return told


def _sum(parts: list[str]) -> int | None:
    """The whole time of its parts; None where one is -1."""
    known = [nano for nano in (of.nanoseconds(part, S_NS) for part in parts) if nano is not None]
    return sum(known) if len(known) == len(parts) else None


def _reader() -> Reader:
    return _read


ALB = LineFormat(
    dataset="aws.elb_logs",
    reader=_reader,
    example="\n".join(
        (
            "https 2026-11-21T03:30:10.186641Z app/claims/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 "
            '0.086 0.048 0.037 200 200 141 57 "GET https://claims.example.com:443/claims?policy=7 HTTP/1.1" '
            '"curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:'
            '123456789012:targetgroup/claims/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" '
            '"claims.example.com" "arn:aws:acm:eu-west-1:123456789012:certificate/1234" 1 '
            '2026-11-21T03:30:10.015000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234',
            "2026-11-21T03:30:10.945958Z claims 203.0.113.9:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 "
            '200 0 29 "GET http://claims.example.com:80/claims HTTP/1.1" "curl/7.38.0" - -',
            "tls 2.0 2026-11-21T03:30:10 net/claims/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.9:51341 "
            "10.0.0.1:443 5 2 98 246 - arn:aws:acm:eu-west-1:123456789012:certificate/1234 - "
            "ECDHE-RSA-AES128-SHA tlsv12 - claims.example.com - - - 2026-11-21T03:30:08",
            "2026-11-21T03:30:10.514108Z 203.0.113.9 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "
            '"CN=claims.example.com,O=Claims,C=FR" NotBefore=2023-09-21T22:43:21Z;'
            "NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Failed:ClientCertExpired TID_1234abcd5678ef90",
        )
    ),
)
