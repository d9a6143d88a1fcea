"""A request at the front door, and the event of payload format 2.0 made of it. Pure but for the clock.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import secrets
import string
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

_ID_ALPHABET = string.ascii_lowercase + string.digits
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request. path and query as received; header names in lower case, duplicates kept."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    protocol: str

    def header(self, name: str) -> str:
        """Return the header's values joined by commas, "" when there are none."""
        return ",".join(value for key, value in self.headers if key == name)


def new_gateway_id(length: int) -> str:
    """Return a random ID of lower-case letters and digits."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(length))


def request_event(
    request: GatewayRequest,
    *,
    route_key: str,
    parameters: Mapping[str, str],
    api_id: str,
    account: str,
    domain_name: str,
) -> dict[str, Any]:
    """Return the event of payload format 2.0; keys without content are absent, as API Gateway has it."""
    cookies = [cookie for cookie in request.header("cookie").split("; ") if cookie]
    query = _joined(parse_qsl(request.query, keep_blank_values=True))
    body, encoded = _body(request)
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": _joined(pair for pair in request.headers if pair[0] != "cookie"),
        **({"queryStringParameters": query} if query else {}),
        "requestContext": _context(request, route_key, api_id, account, domain_name),
        **({"pathParameters": dict(parameters)} if parameters else {}),
        **({"body": body} if request.body else {}),
        "isBase64Encoded": encoded,
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _context(
    request: GatewayRequest, route_key: str, api_id: str, account: str, domain_name: str
) -> dict[str, Any]:
    now_s = time.time()
    return {
        "accountId": account,
        "apiId": api_id,
        "domainName": domain_name,
        "domainPrefix": api_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": new_gateway_id(15) + "=",
        "routeKey": route_key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now_s)),
        "timeEpoch": int(now_s * 1000),
    }


def _body(request: GatewayRequest) -> tuple[str, bool]:
    if _is_text(request.header("content-type")):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass  # a wrong content type: carried as bytes
    return base64.b64encode(request.body).decode(), bool(request.body)


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind.startswith(_TEXT_TYPES) or kind.endswith(("+json", "+xml"))
