"""A request that a client library sends, as a span: its name, its attributes, its outcome.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
"""

from __future__ import annotations

import os
import sys

from observe import semconv, settings, wire
from observe.context import current
from observe.services.http import METHODS
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_REDACTED = "REDACTED"
#: Query parameters whose value is a secret: the specification's, those of AWS's newer signatures, and OAuth's
#: and other keys that should not be in a query at all. https://www.rfc-editor.org/rfc/rfc6750#section-2.3
_SECRET = frozenset(
    (
        *("awsaccesskeyid", "signature", "sig", "x-goog-signature"),
        *("x-amz-signature", "x-amz-credential", "x-amz-security-token"),
        *("access_token", "id_token", "refresh_token", "token", "client_secret", "client_assertion"),
        *("api_key", "api-key", "apikey", "x-api-key", "password", "passwd", "secret"),
    )
)


def attempt(method: str, url: str, host: str, port: int) -> span | None:
    """Return the client span of a request, not begun; None where no span is wanted or possible."""
    if current() is None or settings.get().mode == "propagate" or spans_are_suppressed():
        return None
    known = method.upper()
    attributes: dict[str, Any] = {semconv.HTTP_REQUEST_METHOD: known}
    if known not in METHODS:
        attributes = {semconv.HTTP_REQUEST_METHOD: "_OTHER", semconv.HTTP_REQUEST_METHOD_ORIGINAL: method}
    attributes[semconv.URL_FULL] = redacted(url)
    attributes[semconv.SERVER_ADDRESS] = host
    if port:
        attributes[semconv.SERVER_PORT] = port
    return span.of_kind(wire.KIND_CLIENT, known if known in METHODS else "HTTP", attributes)


def answered(call: span, status: object) -> None:
    """Note the status code of the reply: for a client, 4xx and 5xx are failures."""
    if not isinstance(status, int) or call.span is None:
        return
    call.attributes[semconv.HTTP_RESPONSE_STATUS_CODE] = int(status)
    if status >= 400:
        call.attributes[semconv.ERROR_TYPE] = str(int(status))
        call.span.status = wire.STATUS_ERROR


def redacted(url: str) -> str:
    """Return `url` without its fragment, with credentials and signatures replaced by REDACTED."""
    url = url.partition("#")[0]
    before, query_mark, query = url.partition("?")
    scheme, slashes, rest = before.partition("://")
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        authority = f"{_REDACTED}:{_REDACTED}@{authority.rpartition('@')[2]}"
    query = "&".join(_parameter(*pair.partition("=")) for pair in query.split("&"))
    return f"{scheme}{slashes}{authority}{slash}{path}{query_mark}{query}"


def _parameter(key: str, equals: str, value: str) -> str:
    return f"{key}{equals}{_REDACTED if equals and key.lower() in _SECRET else value}"


def spans_are_suppressed() -> bool:
    """Whether an instrumentation of the function's own already makes a span of the running request."""
    return _asked("is_http_instrumentation_enabled")


def is_left_alone() -> bool:
    """Whether the request is OpenTelemetry's own, as an exporter's is."""
    return _asked("is_instrumentation_enabled")


def _asked(name: str) -> bool:
    enabled = getattr(sys.modules.get("opentelemetry.instrumentation.utils"), name, None)
    return enabled is not None and not enabled()


def is_runtime(host: str, port: int) -> bool:
    """Whether a request is to Lambda's runtime API: an extension waits there for events, between invocations.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
    """
    return os.environ.get("AWS_LAMBDA_RUNTIME_API", "") == f"{host}:{port}"


def is_botocore(user_agent: object) -> bool:
    """Whether an AWS SDK sends the request: it is signed, and has carriers and a span of its own."""
    return "botocore" in str(user_agent).lower()
