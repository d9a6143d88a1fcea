"""An HTTP server that plays API Gateway's HTTP API: routes to functions and to the legacy system.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
Not played: authorizers, CORS, request mapping, throttling, stages other than $default.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from console.local.function import FunctionClosedError, LocalFunction, PayloadTooLargeError
from console.local.gateway_event import GatewayRequest, new_gateway_id, request_event
from console.local.gateway_reply import INTERNAL_ERROR, Reply, error_reply, reply_of
from console.local.gateway_routes import Match, RouteTable
from console.local.http_edge import BadBodyError, EdgeServer, JsonHandler
from console.local.invocation import new_trace_header, new_trace_root, trace_fields
from console.local.legacy_proxy import forward
from console.local.weighted import Weighted

Endpoint = LocalFunction | str
Target = Endpoint | Weighted[Endpoint]

_MAX_BODY_BYTES = 10 * 1024 * 1024
_READ_TIMEOUT_S = 20.0  # for a client that announces more than it sends
_WORKERS = 32


class FrontDoor:
    """A running HTTP API on loopback. Close it, or use it as a context manager.

    routes: "METHOD /path/{param}", "ANY /path/{proxy+}" or "$default" -> a LocalFunction (payload format
    2.0) or the URL of an http_proxy integration, in which {param} is filled in; a URL without a path gets
    the request's path; or two of these, Weighted. integration_timeout_s: API Gateway's 30 s.
    Raises ValueError for a route that cannot be read.
    """

    def __init__(
        self,
        routes: Mapping[str, Target],
        *,
        port: int = 0,
        integration_timeout_s: float = 30.0,
        account: str = "123456789012",
        region: str = "eu-west-1",
    ) -> None:
        self.api_id = new_gateway_id(10)
        self.account = account
        self.domain_name = f"{self.api_id}.execute-api.{region}.amazonaws.com"
        self._routes = RouteTable(routes)
        self._limit_s = integration_timeout_s
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="integration")
        self._server = EdgeServer(type("Handler", (_Handler,), {"door": self}), port)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.address.rpartition(":")[2])

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://{self._server.address}"

    def answer(self, request: GatewayRequest) -> Reply:
        """Route one request and return what its client gets; never raises for what the client sent."""
        match = self._routes.match(request.method, request.path)
        if match is None:
            return error_reply(HTTPStatus.NOT_FOUND)
        target = match.target.pick() if isinstance(match.target, Weighted) else match.target
        if isinstance(target, str):
            url = replace(match, target=target).url(request)
            return forward(request, url, timeout_s=self._limit_s)
        return self._call(target, match, request)

    def close(self) -> None:
        """Stop serving; waits for functions that still run."""
        self._server.close()
        self._workers.shutdown(wait=True)

    def __enter__(self) -> FrontDoor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, function: LocalFunction, match: Match[Target], request: GatewayRequest) -> Reply:
        event = request_event(
            request,
            route_key=match.route_key,
            parameters=match.parameters,
            api_id=self.api_id,
            account=self.account,
            domain_name=self.domain_name,
        )
        header = _function_trace(request.header("x-amzn-trace-id"))
        call = self._workers.submit(function.invoke, event, trace_header=header)
        try:
            return reply_of(call.result(timeout=self._limit_s))
        except FutureTimeout:
            return error_reply(HTTPStatus.SERVICE_UNAVAILABLE)
        except PayloadTooLargeError:
            return error_reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except FunctionClosedError:
            return INTERNAL_ERROR


def _function_trace(header: str) -> str:
    """The header the function gets: the request's trace, with a Parent and a decision."""
    fields = trace_fields(header)
    if "Parent" in fields and "Sampled" in fields:
        return header
    return new_trace_header(time.time(), fields["Root"], fields.get("Sampled", "0"))


def _url_safe(target: str) -> str:
    """Percent-encode bytes a URL may not contain; http.server read them as Latin-1."""
    return quote(target.encode("latin-1"), safe="%/?:@!$&'()*+,;=-._~[]")


class _Handler(JsonHandler):
    door: FrontDoor
    timeout = _READ_TIMEOUT_S

    def handle_any(self) -> None:
        try:
            body = self.read_body(_MAX_BODY_BYTES)
        except BadBodyError as bad:
            return self._send(error_reply(bad.status))
        except TimeoutError:
            self.close_connection = True
            return self._send(error_reply(HTTPStatus.REQUEST_TIMEOUT))
        return self._send(self.door.answer(self._request(body)))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

    def _request(self, body: bytes) -> GatewayRequest:
        path, _, query = _url_safe(self.path).partition("?")
        port = self.door.port
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        sent = {name for name, _ in headers}
        if "x-amzn-trace-id" not in sent or "Root" not in trace_fields(self.headers["x-amzn-trace-id"]):
            headers = [pair for pair in headers if pair[0] != "x-amzn-trace-id"]
            headers.append(("x-amzn-trace-id", f"Root={new_trace_root(time.time())}"))
        headers.append(("x-forwarded-for", self.client_address[0]))
        headers += [
            (name, value)
            for name, value in (("x-forwarded-port", str(port)), ("x-forwarded-proto", "http"))
            if name not in sent
        ]
        return GatewayRequest(
            self.command, path, query, tuple(headers), body, self.client_address[0], self.request_version
        )

    def _send(self, reply: Reply) -> None:
        headers = [*reply.headers, ("Apigw-Requestid", new_gateway_id(16))]
        self.respond(reply.status, reply.body, headers, bodiless=self.command == "HEAD")
