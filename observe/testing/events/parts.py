"""What every builder is made of: payloads as they are written, batches, and the IDs and times by default.

An argument of a type that a service could not have sent raises TypeError, any other that it would not have
sent ValueError, in a sentence that begins with the builder's name.
"""

from __future__ import annotations

import binascii
import json
from datetime import UTC, datetime
from functools import wraps
from inspect import signature

from observe.splice import opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

    #: What a function gets.
    Event = dict[str, Any]
    #: A payload as a developer writes it: text and bytes as they are, an object or a list as JSON.
    Body = str | bytes | Mapping[str, Any] | Sequence[Any]

ACCOUNT = "123456789012"
REGION = "eu-west-1"
#: When everything happens that a test does not date itself.
TIME = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
FUNCTION = "function"
SOURCE_IP = "192.0.2.1"
USER_AGENT = "curl/8.5.0"
REQUEST_ID = "c6af9ac6-7b61-41e6-9a13-2f7c1e0d0001"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def checked(build: Callable[P, R]) -> Callable[P, R]:
    """Make a builder look at its arguments first: a text that is none fails here, by its name."""
    annotations = {name: _spelled(str(one.annotation)) for name, one in signature(build).parameters.items()}
    positional = [
        name for name, one in signature(build).parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD
    ]

    @wraps(build)
    def built(*args: P.args, **kwargs: P.kwargs) -> R:
        own = [option for one in args if isinstance(one, Message) for option in one.options.items()]
        for name, value in (*zip(positional, args, strict=False), *kwargs.items(), *own):
            wanted = annotations.get(name, "Any")
            if not _fits(value, wanted):
                raise TypeError(f"{build.__name__}: {name} is {value!r}; it has to be {wanted}")
        try:
            return build(*args, **kwargs)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{build.__name__}: {error.object!r} has a character that UTF-8 has not"
            ) from None

    return built


def _spelled(annotation: str) -> str:
    """An annotation without the names that only we know."""
    for alias in ("Headers", "Query"):
        annotation = annotation.replace(alias, "Mapping[str, str | Sequence[str]]")
    return annotation


def _fits(value: Any, annotation: str) -> bool:
    """Whether a value is what an annotation says; of what is looked at where it is used everything is."""
    return any(_is(value, alternative) for alternative in _alternatives(annotation))


def _is(value: Any, kind: str) -> bool:
    name, _, inner = kind.partition("[")
    if name == "Mapping":
        of = inner[len("str, ") : -1]
        return isinstance(value, dict) and all(isinstance(k, str) and _fits(v, of) for k, v in value.items())
    if name == "Sequence":
        return isinstance(value, list | tuple) and all(_fits(member, inner[:-1]) for member in value)
    found = _KINDS.get(name, object)
    return isinstance(value, found) and (name != "int" or not isinstance(value, bool))


_KINDS: dict[str, type] = {
    "str": str,
    "bytes": bytes,
    "int": int,
    "float": float,
    "bool": bool,
    "datetime": datetime,
    "None": type(None),
}


def _alternatives(annotation: str) -> list[str]:
    """What stands between the bars of an annotation that are in no brackets."""
    found, depth = [""], 0
    for character in annotation:
        depth += (character == "[") - (character == "]")
        if character == "|" and not depth:
            found.append("")
        else:
            found[-1] += character
    return [one.strip() for one in found]


class Message:
    """One message of a batch with options of its own, which win over those of the call.

    events.sqs(Message("a", context=one), Message("b", context=other, attributes={"kind": "new"}))

    Options: those of the builder that its documentation calls each message's.
    """

    __slots__ = ("body", "options")

    def __init__(self, body: Any, **options: Any) -> None:
        self.body = body
        self.options = options

    def __repr__(self) -> str:
        named = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"Message({self.body!r}{named})"


