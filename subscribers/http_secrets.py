"""Where secrets go into a request, at the last moment: headers, user and password, address, body, signature.

    UnfitSecretError    a secret that cannot be where it is to be: no address, or nothing to put it into

What is said of it never has the secret.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from subscribers.sinks.channel import Basic, HttpRequest, Response, Secret, SecretReference, Signature

Get = Callable[[SecretReference], str]
#: A part of an address that is shorter is no secret, and too common to be looked for.
_PART_MIN = 8


class UnfitSecretError(ValueError):
    """A secret that does not fit; it is not told."""


class Filled(msgspec.Struct, frozen=True):
    """A request as it is sent. used: every text in it that nobody may be told."""

    url: str
    body: bytes
    headers: dict[str, str]
    used: frozenset[str]


def filled(request: HttpRequest, get: Get, now_s: float) -> Filled:
    """Return a request with its secrets.

    get: resolves a reference, or raises; now_s: seconds since the epoch, for the signature. Raises what `get`
    raises, and UnfitSecretError.
    """
    used: set[str] = set()

    def secret(reference: SecretReference) -> str:
        value = get(reference)
        used.add(value)
        return value

    def whole(value: Secret) -> str:
        return f"{value.prefix}{secret(value.reference)}{value.suffix}"

    headers = {
        name: whole(value) if isinstance(value, Secret) else value for name, value in request.headers.items()
    }
    headers.setdefault("User-Agent", "hybrid-observe")
    if isinstance(request.auth, Basic):
        username = request.auth.username
        user = secret(username) if _is_reference(username) else username
        headers["Authorization"] = _basic(user, secret(request.auth.password))
        used.add(headers["Authorization"].partition(" ")[2])
    url = request.url
    if request.secret_url is not None:
        url = _address(whole(request.secret_url))
        used.update(_told_by(url))
    body = _with_members(request.body, {name: whole(value) for name, value in request.secret_members.items()})
    if request.signature is not None:
        headers.update(_signed(request.signature, secret(request.signature.key), body, now_s))
    return Filled(url, body, headers, frozenset(used))


def references(request: HttpRequest) -> list[SecretReference]:
    """Return the references to every secret of a request."""
    found = [value.reference for value in request.headers.values() if isinstance(value, Secret)]
    found += [value.reference for value in request.secret_members.values()]
    if isinstance(request.auth, Basic):
        found.append(request.auth.password)
        if _is_reference(request.auth.username):
            found.append(request.auth.username)
    if request.secret_url is not None:
        found.append(request.secret_url.reference)
    if request.signature is not None:
        found.append(request.signature.key)
    return found


def without(used: frozenset[str], response: Response) -> Response:
    """A refusal that repeats what it refused: it is kept beside the items, and must not hold a secret."""
    if response.fault or 200 <= response.status < 300:
        return response
    body = response.body
    for secret in sorted(used, key=len, reverse=True):  # a whole address before its path
        if secret:
            body = body.replace(secret.encode(), b"[secret]")
    return msgspec.structs.replace(response, body=body)


def _address(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnfitSecretError("the secret is no http(s) address")
    return text.strip()


def _told_by(url: str) -> set[str]:
    """What would tell a secret address: all of it, and its path with the query."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return {url, *(part for part in (path, parts.path, parts.query) if len(part) >= _PART_MIN)}


def _with_members(body: bytes, members: dict[str, str]) -> bytes:
    if not members:
        return body
    if not (body.startswith(b"{") and body.endswith(b"}")):
        raise UnfitSecretError("the body is no JSON object that could hold a secret")
    try:
        told = msgspec.json.encode(members)
    except UnicodeEncodeError:
        raise UnfitSecretError("the secret is no text that JSON can hold") from None
    rest = body[1:].lstrip()
    return told[:-1] + (rest if rest == b"}" else b"," + rest)


def _signed(signature: Signature, key: str, body: bytes, now_s: float) -> dict[str, str]:
    at = str(int(now_s))
    digest = hmac.new(key.encode("utf-8", "replace"), at.encode() + b"." + body, "sha256").hexdigest()
    return {signature.time_header: at, signature.header: f"sha256={digest}"}


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _is_reference(username: str) -> bool:
    return username.startswith(("ssm:/", "arn:aws"))
