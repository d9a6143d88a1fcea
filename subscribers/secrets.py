"""Secrets of Secrets Manager and of SSM's parameter store, asked for once and known to nobody else.

    SecretError             a secret cannot be had; `reason` says why:
        not_found           there is no such secret or parameter, or it is marked for deletion
        access_denied       the role may not read it, or may not use its key
        throttled           AWS takes no more questions at the moment
        unreachable         AWS cannot be asked: network, Region, credentials
        binary              it holds bytes, not text
        not_json            a key of it is asked for, and it is no JSON object
        no_such_key         the JSON object has no such key, or no text under it
        empty               there is nothing in it
        bad_characters      a line break or another control character, which would end a header

A value is in no message, no log line and no `repr`, nor in a local variable of a frame that raises: whoever
renders tracebacks with locals sees `<secret>`. botocore's own debug line with the response is suppressed.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

import msgspec

from subscribers.clients import client
from subscribers.sinks.channel import SecretReference

Reason = Literal[
    "not_found",
    "access_denied",
    "throttled",
    "unreachable",
    "binary",
    "not_json",
    "no_such_key",
    "empty",
    "bad_characters",
]

#: A rotation that nobody is refused for is noticed after so long.
TTL_S = 900.0
#: What was asked for less than this ago is not asked for again, however many requests were refused.
REFRESH_MIN_S = 5.0
#: GetParameters takes so many names.
_NAMES_MAX = 10
_CODES: dict[str, Reason] = {
    "ResourceNotFoundException": "not_found",
    "InvalidRequestException": "not_found",  # marked for deletion
    "ParameterNotFound": "not_found",
    "AccessDeniedException": "access_denied",
    "AccessDenied": "access_denied",
    "DecryptionFailure": "access_denied",
    "InvalidKeyId": "access_denied",
    "UnrecognizedClientException": "access_denied",
    "ExpiredTokenException": "access_denied",
    "InvalidClientTokenId": "access_denied",
    "ThrottlingException": "throttled",
    "TooManyUpdates": "throttled",
}
_SSM = "ssm:"
_ARN = "arn:"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_is_asking: ContextVar[bool] = ContextVar("is_asking", default=False)


class SecretError(Exception):
    """A secret cannot be had."""

    def __init__(self, reason: Reason, said: str) -> None:
        super().__init__(f"{reason}: {said}")
        self.reason: Reason = reason


class _Value:
    """A secret's text, where nothing prints it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<secret>"


class _Fault(NamedTuple):
    """Why there is no value; raised by whoever has none in its frame."""

    reason: Reason
    said: str


class _Name(NamedTuple):
    """What AWS is asked for. region: "" for the function's own."""

    service: Literal["ssm", "secretsmanager"]
    id: str
    region: str = ""


class _Known(NamedTuple):
    answer: _Value | _Fault
    asked_s: float
    until_s: float
    #: Whether a destination has refused it.
    is_refused: bool = False


#: Returns a boto3 client of a service in a Region, "" for that of the environment.
Client = Callable[[str, str], Any]


def _client(service: str, region: str) -> Any:
    return client(service, region, attempts=3, read_timeout_s=5.0)


