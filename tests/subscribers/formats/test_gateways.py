# ruff: noqa: E501 - tables of lines, one a line
"""AWS's load balancers and API Gateway: real lines of their documentation, and what is left out of some."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.formats.alb import ALB
from subscribers.formats.api_gateway import API_GATEWAY
from tests.subscribers.formats.telling import MS, T0, TRACEPARENT, all_told, nano, told

#: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
HEAD = "app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80"
TAIL = (
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
    '"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" '
    '"10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90'
)
HTTP = (
    f"http 2018-07-02T22:23:00.186641Z {HEAD} 0.000 0.001 0.000 200 200 34 366 "
    f'"GET http://www.example.com:80/a?b HTTP/1.1" "curl/7.46.0" - - {TAIL}'
)


def test_an_application_load_balancers_line_is_read() -> None:
    """From when the request came in to when the answer went out; the header that went on tells the trace."""
    one = told(ALB, HTTP)
    start, end = nano("2018-07-02T22:22:48.364000"), nano("2018-07-02T22:23:00.186641")
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.duration_ns) == (start, end - start)
    assert (one.exchange.method, one.exchange.path, one.exchange.status) == ("GET", "/a", 200)
    assert (one.trace_id, one.level) == ("5833726236d228ad5d99923122bbe354", "INFO")
    assert one.attributes == {
        "alb.type": "http",
        "alb.name": "app/my-loadbalancer/50dc6c495c0c9188",
        "client.address": "192.168.131.39",
        "client.port": 2817,
        "alb.target": "10.0.0.1:80",
        "alb.request_processing_time_ms": 0.0,
        "alb.target_processing_time_ms": 1.0,
        "alb.response_processing_time_ms": 0.0,
        "alb.target_status_code": 200,
        "http.request.size": 34,
        "http.response.size": 366,
        "url.scheme": "http",
        "server.address": "www.example.com",
        "server.port": 80,
        "http.request.method": "GET",
        "url.path": "/a",
        "url.query": "b",
        "http.response.status_code": 200,
        "user_agent.original": "curl/7.46.0",
        "alb.target_group_arn": TAIL.partition(" ")[0],
        "http.request.header.x-amzn-trace-id": "Root=1-58337262-36d228ad5d99923122bbe354",
        "alb.matched_rule_priority": "0",
        "alb.actions_executed": "forward",
        "alb.conn_trace_id": "TID_1234abcd5678ef90",
    }


def test_a_quote_within_quotes_is_escaped() -> None:
    """With a backslash; the words after it stay in their places."""
    one = told(ALB, HTTP.replace('"curl/7.46.0"', r'"say \"hi there\""'))
    assert one.attributes["user_agent.original"] == r"say \"hi there\""
    assert one.attributes["alb.conn_trace_id"] == "TID_1234abcd5678ef90"


def test_an_older_line_tells_the_start_by_its_parts() -> None:
    """Before 2018 there was no creation time: the end, less the three times."""
    older = HTTP.replace("0.000 0.001 0.000", "0.100 0.200 0.050").partition(' "-" "-" 0 2018')[0]
    one = told(ALB, older)
    assert one.exchange is not None
    assert one.exchange.duration_ns == 350 * MS
    assert one.exchange.start_unix_nano == nano("2018-07-02T22:23:00.186641") - 350 * MS


def test_a_request_that_came_nowhere_is_read() -> None:
    """No target, -1 for its times, a request line that is none."""
    line = (
        f"https 2026-11-21T03:30:10.000000Z {HEAD.replace('10.0.0.1:80', '-')} -1 -1 -1 400 - 0 272 "
        '"- http://www.example.com:80- -" "-" - - - "-" "-" "-" - 2026-11-21T03:30:09.990000Z '
        '"-" "-" "-" "-" "-" "-" "-"'
    )
    one = told(ALB, line)
    assert one.exchange is not None
    assert (one.level, one.exchange.method, one.exchange.duration_ns) == ("WARN", "", 10 * MS)
    assert "alb.target" not in one.attributes
    assert "alb.request_processing_time_ms" not in one.attributes


def test_a_classic_load_balancers_line_is_read() -> None:
    """Its time is the start; a TCP listener's line tells no request."""
    rest = "my-loadbalancer 192.168.131.39:2817 10.0.0.1:80"
    http = (
        f'2015-05-13T23:39:43.945958Z {rest} 0.000073 0.001048 0.000057 200 200 0 29 "GET '
        'http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -'
    )
    tcp = f'2015-05-13T23:39:43.945958Z {rest} 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -'
    first, second = all_told(ALB, http, tcp)
    assert first is not None
    assert first.exchange is not None
    assert (first.time_unix_nano, first.exchange.duration_ns) == (
        nano("2015-05-13T23:39:43.945958"),
        1_178_000,
    )
    assert second is not None
    assert (second.exchange, second.attributes["http.response.size"]) == (None, 305)


