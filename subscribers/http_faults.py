"""Why there is no response, or what AWS's SDK raised, in a word: whether a request may have been taken."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from subscribers.sinks.channel import Response


class AuthoritiesError(ssl.SSLError):
    """The file of certificate authorities cannot be read."""


def failed(error: Exception) -> Response:
    """Say why there is no response, and whether the request may have been taken."""
    import urllib3.exceptions as e

    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (e.NameResolutionError, "unresolved"),
        (e.NewConnectionError, "refused"),
        (e.ConnectTimeoutError, "connect_timeout"),
        (e.ProxyError, "proxy_failed"),
        ((e.LocationParseError, e.ProxySchemeUnknown, e.InvalidHeader), "unsendable"),
        ((e.ReadTimeoutError, TimeoutError), "read_timeout"),
        ((e.ProtocolError, e.SSLError, OSError), "reset"),
        (ValueError, "unsendable"),
    )
    fault = next((fault for kind, fault in kinds if isinstance(error, kind)), "unreachable")
    if isinstance(error, e.SSLError | ssl.SSLError) and _was_handshake(error):
        fault = "tls_failed"
    return Response(fault=fault, detail=_why(error))


def _was_handshake(error: Exception) -> bool:
    """Whether TLS was never agreed upon, so that nothing was sent: else it may have been taken."""
    from subscribers.http_pool import HandshakeError

    causes = (error, error.__cause__, error.__context__, *error.args)
    return any(isinstance(cause, HandshakeError | AuthoritiesError) for cause in causes)


def _why(error: Exception) -> str:
    """The kind of error and of its cause: their texts may name an address with a secret in it."""
    cause = error.__cause__ or error.__context__ or (error.args[-1] if error.args else None)
    inner = f": {type(cause).__name__}" if isinstance(cause, BaseException) else ""
    if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
        inner += f" {cause.reason}"
    return type(error).__name__ + inner


def refused(error: Any) -> Response:
    """Return the response that a botocore ClientError tells of."""
    told = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    return Response(
        status=int(metadata.get("HTTPStatusCode") or 400),
        headers=lowered(metadata.get("HTTPHeaders", {})),
        error_code=str(told.get("Code", "")),
        detail=str(told.get("Message", "")),
    )


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their names in lower case."""
    return {str(name).lower(): str(value) for name, value in headers.items()}


def sdk_fault(error: Exception) -> str:
    """Return what a botocore error means where AWS has not answered, as `Response.fault` has it."""
    from botocore import exceptions as e

    kinds: tuple[tuple[type[Exception], str], ...] = (
        (e.ConnectTimeoutError, "connect_timeout"),
        (e.ReadTimeoutError, "read_timeout"),
        (e.ProxyConnectionError, "proxy_failed"),
        (e.SSLError, "tls_failed" if "CERTIFICATE_VERIFY_FAILED" in str(error) else "reset"),
        (e.EndpointConnectionError, "refused"),
        (e.ConnectionClosedError, "reset"),
        (e.NoCredentialsError, "secret_unavailable"),
        (e.CredentialRetrievalError, "secret_unavailable"),
        (e.NoRegionError, "unresolved"),
    )
    return next((fault for kind, fault in kinds if isinstance(error, kind)), "unreachable")
