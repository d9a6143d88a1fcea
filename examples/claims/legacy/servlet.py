"""The web interface: routes, JSON in and out, and what becomes of failures."""

import json
import logging
import re
from decimal import Decimal
from http import HTTPStatus

import claims
import log4j
import policies
import statements
from database import PoolExhaustedError
from refused import RefusedError

BODY_LIMIT = 1_000_000
DRAIN_LIMIT = 16_000_000

log = logging.getLogger("com.example.claims.ClaimsServlet")

_NUMBER = f"({claims.NUMBER.pattern})"
GET = {
    re.compile(f"/policies/{_NUMBER}"): policies.show,
    re.compile(f"/policies/{_NUMBER}/statement"): statements.show,
    re.compile(f"/claims/{_NUMBER}"): claims.show,
}
POST = {"/claims": claims.submit, "/registrations": claims.register}


class ClaimsServlet:
    """The WSGI application. Each request holds one connection of the pool from begin to end."""

    def __init__(self, pool):
        self.pool = pool

    def __call__(self, environ, start_response):
        log4j.set_correlation_id(environ.get("HTTP_X_CORRELATION_ID", ""))
        status, answer = self._answer(environ)
        body = json.dumps(answer).encode()
        environ["claims.request"].log_request(status, len(body))
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, environ):
        try:
            endpoint, argument = _route(environ)
            with self.pool.connection() as db:
                return endpoint(db, argument)
        except RefusedError as refused:
            log.warning("%s %s: %s", environ["REQUEST_METHOD"], environ["PATH_INFO"][:200], refused)
            return refused.status, {"message": str(refused)}
        except ConnectionError:
            raise  # the client has gone away
        except PoolExhaustedError as error:
            log.error("%s", error, exc_info=True)
            return 503, {"message": "too busy, try again later"}
        except Exception as error:
            log.error("%s", error, exc_info=True)
            return 500, {"message": "internal error"}


def _route(environ):
    """Return the endpoint and what it is called with: the number in the path, or the body."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if method == "POST" and path in POST:
        return POST[path], _body(environ)
    for pattern, endpoint in GET.items():
        if method == "GET" and (match := pattern.fullmatch(path)):
            return endpoint, match[1]
    raise RefusedError(404, "no such page")


def _body(environ):
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        raise RefusedError(411, "Content-Length is missing")
    if not re.fullmatch("[0-9]{1,18}", length):
        raise RefusedError(400, "Content-Length is not a number")
    try:
        if int(length) > BODY_LIMIT:
            _drain(stream, int(length))
            raise RefusedError(413, f"the body has more than {BODY_LIMIT} bytes")
        raw = stream.read(int(length))
    except TimeoutError:
        raise RefusedError(408, "the body did not come") from None
    try:
        return json.loads(raw.decode(), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError):
        raise RefusedError(400, "the body is not JSON") from None


def _drain(stream, length):
    """Read what the client still sends, within reason: it would not read our answer before."""
    left = min(length, DRAIN_LIMIT)
    while left > 0 and (chunk := stream.read(min(left, 65536))):
        left -= len(chunk)


def _no_number(name):
    raise ValueError(f"{name} is no number of JSON")