def test_a_network_load_balancers_line_is_a_connection() -> None:
    """No exchange: a log with the end, which is UTC without saying so."""
    line = (
        "tls 2.0 2018-12-20T02:59:40 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd "
        "72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - "
        "arn:aws:acm:us-east-2:671290407336:certificate/2a10 "
        "- ECDHE-RSA-AES128-SHA tlsv12 - "
        "my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com "
        "- - - 2018-12-20T02:59:30"
    )
    one = told(ALB, line)
    assert (one.time_unix_nano, one.exchange, one.level) == (nano("2018-12-20T02:59:40"), None, "INFO")
    assert one.attributes["tls.protocol.version"] == "1.2"
    assert one.attributes["alb.connection_time_ms"] == 5.0


CONNECTION = (
    "2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "
    '"CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US" '
    "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_3180a73013c8ca4b"
)


def test_a_connection_log_is_read() -> None:
    """A connection is no exchange; a certificate that was refused is a warning."""
    one = told(ALB, CONNECTION)
    assert (one.time_unix_nano, one.exchange, one.level) == (nano("2023-10-04T17:05:15.514108"), None, "INFO")
    assert one.attributes == {
        "client.address": "203.0.113.1",
        "client.port": 36280,
        "network.local.port": 443,
        "tls.protocol.name": "tls",
        "tls.protocol.version": "1.2",
        "tls.cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "alb.tls_handshake_latency_ms": 4036.0,
        "tls.client.subject": "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US",
        "tls.client.not_before": "2023-09-21T22:43:21Z",
        "tls.client.not_after": "2026-06-17T22:43:21Z",
        "tls.client.x509.serial_number": "FEF257372D5C14D4",
        "alb.tls_verify_status": "Success",
        "alb.conn_trace_id": "TID_3180a73013c8ca4b",
    }
    refused = told(ALB, CONNECTION.replace("Success", "Failed:ClientCertUntrusted"))
    assert refused.level == "WARN"
    plain = told(ALB, '2023-10-04T17:05:15.514108Z 203.0.113.1 36280 80 - - - "-" - - - TID_1')
    assert plain.attributes == {
        "client.address": "203.0.113.1",
        "client.port": 36280,
        "network.local.port": 80,
        "alb.conn_trace_id": "TID_1",
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "http",
        HTTP.replace("http 2018-07-02T", "http 2018-07-32T"),
        HTTP.replace("http 2018", "ftp 2018"),
        "2015-05-13T23:39:43.945958Z INFO main a b c d e f g h i j k",
        "http " * 100,
    ],
)
def test_other_lines_are_no_load_balancers(line: str) -> None:
    """Of another kind, without a time, or with too many words."""
    assert all_told(ALB, line) == [None]


#: What the console's CLF writes for REST APIs and HTTP APIs, and what it tells of the route.
CLF = [
    (
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /claims/{id} HTTP/1.1" 200 57 6f1c5b0e-1111',
        "/claims/{id}",
    ),
    (
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET GET /claims HTTP/1.1" 200 57 JKJaXmPLvHcESHA=',
        "/claims",
    ),
    (
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET $default HTTP/1.1" 200 57 JKJaXmPLvHcESHA= Hq1=',
        "$default",
    ),
    (
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET ANY /x/{proxy+} HTTP/1.1" 200 57 JKJaXmPL= Hq1=',
        "/x/{proxy+}",
    ),
]


@pytest.mark.parametrize(("line", "route"), CLF)
def test_api_gateways_clf_is_read(line: str, route: str) -> None:
    """The time is when the request came in; no duration, so no span without an identity."""
    one = told(API_GATEWAY, line)
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.duration_ns) == (T0, None)
    assert (one.exchange.method, one.exchange.path, one.attributes["http.route"]) == ("GET", route, route)
    assert one.attributes["aws.request_id"] == line.partition(" 57 ")[2].partition(" ")[0]
    assert one.attributes.get("aws.extended_request_id") == ("Hq1=" if line.endswith("Hq1=") else None)


def test_api_gateways_json_is_read() -> None:
    """By the names of its variables; latencies in milliseconds; what has another name is kept."""
    line = (
        '{"requestId":"r-1","ip":"203.0.113.9","caller":"-","user":"-",'
        '"requestTime":"21/Nov/2026:03:30:10 +0000","requestTimeEpoch":1795231810123,"httpMethod":"POST",'
        '"resourcePath":"/claims/{id}","path":"/prod/claims/7","status":502,"protocol":"HTTP/1.1",'
        '"responseLength":"57","responseLatency":"42","integrationLatency":"40","stage":"prod",'
        '"xrayTraceId":"1-58337281-1d84f3d73c47ec4e58577259","integrationError":"timeout","n":null,'
        '"authorizer":{"sub":"x"}}'
    )
    one = told(API_GATEWAY, line)
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.duration_ns, one.level) == (T0 + 123 * MS, 42 * MS, "ERROR")
    assert (one.exchange.path, one.trace_id) == ("/prod/claims/7", "583372811d84f3d73c47ec4e58577259")
    expected: dict[str, Any] = {
        "aws.request_id": "r-1",
        "http.route": "/claims/{id}",
        "api_gateway.integration_latency_ms": 40.0,
        "api_gateway.stage": "prod",
        "api_gateway.integrationError": "timeout",
        "api_gateway.authorizer": {"sub": "x"},
        "http.response.body.size": 57,
    }
    assert {name: one.attributes.get(name) for name in expected} == expected


