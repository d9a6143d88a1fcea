"""Events of load balancers, of VPC Lattice and of CloudFront.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from observe.testing.events.parts import (
    REGION,
    SOURCE_IP,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    epoch_ms,
    octets_of,
    one_of,
    plain,
)
from observe.testing.events.request import Request, last, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event
    from observe.testing.events.request import Headers, Query

DISTRIBUTION_HOST = "d111111abcdef8.cloudfront.net"
_EDGE = ("viewer-request", "origin-request", "origin-response", "viewer-response")


@checked
def alb(
    method: str = "GET",
    path: str = "/",
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    multi_value: bool = False,
    target_group: str = "claims",
) -> Event:
    """A request to an Application Load Balancer, which leaves the query encoded.

    multi_value: whether multi-value headers are on for the target group; if not, the last value counts.
    """
    request = Request(
        "alb",
        method,
        path,
        host=f"claims-1234567890.{REGION}.elb.amazonaws.com",
        headers=headers,
        query=query,
        body=body,
        context=context,
    )
    lowered, query_found = request.lowered(), quoted(request.query)
    shown: dict[str, Any] = (
        {"multiValueQueryStringParameters": query_found, "multiValueHeaders": lowered}
        if multi_value
        else {"queryStringParameters": last(query_found), "headers": last(lowered)}
    )
    group = arn("elasticloadbalancing", f"targetgroup/{target_group}/49e9d65c45c6791a")
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": method,
        "path": path,
        **shown,
        "body": request.body or "",
        "isBase64Encoded": request.binary,
    }


LATTICE_HOST = f"claims-0a40eebed65f8d69c.7d67968.vpc-lattice-svcs.{REGION}.on.aws"


@checked
def lattice_v1(
    method: str = "GET",
    path: str = "/",
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
) -> Event:
    """A request to a service of VPC Lattice, payload 1.0."""
    request = _from_lattice("lattice_v1", method, path, headers, query, body, context)
    text = request.query_string()
    return {
        "raw_path": f"{path}?{text}" if text else path,
        "method": method,
        "headers": request.joined(),
        "query_string_parameters": last(request.query),
        "body": request.body or "",
        "is_base64_encoded": request.binary,
    }


@checked
def lattice_v2(
    method: str = "GET",
    path: str = "/",
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    principal: str = "",
    time: datetime = TIME,
) -> Event:
    """A request to a service of VPC Lattice, payload 2.0. principal: the caller's ARN, where it signs."""
    request = _from_lattice("lattice_v2", method, path, headers, query, body, context)
    identity = {"sourceVpcArn": arn("ec2", "vpc/vpc-0b8276c84697e7339")}
    if principal:
        identity.update(type="AWS_IAM", principal=principal)
    return {
        "version": "2.0",
        "path": path,
        "method": method,
        "headers": request.lowered(),
        **({"queryStringParameters": request.query} if request.query else {}),
        **({"body": request.body} if request.body is not None else {}),
        "isBase64Encoded": request.binary,
        "requestContext": {
            "serviceNetworkArn": arn("vpc-lattice", "servicenetwork/sn-0bf3f2882e9cc805a"),
            "serviceArn": arn("vpc-lattice", "service/svc-0a40eebed65f8d69c"),
            "targetGroupArn": arn("vpc-lattice", "targetgroup/tg-6d0ecf831eec9f09"),
            "identity": identity,
            "region": REGION,
            "timeEpoch": f"{epoch_ms(at(time, 'lattice_v2'))}000",
        },
    }


def _from_lattice(
    builder: str,
    method: str,
    path: str,
    headers: Headers | None,
    query: Query | None,
    body: Body | None,
    context: Context | None,
) -> Request:
    return Request(
        builder, method, path, host=LATTICE_HOST, headers=headers, query=query, body=body, context=context
    )


@checked
def lambda_edge(
    method: str = "GET",
    path: str = "/",
    *,
    event_type: str = "viewer-request",
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    status: int = 200,
    request_id: str = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
) -> Event:
    """A request or a response at CloudFront. event_type: like `viewer-request`. status: of a response.

    body: comes where the function is given bodies, in base64 always. What goes to the origin names it.
    """
    one_of(event_type, _EDGE, "lambda_edge", "event_type")
    request = Request(
        "lambda_edge",
        method,
        path,
        host=DISTRIBUTION_HOST,
        headers=headers,
        query=query,
        context=context,
        canonical=True,
    )
    shown: dict[str, Any] = {
        "clientIp": SOURCE_IP,
        "headers": _keyed(request.headers),
        "method": method,
        "querystring": request.query_string(),
        "uri": path,
    }
    if body is not None:
        data = base64_of(octets_of(body, "lambda_edge"))
        shown["body"] = {"action": "read-only", "data": data, "encoding": "base64", "inputTruncated": False}
    if event_type.startswith("origin"):
        shown["origin"] = {"custom": plain(_ORIGIN, "lambda_edge")}
    edge: dict[str, Any] = {
        "config": {
            "distributionDomainName": DISTRIBUTION_HOST,
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": event_type,
            "requestId": request_id,
        },
        "request": shown,
    }
    if event_type.endswith("response"):
        told = _keyed({"Content-Type": ["text/html"]})
        edge["response"] = {"headers": told, "status": str(status), "statusDescription": _phrase(status)}
    return {"Records": [{"cf": edge}]}


_ORIGIN = {
    "customHeaders": {},
    "domainName": "example.org",
    "keepaliveTimeout": 5,
    "path": "",
    "port": 443,
    "protocol": "https",
    "readTimeout": 30,
    "sslProtocols": ["TLSv1", "TLSv1.1", "TLSv1.2"],
}


def _keyed(headers: dict[str, list[str]]) -> dict[str, list[dict[str, str]]]:
    """{lower-case name: [{"key": name as it was sent, "value"}, ...]}."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, values in headers.items():
        for value in values:
            found.setdefault(name.lower(), []).append({"key": name, "value": value})
    return found


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        raise ValueError(f"lambda_edge: {status!r} is no status of HTTP") from None
