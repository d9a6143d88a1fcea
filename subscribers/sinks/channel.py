"""What every sink is made of: channels. A channel is one API operation, told in pure functions.

    signals -> items -> batches of them -> request -> response -> verdict

A sink of observe.yaml has one channel or several (Datadog: logs, series, distributions, ...), each with the
limits of its API. `delivery` batches, retries and counts; it never looks into a body, and a channel never
opens a socket, reads a clock or knows a secret: a request names its secrets, and the edge puts them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from subscribers.signals import Signal

SignalKind = Literal["logs", "metrics", "spans"]
#: A reference to a secret as observe.yaml has it: an ARN, `ssm:/path`, or {"secretsmanager", "key"}.
SecretReference = str | dict[str, str]


class Limits(msgspec.Struct, frozen=True):
    """What one request may hold; each as the API documents it. bytes: of the items, before compression."""

    bytes: int
    items: int
    item_bytes: int
    #: Of the body as it is sent; 0 where the API names none. A batch whose body is larger is halved.
    body_bytes: int = 0


class Item(msgspec.Struct, frozen=True, gc=False):
    """What a signal becomes for a channel: the least that is accepted or refused by itself."""

    #: Of the signal; up to the colon it is the log event's.
    event_id: str
    #: JSON, or several lines of it without the last newline: what a dead letter shows.
    body: bytes
    #: What several items of a request share and is written once, e.g. OTLP's resource; JSON.
    group: bytes = b""
    #: Event IDs of further signals that it stands for, e.g. members of a set.
    more: tuple[str, ...] = ()
    #: The whole document as JSON, where `body` had to be cut to the API's limit: kept beside it.
    whole: bytes = b""


class Secret(msgspec.Struct, frozen=True):
    """A text that only the edge knows: of a header, an address, a member of the body.

    prefix, suffix: what stands around it, e.g. `ApiKey `.
    """

    reference: SecretReference
    prefix: str = ""
    suffix: str = ""


class Basic(msgspec.Struct, frozen=True):
    """A user and a password. username: plain, or a reference."""

    username: str
    password: SecretReference


class SigV4(msgspec.Struct, frozen=True):
    """The request is signed with the role's credentials. service: as it is signed, e.g. `es`, `xray`."""

    region: str
    service: str


class Signature(msgspec.Struct, frozen=True):
    """HMAC-SHA256 over `<time>.<body>`, told as `sha256=<hex>`. time: seconds since the epoch, told, too."""

    key: SecretReference
    header: str = "X-Observe-Signature"
    time_header: str = "X-Observe-Timestamp"


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. body: as it is sent, compressed where the headers say so."""

    #: "" where `secret_url` is the address.
    url: str = ""
    body: bytes = b""
    headers: Mapping[str, str | Secret] = {}
    method: str = "POST"
    auth: Basic | SigV4 | None = None
    #: The address where the whole of it is a secret, as that of an incoming webhook.
    secret_url: Secret | None = None
    #: Members that the body, a JSON object, gets at its top: placed, not searched for, so that nothing that
    #: the body says can be taken for a secret's place.
    secret_members: Mapping[str, Secret] = {}
    signature: Signature | None = None


class AwsCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of AWS by its SDK. operation: method of the boto3 client, e.g. `put_metric_data`."""

    service: str
    operation: str
    parameters: dict[str, Any]
    region: str = ""


Request = HttpRequest | AwsCall

#: Why there is no response: the request was never sent whole (not sent), or nobody knows what became of it.
NotSent = Literal[
    "unresolved",
    "refused",
    "tls_failed",
    "connect_timeout",
    "proxy_failed",
    "secret_unavailable",
    "unsendable",
]
Unknown = Literal["reset", "read_timeout", "half_response", "unreachable"]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. An AWS error has its HTTP status, and `error_code` as the SDK tells it."""

    status: int = 0
    #: Names in lower case.
    headers: Mapping[str, str] = {}
    body: bytes = b""
    #: What an AwsCall returned.
    result: Mapping[str, Any] = {}
    error_code: str = ""
    #: One of NotSent or Unknown where there is no response, else "".
    fault: str = ""
    #: What was said, for people; never holds a secret.
    detail: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether the request may have been taken although no response came."""
        return self.fault in Unknown.__args__  # type: ignore[attr-defined]


class Refusal(msgspec.Struct, frozen=True):
    """Why an item was not taken. reason: a low-cardinality word; status: HTTP's, 0 where there was none."""

    reason: str
    status: int = 0
    #: What the other side said, at most DETAIL_MAX characters.
    detail: str = ""


DETAIL_MAX = 1024


class Verdict(msgspec.Struct, frozen=True):
    """What a response says of a batch, by position; an item that it does not name was delivered.

    retry: what may be taken the next time; rejected: what never will.
    """

    retry: Mapping[int, Refusal] = {}
    rejected: Mapping[int, Refusal] = {}
    #: Seconds before which nothing should be sent again (Retry-After), 0 where nobody says.
    after_s: float = 0.0
    #: The batch is larger than the other side takes: it is halved; one item alone is rejected.
    is_too_large: bool = False
    #: The secrets are to be asked for anew.
    is_unauthorized: bool = False
    #: The destination as a whole is in trouble; the circuit breaker counts these.
    is_down: bool = False


class Channel(Protocol):
    """One API operation of a sink. Values only: the same channel serves every invocation."""

    @property
    def name(self) -> str:
        """Which one of its sink, e.g. `logs`; kept with what could not be delivered."""

    @property
    def limits(self) -> Limits:
        """What one request may hold."""

    @property
    def is_repeatable(self) -> bool:
        """Whether an ID makes it harmless to send an item twice: only then unknown outcomes are retried."""

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield the items of the signals that go this way, in order; never raises for any signal."""

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request that carries items, at least one."""

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what a response means for the items of its request. Never raises, whatever the body holds."""


@runtime_checkable
class LedgerChannel(Protocol):
    """A channel that takes rows of the ledger, too."""

    def ledger_items(self, rows: Iterable[dict[str, Any]]) -> Iterator[Item]:
        """Yield the items of rows as `tables.ledger_row` makes them."""


class Leftover(msgspec.Struct, frozen=True):
    """An item that was not delivered, and why."""

    item: Item
    refusal: Refusal


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a sink's items, by channel; every item is in one of the three."""

    delivered: int = 0
    #: Transient: for the retry queue.
    retry: dict[str, list[Leftover]] = {}
    #: Permanent: for the dead letters.
    rejected: dict[str, list[Leftover]] = {}
    #: Delivered, but cut: the whole documents, for the dead letters.
    cut: dict[str, list[Leftover]] = {}
    requests: int = 0
    bytes_sent: int = 0
    #: Requests beyond the first of each batch.
    retries: int = 0


class Keeper(Protocol):
    """Where that goes which a sink did not take. Each call keeps everything it was given, or raises."""

    def retry(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> object:
        """Queue transient leftovers, to be delivered again by themselves later."""

    def bury(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> object:
        """Keep permanent leftovers as dead letters, until somebody redrives them."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> object:
        """Keep a document of the input that could not be read, byte for byte."""


class Deliverer(Protocol):
    """A configured sink ready to deliver items that were made before: what `redrive` needs of it."""

    @property
    def name(self) -> str:
        """The sink's name in observe.yaml."""

    def deliver(self, items: Mapping[str, Sequence[Item]], deadline_s: float | None = None) -> Outcome:
        """Deliver items, by channel. deadline_s: seconds from now, after which the rest is to be retried.

        Raises KeyError for a channel that the sink does not have. Nothing else is raised: whatever goes wrong
        is in the outcome.
        """