REQUEST = {
    "aws.request_id": "r-1",
    "client.address": "203.0.113.9",
    "http.request.method": "GET",
    "http.response.body.size": 57,
    "http.response.status_code": 404,
    "http.route": "/claims/{id}",
    "network.protocol.name": "http",
    "network.protocol.version": "1.1",
}
WHEN = "21/Nov/2026:03:30:10 +0000"
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html, and of HTTP APIs
ONE_REQUEST = [
    (f"203.0.113.9,-,frank,{WHEN},GET,/claims/{{id}},HTTP/1.1,404,57,r-1,Hq1=", {"user.name": "frank", "aws.extended_request_id": "Hq1="}),
    (f"203.0.113.9,-,-,{WHEN},GET,/claims/{{id}},HTTP/1.1,404,57,r-1", {}),
    (f"203.0.113.9,{WHEN},GET,GET /claims/{{id}},HTTP/1.1,404,57,r-1", {}),
    (f'<request id="r-1"> <extendedRequestId>Hq1=</extendedRequestId> <ip>203.0.113.9</ip> <caller>-</caller> <user>frank</user> <requestTime>{WHEN}</requestTime> <httpMethod>GET</httpMethod> <resourcePath>/claims/{{id}}</resourcePath> <status>404</status> <protocol>HTTP/1.1</protocol> <responseLength>57</responseLength> </request>', {"user.name": "frank", "aws.extended_request_id": "Hq1="}),
    (f'<request id="r-1"><ip>203.0.113.9</ip><requestTime>{WHEN}</requestTime><httpMethod>GET</httpMethod><routeKey>GET /claims/{{id}}</routeKey><status>404</status><protocol>HTTP/1.1</protocol><responseLength>57</responseLength><stage>prod</stage></request>', {"api_gateway.stage": "prod"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "more"), ONE_REQUEST)
def test_csv_and_xml_tell_the_same(line: str, more: dict[str, Any]) -> None:
    """Columns are told apart by their number, elements by the names of the variables."""
    one = told(API_GATEWAY, line)
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.path, one.level) == (T0, "/claims/{id}", "WARN")
    assert one.attributes == REQUEST | more


def test_a_websockets_events_are_read() -> None:
    """They have a route and no method."""
    line = f"203.0.113.9,-,-,{WHEN},CONNECT,$connect,HJ9=,200,r-1"
    one = told(API_GATEWAY, line)
    assert (one.time_unix_nano, one.attributes["http.route"]) == (T0, "$connect")
    assert one.attributes["api_gateway.eventType"] == "CONNECT"
    assert one.attributes["api_gateway.connectionId"] == "HJ9="


def test_the_documentations_clf_lacks_a_blank() -> None:
    """Who copied it gets lines like that."""
    line = f'203.0.113.9 - - [{WHEN}]"GET /claims/{{id}} HTTP/1.1" 404 57 6f1c5b0e-1111 Hq1='
    assert told(API_GATEWAY, line).attributes["http.route"] == "/claims/{id}"


@pytest.mark.parametrize(
    "line",
    [
        f"203.0.113.9,x,{WHEN},GET,GET /claims,HTTP/1.1,404,57,r-1",
        "203.0.113.9,yesterday,GET,GET /claims,HTTP/1.1,404,57,r-1",
        f"203.0.113.9,{WHEN},GET,GET /claims,HTTP/1.1,late,57,r-1",
        '<request id="r-1"><ip>203.0.113.9</ip></request>',
        f'<request id="r-1"> {WHEN} </request>',
        "a,b,c,d,e,f,g,h",
    ],
)
def test_other_cells_and_elements_are_none(line: str) -> None:
    """Without a time and a status there is no request."""
    assert all_told(API_GATEWAY, line) == [None]


def test_api_gateways_json_may_carry_the_identity() -> None:
    """Under any usual name of a header that the team logs."""
    line = (
        '{"requestId":"r-1","requestTimeEpoch":"1795231810123","routeKey":"GET '
        '/a","x-correlation-id":"CLM-1",'
        f'"traceparent":"{TRACEPARENT}"}}'
    )
    one = told(API_GATEWAY, line)
    assert one.exchange is not None
    assert (one.correlation_id, one.exchange.traceparent) == ("CLM-1", TRACEPARENT)
    assert (one.exchange.method, one.exchange.path) == ("GET", "/a")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"requestId":"r-1","message":"hi"}',
        '{"requestId":"r-1","requestTime":"yesterday","httpMethod":"GET"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 57 "-" "curl/8"',
    ],
)
def test_other_lines_are_none_of_api_gateways(line: str) -> None:
    """Other JSON, broken JSON, and Apache's combined."""
    assert all_told(API_GATEWAY, line) == [None]