def each(builder: str, messages: Sequence[Any], **options: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return (body, options) of each message: the call's options, and over them its own."""
    if not messages:
        raise ValueError(f"{builder}: an event without a message is never sent: give at least one")
    found = []
    for message in messages:
        body, own = (message.body, message.options) if isinstance(message, Message) else (message, {})
        unknown = own.keys() - options.keys()
        if unknown:
            raise TypeError(
                f"{builder}: a message has no option {min(unknown)!r}; it has {', '.join(sorted(options))}"
            )
        found.append((body, {**options, **own}))
    return found


# --- Payloads -------------------------------------------------------------------------------


def text_of(payload: Any, builder: str) -> str:
    """Return text as it is, an object or a list as JSON."""
    if isinstance(payload, str):
        return payload
    if isinstance(payload, dict | list | tuple):
        return json_of(payload, builder)
    raise TypeError(f"{builder}: {payload!r} is neither text nor a dictionary or list that becomes JSON")


def octets_of(payload: Any, builder: str) -> bytes:
    """Return bytes as they are, anything else as `text_of` does, in UTF-8."""
    if isinstance(payload, bytes | bytearray):
        return bytes(payload)
    return text_of(payload, builder).encode()


def json_of(value: Any, builder: str) -> str:
    """Return a value as JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{builder}: {value!r} has no JSON: {error}") from None
    except TypeError as error:
        raise TypeError(f"{builder}: {value!r} has no JSON: {error}") from None


def plain(value: Any, builder: str) -> Any:
    """Return what a JSON document has become after it was sent: a copy, tuples as lists."""
    return json.loads(json_of(value, builder))


def object_of(payload: Any, builder: str, what: str) -> str:
    """Return the JSON text of an object; text must be one already."""
    text = text_of(payload, builder)
    if opened(text) is None:
        raise ValueError(f"{builder}: {what} has to be a JSON object, and {payload!r} is none")
    return text


def base64_of(payload: bytes) -> str:
    """Return bytes in base64."""
    return binascii.b2a_base64(payload, newline=False).decode()


def signed(payload: bytes) -> list[int]:
    """Return octets as Java writes them, which knows no unsigned ones."""
    return [octet - 256 if octet > 127 else octet for octet in payload]


def one_of(value: str, allowed: Iterable[str], builder: str, what: str) -> str:
    """Return a value that is allowed."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{builder}: {what} {value!r} is none of {', '.join(allowed)}")
    return value


# --- IDs and times --------------------------------------------------------------------------


def numbered(kind: int, number: int) -> str:
    """Return the UUID of the nth thing of a kind, counted from 0: the same in every run."""
    return f"{kind:08x}-0000-4000-8000-{number + 1:012d}"


def arn(service: str, resource: str, region: str = REGION) -> str:
    """Return `arn:aws:<service>:<region>:<account>:<resource>`."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def function_arn(function: str) -> str:
    """Return the ARN of a function."""
    return arn("lambda", f"function:{function}")


def at(time: datetime, builder: str) -> datetime:
    """Return a time in UTC."""
    if time.utcoffset() is None:
        raise ValueError(f"{builder}: {time!r} has no time zone: which moment is meant?")
    return time.astimezone(UTC)


def iso_ms(time: datetime) -> str:
    """Return `2026-01-02T03:04:05.678Z`."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def iso_s(time: datetime) -> str:
    """Return `2026-01-02T03:04:05Z`."""
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"


def epoch_ms(time: datetime) -> int:
    """Return milliseconds since the epoch."""
    return round(time.timestamp() * 1000)


def clf(time: datetime) -> str:
    """Return `02/Jan/2026:03:04:05 +0000`, as access logs have it, whatever the locale."""
    return f"{time:%d}/{_MONTHS[time.month - 1]}/{time:%Y:%H:%M:%S} +0000"


def month(time: datetime) -> str:
    """Return `Jan`, whatever the locale."""
    return _MONTHS[time.month - 1]
