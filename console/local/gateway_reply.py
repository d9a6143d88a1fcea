"""What API Gateway makes of a function's reply in payload format 2.0. Pure functions."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from console.local.invocation import InvokeResult

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_JSON = (("Content-Type", "application/json"),)
_DEFAULT_TYPE = ("Content-Type", "text/plain; charset=utf-8")
# Set by the server itself
_OWN_HEADERS = frozenset({"content-length", "connection", "transfer-encoding", "keep-alive"})

_MESSAGES = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.GATEWAY_TIMEOUT: "Endpoint request timed out",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def error_reply(status: HTTPStatus) -> Reply:
    """Return API Gateway's own answer: {"message": ...}."""
    text = _MESSAGES.get(status, status.phrase)
    return Reply(status, _JSON, json.dumps({"message": text}, separators=(",", ":")).encode())


INTERNAL_ERROR = error_reply(HTTPStatus.INTERNAL_SERVER_ERROR)


def reply_of(result: InvokeResult) -> Reply:
    """Return what the client gets for a function's result.

    A JSON object with statusCode is an answer; any other JSON is the body of a 200; a failed function and
    an answer with a part of the wrong type are a 500.
    """
    if result.status != "success":
        return INTERNAL_ERROR
    try:
        value = json.loads(result.payload)
    except ValueError:
        return INTERNAL_ERROR
    if not isinstance(value, dict) or "statusCode" not in value:
        return Reply(HTTPStatus.OK, _JSON, result.payload)
    try:
        return _formatted(value)
    except (ValueError, TypeError):
        return INTERNAL_ERROR


def _formatted(value: Mapping[str, Any]) -> Reply:
    headers = [*_headers(value.get("headers") or {}), *_cookies(value.get("cookies") or [])]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_DEFAULT_TYPE)
    return Reply(_status(value["statusCode"]), tuple(headers), _body(value))


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not 200 <= int(value) <= 599:
        raise ValueError("statusCode")
    return int(value)


def _headers(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        raise TypeError("headers")
    pairs = [(name, _header_value(content)) for name, content in value.items()]
    if not all(_TOKEN.fullmatch(name) for name, _ in pairs):
        raise ValueError("headers")
    return [(name, content) for name, content in pairs if name.lower() not in _OWN_HEADERS]


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError("headers")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("headers")  # a reply must not smuggle headers of its own
    text.encode("latin-1")
    return text


def _cookies(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not all(isinstance(cookie, str) for cookie in value):
        raise TypeError("cookies")
    return [("Set-Cookie", _header_value(cookie)) for cookie in value]


def _body(value: Mapping[str, Any]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError("body")
    if not value.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError("body") from error
