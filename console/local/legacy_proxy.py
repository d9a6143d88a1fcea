"""The http_proxy integration: one request passed on to the legacy system, its answer passed back."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from urllib.parse import urlsplit

from console.local.gateway_event import GatewayRequest
from console.local.gateway_reply import Reply, error_reply

# RFC 9110, section 7.6.1, and what http.client or our own server writes itself.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "host",
    }
)
_MAX_ANSWER_BYTES = 10 * 1024 * 1024


def forward(request: GatewayRequest, url: str, *, timeout_s: float) -> Reply:
    """Send the request to `url` and return its answer.

    503 when nothing listens there, 504 when it does not answer in time, 502 when what it says is not HTTP
    or too large, 400 for a request that cannot be sent.
    """
    parts = urlsplit(url)
    connection_class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connection_class(parts.netloc, timeout=timeout_s)
    try:
        _send(connection, request, parts.path or "/", parts.query)
        return _answer(connection.getresponse())
    except TimeoutError:
        return error_reply(HTTPStatus.GATEWAY_TIMEOUT)
    except (ConnectionResetError, BrokenPipeError, http.client.HTTPException):
        return error_reply(HTTPStatus.BAD_GATEWAY)  # somebody is there, but hangs up or talks nonsense
    except OSError:
        return error_reply(HTTPStatus.SERVICE_UNAVAILABLE)
    except ValueError:
        return error_reply(HTTPStatus.BAD_REQUEST)  # a header http.client refuses to send
    finally:
        connection.close()


def _send(connection: http.client.HTTPConnection, request: GatewayRequest, path: str, query: str) -> None:
    target = f"{path}?{query}" if query else path
    connection.putrequest(request.method, target, skip_accept_encoding=True)
    for name, value in _passed_on(list(request.headers)):
        connection.putheader(name, value)
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body or None)


def _answer(response: http.client.HTTPResponse) -> Reply:
    body = response.read(_MAX_ANSWER_BYTES + 1)
    if len(body) > _MAX_ANSWER_BYTES:
        return error_reply(HTTPStatus.BAD_GATEWAY)
    return Reply(response.status, tuple(_passed_on(response.getheaders())), body)


def _passed_on(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    named = [value for name, value in headers if name.lower() == "connection"]
    dropped = _HOP_BY_HOP | {token.strip().lower() for value in named for token in value.split(",")}
    # Folded values are joined: RFC 9112, section 5.2
    return [(name, " ".join(value.splitlines())) for name, value in headers if name.lower() not in dropped]