class Secrets:
    """Resolves references, as observe.yaml has them. Thread safe; nothing is called before the first `get`.

    notes: `secret_stale`, how often a value was used beyond its time because AWS did not answer.
    """

    def __init__(
        self, make: Client = _client, clock: Callable[[], float] = time.monotonic, ttl_s: float = TTL_S
    ) -> None:
        """make: makes clients of boto3; clock: seconds; ttl_s: how long a value is believed."""
        self.notes: Counter[str] = Counter()
        self._make, self._clock, self._ttl_s = make, clock, ttl_s
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._known: dict[_Name, _Known] = {}

    def get(self, reference: SecretReference) -> str:
        """Return the current secret: of AWSCURRENT, where Secrets Manager has several. Raises SecretError."""
        name = _name_of(reference)
        with self._lock:
            found = self._answer(name)
        if isinstance(found, _Value) and isinstance(reference, dict):
            found = _member(found, reference["key"])
        if isinstance(found, _Value):
            found = _checked(found)
        if isinstance(found, _Fault):
            raise SecretError(found.reason, f"{shown(reference)}: {found.said}")
        return found.text

    def load(self, references: Iterable[SecretReference]) -> None:
        """Ask for several at once, parameters of SSM ten a call; what fails is told by `get`."""
        with self._lock:
            names = dict.fromkeys(_name_of(reference) for reference in references)
            now_s = self._clock()
            self._ask([name for name in names if not self._is_fresh(name, now_s)])

    def refresh(self, reference: SecretReference) -> None:
        """Ask for a secret anew at the next `get`: it was refused. Never raises.

        Where it was asked for less than REFRESH_MIN_S ago it is the newest, and stays.
        """
        name = _name_of(reference)
        with self._lock:
            known = self._known.get(name)
            if known is not None and self._clock() - known.asked_s >= REFRESH_MIN_S:
                self._known[name] = known._replace(is_refused=True)

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)} known)"

    def _answer(self, name: _Name) -> _Value | _Fault:
        if not self._is_fresh(name, self._clock()):
            self._ask([name])
        return self._known[name].answer

    def _is_fresh(self, name: _Name, now_s: float) -> bool:
        known = self._known.get(name)
        return known is not None and not known.is_refused and now_s < known.until_s

    def _ask(self, names: Iterable[_Name]) -> None:
        """Ask AWS for names, and know the answers."""
        groups: dict[tuple[str, str], list[_Name]] = {}
        for name in names:
            groups.setdefault((name.service, name.region), []).append(name)
        for (service, region), some in groups.items():
            for group in _calls(service, some):
                answers = self._call(service, region, group)
                now_s = self._clock()
                for name in group:
                    self._know(name, answers.get(name.id, _Fault("not_found", "there is none")), now_s)

    def _know(self, name: _Name, answer: _Value | _Fault, now_s: float) -> None:
        before = self._known.get(name)
        # What failed is asked for again soon, but not by each of a thousand requests.
        soon_s = now_s + REFRESH_MIN_S
        if isinstance(answer, _Value):
            self._known[name] = _Known(answer, now_s, now_s + self._ttl_s)
        elif (
            before is not None
            and isinstance(before.answer, _Value)
            and not before.is_refused
            and answer.reason in ("throttled", "unreachable")
        ):
            self.notes["secret_stale"] += 1
            self._known[name] = _Known(before.answer, now_s, soon_s)
        else:
            self._known[name] = _Known(answer, now_s, soon_s)

    def _call(self, service: str, region: str, names: list[_Name]) -> dict[str, _Value | _Fault]:
        """One call of AWS: ID -> what came back."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        with _unlogged():
            try:
                client = self._clients.get((service, region))
                if client is None:
                    client = self._clients[service, region] = self._make(service, region)
                if service == "ssm":
                    return _parameters(client, names)
                return {names[0].id: _secret(client, names[0])}
            except ClientError as error:
                fault = _refused(error)
            except (BotoCoreError, HTTPClientError, OSError) as error:
                fault = _Fault("unreachable", type(error).__name__)
        return {name.id: fault for name in names}


def shown(reference: SecretReference) -> str:
    """Return a reference as it is written to people."""
    if isinstance(reference, dict):
        return f"{reference.get('secretsmanager', '')} (key {reference.get('key', '')})"
    return reference


def _name_of(reference: SecretReference) -> _Name:
    if isinstance(reference, dict):
        return _in_secrets_manager(reference["secretsmanager"])
    if reference.startswith(_SSM):
        return _Name("ssm", reference.removeprefix(_SSM))
    return _in_secrets_manager(reference)


def _in_secrets_manager(id: str) -> _Name:
    parts = id.split(":")
    return _Name("secretsmanager", id, parts[3] if id.startswith(_ARN) and len(parts) > 3 else "")


def _calls(service: str, names: list[_Name]) -> Iterator[list[_Name]]:
    size = _NAMES_MAX if service == "ssm" else 1
    return (names[at : at + size] for at in range(0, len(names), size))


def _parameters(client: Any, names: list[_Name]) -> dict[str, _Value | _Fault]:
    told = client.get_parameters(Names=[name.id for name in names], WithDecryption=True)
    return {parameter["Name"]: _Value(parameter["Value"]) for parameter in told["Parameters"]}


def _secret(client: Any, name: _Name) -> _Value | _Fault:
    told = client.get_secret_value(SecretId=name.id)
    if "SecretString" not in told:
        return _Fault("binary", "it holds bytes, not text")
    return _Value(told["SecretString"])


def _refused(error: Any) -> _Fault:
    told = error.response.get("Error", {})
    code = str(told.get("Code", ""))
    return _Fault(_CODES.get(code, "unreachable"), str(told.get("Message", "")) or code)


def _member(value: _Value, key: str) -> _Value | _Fault:
    """The text under a key of a JSON object."""
    try:
        # Not the standard library's decoder, whose error has the document.
        tree = msgspec.json.decode(value.text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        return _Fault("not_json", "it is no JSON object")
    member = tree.get(key)
    if isinstance(member, int) and not isinstance(member, bool):
        return _Value(str(member))
    if not isinstance(member, str):
        return _Fault("no_such_key", "it has no text under this key")
    return _Value(member)


def _checked(value: _Value) -> _Value | _Fault:
    if not value.text.strip():
        return _Fault("empty", "there is nothing in it")
    if _CONTROL.search(value.text):
        return _Fault("bad_characters", "it has a line break or another control character")
    return value


class _Unlogged(logging.Filter):
    """Drops what is logged while a secret is asked for."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - logging calls it so
        return not _is_asking.get()


_unlogged_filter = _Unlogged()


@contextmanager
def _unlogged() -> Iterator[None]:
    """botocore logs the body of a response at DEBUG, and with it the secret."""
    logging.getLogger("botocore.parsers").addFilter(_unlogged_filter)  # the same one is added once
    token = _is_asking.set(True)
    try:
        yield
    finally:
        _is_asking.reset(token)
