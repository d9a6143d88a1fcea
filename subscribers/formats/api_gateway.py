"""The format `api_gateway`: access logs of API Gateway, as its console offers them: CLF, JSON, XML and CSV.

    203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /claims/{id} HTTP/1.1" 200 57 6f1c5b0e-... Hq1KJHE...
    {"requestId":"6f1c5b0e-...","ip":"203.0.113.9","requestTime":"21/Nov/2026:03:30:10 +0000", ...}

The time is when the request came in. CLF and CSV tell no duration; in JSON and XML `responseLatency` does.
These are read by the names of the variables (`$context.identity.sourceIp` is `sourceIp` or `ip`); what has
another name stays as `api_gateway.<name>`. CLF names the route, not the path. CSV has the columns of REST,
HTTP and WebSocket APIs, told apart by their number.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from observe import semconv
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import strftime
from subscribers.formats.access import MS_NS, Access, Role
from subscribers.formats.field_layout import NUMBER, Field, Token, compile_fields
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import times

_AWS_EXTENDED_REQUEST_ID = "aws.extended_request_id"
_XML = re.compile(r'<request id="([^"]*+)">((?:\s*+<\w++>[^<]*+</\w++>)*+)\s*+</request>\s*+')
_XML_ELEMENT = re.compile(r"<(\w++)>([^<]*+)</\1>")
_REST = "ip caller user requestTime httpMethod resourcePath protocol status responseLength requestId"
#: How many columns there are -> their names.
_CSV = {
    len(names.split()): names.split()
    for names in (
        "ip requestTime httpMethod routeKey protocol status responseLength requestId",
        "ip caller user requestTime eventType routeKey connectionId status requestId",
        _REST,
        f"{_REST} extendedRequestId",
    )
}


def _route(access: Access, said: str) -> None:
    """`GET /claims/{id}` of an HTTP API, `/claims/{id}` of a REST API."""
    said = of.present(said)
    method, blank, path = said.partition(" ")
    if blank and method.isascii() and (method.isalpha() and method.isupper()):
        access.method = access.method or ("" if method == "ANY" else method)
        said = path
    if said:
        access.attributes[semconv.HTTP_ROUTE] = said


def _began(access: Access, said: str) -> None:
    nano = times.apache(said)
    if nano is None:
        access.is_broken = True
    else:
        access.began.take(nano, of.S_NS)


def _began_ms(access: Access, said: str) -> None:
    value = of.count(said)
    if value is None or times.in_range(value * MS_NS) is None:
        access.is_broken = True
    else:
        access.began.take(value * MS_NS, MS_NS)


#: Variable, by the last part of its name or as the console calls it -> what it is.
VARIABLES: dict[str, Role] = {
    "requestId": of.text(semconv.AWS_REQUEST_ID),
    "extendedRequestId": of.text(_AWS_EXTENDED_REQUEST_ID),
    "ip": of.client,
    "sourceIp": of.client,
    "caller": of.text("api_gateway.caller"),
    "user": of.user,
    "userAgent": of.text(of.USER_AGENT),
    "requestTime": _began,
    "requestTimeEpoch": _began_ms,
    "httpMethod": of.method,
    "path": of.path,
    "resourcePath": _route,
    "routeKey": _route,
    "protocol": of.protocol,
    "status": of.status(),
    "responseLength": of.number(of.RESPONSE_BODY_SIZE),
    "responseLatency": of.duration(MS_NS),
    "integrationLatency": of.milliseconds("api_gateway.integration_latency_ms", MS_NS),
    "domainName": of.text(semconv.SERVER_ADDRESS),
    "xrayTraceId": lambda access, said: headers.xray(access, f"Root={said}" if said[:2] == "1-" else said),
    "traceparent": headers.header("traceparent"),
    "referer": headers.header("referer"),
}


def _tokens() -> list[Token]:
    ident, user = Field(of.text("api_gateway.caller")), Field(of.user)
    return [
        *(Field(of.client), " ", ident, " ", user, " [", strftime.clf("begin"), '] "'),
        *(Field(of.method), " ", Field(_route), " ", Field(of.protocol, r"(?:HTTP/\d(?:\.\d)?+|-)"), '" '),
        *(Field(of.status(), r"(?:\d{3}|-)"), " ", Field(of.number(of.RESPONSE_BODY_SIZE), NUMBER), " "),
        Field(of.text(semconv.AWS_REQUEST_ID), r"[0-9A-Za-z_=+/-]{8,64}+"),
    ]


_EXTENDED: list[Token] = [" ", Field(of.text(_AWS_EXTENDED_REQUEST_ID), r"[0-9A-Za-z_=+/-]{1,64}+")]
#: API Gateway does not escape what it writes.
_CLF = tuple(compile_fields(tokens, str, escapes=False) for tokens in ([*_tokens(), *_EXTENDED], _tokens()))


def _read(line: str, clock: Clock) -> Told | None:
    if line.startswith("{"):
        return _read_document(_json(line), clock)
    if line.startswith("<"):
        return _read_document(_xml(line), clock)
    # The pattern of AWS's documentation lacks a blank that the console's has.
    spaced = line.replace(']"', '] "', 1)
    told = next((told for layout in _CLF if (told := layout.read(spaced, clock)) is not None), None)
    if told is None:
        return _read_document(_csv(line), clock)
    if told.exchange is not None:
        told.exchange.path = told.attributes.get(semconv.HTTP_ROUTE, "")
    return told


def _json(line: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None


def _xml(line: str) -> dict[str, str] | None:
    match = _XML.fullmatch(line)
    return {"requestId": match[1], **dict(_XML_ELEMENT.findall(match[2]))} if match else None


def _csv(line: str) -> dict[str, str] | None:
    cells = line.rstrip().split(",", len(_REST))
    document = dict(zip(_CSV.get(len(cells), ()), cells, strict=False))
    is_one = times.apache(document.get("requestTime", "")) is not None and document["status"].isdecimal()
    return document if is_one else None


def _read_document(document: Any, clock: Clock) -> Told | None:
    """What names and values tell, whichever syntax they had."""
    if not isinstance(document, dict) or not _is_ours(document):
        return None
    access = Access()
    for name, value in document.items():
        _take(access, name, value)
    when = document.get("requestTimeEpoch", document.get("requestTime", ""))
    told = access.told(clock, str(when))
    if told is not None and told.exchange is not None and not told.exchange.path:
        told.exchange.path = told.attributes.get(semconv.HTTP_ROUTE, "")
    return told


def _is_ours(document: dict[str, Any]) -> bool:
    """Whether it names the request and its time as API Gateway does, and what was asked for."""
    timed = "requestTime" in document or "requestTimeEpoch" in document
    return timed and "requestId" in document and ("httpMethod" in document or "routeKey" in document)


def _take(access: Access, name: str, value: Any) -> None:
    role = VARIABLES.get(name)
    if role is not None and isinstance(value, str | int | float) and not isinstance(value, bool):
        role(access, str(value))
    elif isinstance(value, str):
        headers.named(name, f"api_gateway.{name}")(access, value)
    elif value is not None:
        access.attributes[f"api_gateway.{name}"] = value


def _reader() -> Reader:
    return _read


API_GATEWAY = LineFormat(
    dataset="aws.apigateway_logs",
    reader=_reader,
    example="\n".join(
        (
            '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /claims/{id} HTTP/1.1" 200 57 '
            "6f1c5b0e-1111-4222-8333-444455556666 Hq1KJHEbjoEFkcA=",
            '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "POST POST /claims HTTP/1.1" 201 57 '
            "JKJaXmPLvHcESHA=",
            '<request id="6f1c5b0e-1111-4222-8333-444455556666"> <ip>203.0.113.9</ip> <caller>-</caller> '
            "<user>-</user> <requestTime>21/Nov/2026:03:30:10 +0000</requestTime> "
            "<httpMethod>GET</httpMethod> <resourcePath>/claims/{id}</resourcePath> <status>200</status> "
            "<protocol>HTTP/1.1</protocol> <responseLength>57</responseLength> </request>",
            "203.0.113.9,21/Nov/2026:03:30:10 +0000,GET,GET /claims/{id},HTTP/1.1,200,57,JKJaXmPLvHcESHA=",
            '{"requestId":"6f1c5b0e-1111-4222-8333-444455556666","ip":"203.0.113.9","caller":"-","user":"-",'
            '"requestTime":"21/Nov/2026:03:30:10 +0000","requestTimeEpoch":1795231810123,"httpMethod":"GET",'
            '"resourcePath":"/claims/{id}","path":"/prod/claims/7","status":"200","protocol":"HTTP/1.1",'
            '"responseLength":"57","responseLatency":"42","xrayTraceId":"1-58337281-1d84f3d73c47ec4e58577259"}',
        )
    ),
)
