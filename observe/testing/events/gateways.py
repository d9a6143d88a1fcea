"""Events of API Gateway's HTTP and REST APIs and of function URLs.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html

In all of them `headers` and `query` take a text or a list of texts under each name, and `body` text as it is,
bytes, which come in base64, or a dictionary or list, which comes as JSON. `route` is `/claims/{id}`.
"""

from __future__ import annotations

from observe.testing.events.parts import (
    ACCOUNT,
    REGION,
    REQUEST_ID,
    SOURCE_IP,
    TIME,
    at,
    checked,
    clf,
    epoch_ms,
    plain,
)
from observe.testing.events.request import Request, last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event
    from observe.testing.events.request import Headers, Query

API = "a1b2c3d4e5"
API_HOST = f"{API}.execute-api.{REGION}.amazonaws.com"
URL = "u1r2l3i4d5"
URL_HOST = f"{URL}.lambda-url.{REGION}.on.aws"
STAGE = "prod"


@checked
def http_api(
    method: str = "GET",
    path: str = "/",
    *,
    route: str | None = None,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    authorizer: Mapping[str, Any] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    request_id: str = REQUEST_ID,
    time: datetime = TIME,
) -> Event:
    """A request to an HTTP API, payload 2.0. Without a route it comes by `$default`.

    authorizer: {"jwt": {"claims": ..., "scopes": ...}}, {"lambda": ...} or {"iam": ...}. A `cookie` header
    comes as `cookies`.
    """
    request = Request(
        "http_api", method, path, host=API_HOST, headers=headers, query=query, body=body, context=context
    )
    event = payload_2(request, f"{method} {route}" if route else "$default", request_id, time)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = plain(authorizer, "http_api")
    parameters = request.parameters(route) if route else {}
    return {
        **event,
        **({"pathParameters": parameters} if parameters else {}),
        **({"stageVariables": dict(stage_variables)} if stage_variables else {}),
        **({"body": request.body} if request.body is not None else {}),
        "isBase64Encoded": request.binary,
    }


def payload_2(request: Request, route_key: str, request_id: str, time: datetime) -> Event:
    """What HTTP APIs and function URLs show of a request, apart from the body; an authorizer sees no more."""
    time = at(time, request.builder)
    headers = request.joined()
    cookies = [cookie.strip() for cookie in headers.pop("cookie", "").split(";") if cookie.strip()]
    context = {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": headers["host"],
        "domainPrefix": headers["host"].partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": request.user_agent,
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": clf(time),
        "timeEpoch": epoch_ms(time),
    }
    query = {name: ",".join(values) for name, values in request.query.items()}
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query_string(),
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": query} if query else {}),
        "requestContext": context,
    }


@checked
def function_url(
    method: str = "GET",
    path: str = "/",
    *,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    authorizer: Mapping[str, Any] | None = None,
    request_id: str = REQUEST_ID,
    time: datetime = TIME,
) -> Event:
    """A request to a function URL. authorizer: {"iam": ...} where its AuthType is AWS_IAM."""
    request = Request(
        "function_url", method, path, host=URL_HOST, headers=headers, query=query, body=body, context=context
    )
    event = payload_2(request, "$default", request_id, time)
    event["requestContext"]["apiId"] = URL
    if authorizer is None:
        event["requestContext"]["accountId"] = "anonymous"
    else:
        event["requestContext"]["authorizer"] = plain(authorizer, "function_url")
    if request.body is not None:
        event["body"] = request.body
    return {**event, "isBase64Encoded": request.binary}


@checked
def rest_api(
    method: str = "GET",
    path: str = "/",
    *,
    route: str | None = None,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    authorizer: Mapping[str, Any] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    request_id: str = REQUEST_ID,
    time: datetime = TIME,
) -> Event:
    """A request to a REST API with proxy integration. authorizer: what the authorizer returned as context."""
    request = Request(
        "rest_api",
        method,
        path,
        host=API_HOST,
        headers=headers,
        query=query,
        body=body,
        context=context,
        canonical=True,
    )
    event = payload_1(request, route, stage_variables, request_id, time)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = plain(authorizer, "rest_api")
    return {**event, "body": request.body, "isBase64Encoded": request.binary}


def payload_1(
    request: Request,
    route: str | None,
    stage_variables: Mapping[str, str] | None,
    request_id: str,
    time: datetime,
) -> Event:
    """What a REST API shows of a request, apart from the body; what is not there is null."""
    parameters = request.parameters(route) if route else {}
    return {
        "resource": route or request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": last(request.headers),
        "multiValueHeaders": request.headers,
        "queryStringParameters": last(request.query) or None,
        "multiValueQueryStringParameters": request.query or None,
        "pathParameters": parameters or None,
        "stageVariables": dict(stage_variables) if stage_variables else None,
        "requestContext": {
            "resourceId": "r1s2c3",
            "resourcePath": route or request.path,
            "httpMethod": request.method,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "path": f"/{STAGE}{request.path}",
            "protocol": "HTTP/1.1",
            **_called(request, request_id, at(time, request.builder)),
            "identity": _identity(request),
        },
    }


def _called(request: Request, request_id: str, time: datetime) -> dict[str, Any]:
    host = request.joined()["host"]
    return {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "requestId": request_id,
        "requestTime": clf(time),
        "requestTimeEpoch": epoch_ms(time),
        "stage": STAGE,
    }


def _identity(request: Request) -> dict[str, Any]:
    unknown = (
        *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType"),
        *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
    )
    return {**dict.fromkeys(unknown), "sourceIp": SOURCE_IP, "userAgent": request.user_agent}


@checked
def rest_api_mapped(
    method: str = "GET",
    path: str = "/",
    *,
    route: str | None = None,
    headers: Headers | None = None,
    query: Query | None = None,
    body: Body | None = None,
    context: Context | None = None,
    stage_variables: Mapping[str, str] | None = None,
    request_id: str = REQUEST_ID,
) -> Event:
    """A request to a REST API with its own integration and the template "method request passthrough".

    body: a dictionary or list; without one it is {}.
    """
    if body is not None and not isinstance(body, dict | list):
        raise TypeError(f"rest_api_mapped: the template takes a body that is JSON, and {body!r} is none")
    request = Request(
        "rest_api_mapped",
        method,
        path,
        host=API_HOST,
        headers=headers,
        query=query,
        body=body,
        context=context,
        canonical=True,
    )
    unknown = (
        *("api-key", "authorizer-principal-id", "caller", "cognito-authentication-provider"),
        *("cognito-authentication-type", "cognito-identity-id", "cognito-identity-pool-id"),
        *("user", "user-arn"),
    )
    return {
        "body-json": {} if body is None else plain(body, "rest_api_mapped"),
        "params": {
            "path": request.parameters(route) if route else {},
            "querystring": last(request.query),
            "header": last(request.headers),
        },
        "stage-variables": dict(stage_variables or {}),
        "context": {
            **dict.fromkeys(unknown, ""),
            "account-id": ACCOUNT,
            "api-id": API,
            "http-method": method,
            "stage": STAGE,
            "source-ip": SOURCE_IP,
            "user-agent": request.user_agent,
            "request-id": request_id,
            "resource-id": "r1s2c3",
            "resource-path": route or path,
        },
    }
