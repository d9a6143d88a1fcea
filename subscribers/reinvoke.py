"""What `observe reinvoke` makes again, and what it refuses: pure decisions.

A failed invocation is known by its request ID, which Lambda's own retries share. Its event is told by the
layer (`observe.invocation_event`) or by an on-failure destination. It is sent again only where it is what
Lambda delivered, byte for byte, and where observe.yaml declares the function idempotent. REASONS has every
other case. The order of `_CHECKS` is the order in which a refusal is said.

docs/reinvoke.md; docs/spec/lines.md, "The event of a failed invocation"
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import msgspec

from observe import semconv
from observe.services import source_of
from observe.source import Source
from subscribers.config import Config, Service
from subscribers.config_groups import lambda_log_group
from subscribers.signals import Log, Origin

#: What the layer calls the line of an event, and what is written here of a replay.
EVENT_LINE = "observe.invocation_event"
REPLAY_LINE = "observe.replay"
#: Of a synchronous call: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
PAYLOAD_MAX_BYTES = 6 * 1024 * 1024
CLIENT_CONTEXT_MAX_BYTES = 3583
#: How every redaction that names no replacement of its own marks what it took.
_REDACTED = "[REDACTED"
#: Lambda's two retries of an asynchronous invocation, and a queue's, come within some minutes.
_SETTLED_NS = 10 * 60 * 1_000_000_000
_GROUP = lambda_log_group("")
#: Streams end in the version that ran: 2026/11/21/[12]8f5b..., 2026/11/21/name[$LATEST]8f5b...
_VERSION = re.compile(r"\[(\$LATEST|[0-9]+)\][0-9a-f]+$")
_LATEST = "$LATEST"

#: Why a failed invocation is not made again.
REASONS: dict[str, str] = {
    "succeeded": "it did not fail",
    "succeeded_later": "it was tried again and succeeded",
    "unknown_function": "its log group does not say which function it was; name it in observe.yaml",
    "unknown_account": "nothing says in which account and Region it ran; give --account and --region",
    "not_idempotent": "observe.yaml does not declare the function idempotent",
    "partial_batch": "some records of its batch failed, and these come again by themselves",
    "no_event": "no line and no destination tells its event",
    "unproven": "no failed span of the layer has the IDs of the line that tells its event, or lines disagree",
    "keys_only": "its event was told without values (OBSERVE_EVENT_ON_ERROR=keys)",
    "truncated": "its event is larger than a line and was cut",
    "redacted": "its event had secrets, which were taken out",
    "not_as_delivered": "what was told is the handler's object, which it may have changed",
    "changed": "the stored text is not what the layer told: something on the way has changed it",
    "durable": "it is a step of a durable execution, which goes on from its checkpoint and from nowhere else",
    "too_large": "its event is larger than a synchronous invocation takes",
    "version": "it ran as a published version; say with --qualifier which version or alias runs it now",
    "already_replayed": "it was made again before; --again does it once more",
    "superseded": "a later replay of it is in this plan",
}

State = Literal["started", "succeeded", "failed", "not_invoked", "unknown"]


class Told(msgspec.Struct, frozen=True):
    """An event as it was told. marks: the layer's, see docs/spec/lines.md; None of a destination's record.

    is_proven: whether a line with marks is the layer's, and not a text that a caller had the function print.
    """

    text: str
    marks: dict[str, Any] | None = None
    is_proven: bool = False


class Replay(msgspec.Struct, frozen=True):
    """A replay that is known of. request_id: the new invocation's, or ""."""

    of: str
    state: State
    request_id: str = ""
    time_unix_nano: int = 0
    detail: str = ""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A failed invocation. time_unix_nano: of its last attempt. attempts: how many are known of."""

    request_id: str
    origin: Origin
    time_unix_nano: int
    why: str
    attempts: int
    event: Told | None = None
    #: The function and its version, where something else than the log group and stream tells.
    function: str = ""
    version: str = ""
    trace_id: str = ""
    span_id: str = ""
    correlation_id: str = ""
    error_kind: str = ""
    did_succeed: bool = False
    succeeded_later: bool = False
    replay_of: str = ""
    replays: tuple[Replay, ...] = ()


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for beside which invocations. account, region: where nothing else tells them."""

    account: str = ""
    region: str = ""
    qualifier: str = ""
    again: bool = False


class Decision(msgspec.Struct, frozen=True):
    """What is to be done about a failed invocation. reason: "" to invoke, else one of REASONS."""

    failed: Failed
    function: str
    reason: str
    notes: tuple[str, ...] = ()
    account: str = ""
    region: str = ""
    qualifier: str = ""

    @property
    def arn(self) -> str:
        """The function's ARN, without qualifier."""
        partition = next((p for start, p in _PARTITIONS if self.region.startswith(start)), "aws")
        return f"arn:{partition}:lambda:{self.region}:{self.account}:function:{self.function}"


_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc"))


class _Case(NamedTuple):
    failed: Failed
    wish: Wish
    config: Config
    service: Service | None
    function: str
    account: str
    region: str
    event: Any
    source: Source | None


def plan(failed: Iterable[Failed], config: Config, wish: Wish, now_unix_nano: int) -> list[Decision]:
    """Return what is to be done about each failed invocation, in the order of their time. Changes nothing."""
    ordered = sorted(failed, key=lambda one: (one.time_unix_nano, one.request_id))
    decisions = [_decided(one, config, wish, now_unix_nano) for one in ordered]
    newest: dict[str, str] = {}
    of = {one.request_id: one.replay_of for one in ordered if one.replay_of}
    for one in decisions:
        if not one.reason:
            newest[_root(one.failed.request_id, of)] = one.failed.request_id
    return [
        msgspec.structs.replace(one, reason="superseded")
        if not one.reason and newest[_root(one.failed.request_id, of)] != one.failed.request_id
        else one
        for one in decisions
    ]


def _root(request_id: str, of: dict[str, str]) -> str:
    """What a replay of a replay began with."""
    seen = set()
    while request_id in of and request_id not in seen:
        seen.add(request_id)
        request_id = of[request_id]
    return request_id


def _decided(failed: Failed, config: Config, wish: Wish, now_unix_nano: int) -> Decision:
    service = config.service_of(failed.origin.log_group)
    function = failed.function or function_of(failed.origin.log_group, service)
    event = _tree(failed.event)
    case = _Case(
        *(failed, wish, config, service, function),
        *(failed.origin.account or wish.account, failed.origin.region or wish.region),
        *(event, source_of(event) if event is not None else None),
    )
    reason = next((reason for reason, holds in _CHECKS if holds(case)), "")
    notes = () if reason else tuple(_notes(case, now_unix_nano))
    return Decision(failed, function, reason, notes, case.account, case.region, wish.qualifier)


def function_of(log_group: str, service: Service | None) -> str:
    """Return the function that writes to a log group; "" where that may be several, or nobody says."""
    if log_group.startswith(_GROUP):
        return log_group.removeprefix(_GROUP)
    return service.functions[0] if service and len(service.functions) == 1 else ""


def _tree(told: Told | None) -> Any:
    """The event as a value, None where there is none that can be read."""
    if told is None:
        return None
    try:
        return json.loads(told.text)
    except (ValueError, RecursionError):
        return None


# --- Refusals ---------------------------------------------------------------------------------


def _is_idempotent(case: _Case) -> bool:
    """Declared by the service of its log group, or by name of whichever service has the function."""
    services = [case.service] if case.service else []
    services += [one for one in case.config.services.values() if case.function in one.functions]
    for service in services:
        told = service.idempotent
        if told is True or (isinstance(told, tuple) and case.function in told):
            return True
    return False


def _mark(name: str, value: object = True) -> Callable[[_Case], bool]:
    def holds(case: _Case) -> bool:
        marks = case.failed.event.marks if case.failed.event else None
        return marks is not None and marks.get(name) == value

    return holds


def _is_redacted(case: _Case) -> bool:
    """By the layer, or by a subscriber after it: the text has a mark of either."""
    told = case.failed.event
    if told is None or told.marks is None:
        return False
    own = [pattern["replace"] for pattern in case.config.redaction.patterns.values()]
    return told.marks.get("redacted") is True or any(
        mark in told.text for mark in (_REDACTED, *filter(None, own))
    )


def _is_unproven(case: _Case) -> bool:
    told = case.failed.event
    return bool(told and told.marks is not None and not told.is_proven)


def _is_changed(case: _Case) -> bool:
    told = case.failed.event
    return bool(told and told.marks is not None and told.marks.get("bytes") != len(told.text.encode()))


def _is_incomplete(case: _Case) -> bool:
    told = case.failed.event
    return bool(told and told.marks is not None and told.marks.get("complete") is not True)


def _is_durable(case: _Case) -> bool:
    return isinstance(case.event, dict) and {"DurableExecutionArn", "CheckpointToken"} <= case.event.keys()


def _needs_qualifier(case: _Case) -> bool:
    """An invocation without a qualifier runs $LATEST: code that may not have been released."""
    version = case.failed.version or _ran_as(case.failed.origin.log_stream)
    return not case.wish.qualifier and version not in ("", _LATEST)


def _ran_as(log_stream: str) -> str:
    found = _VERSION.search(log_stream)
    return found[1] if found else ""


def _was_replayed(case: _Case) -> bool:
    return not case.wish.again and any(one.state != "not_invoked" for one in case.failed.replays)


#: In the order in which they are said: what no change of a setting mends comes first.
_CHECKS: tuple[tuple[str, Callable[[_Case], bool]], ...] = (
    ("succeeded", lambda case: case.failed.did_succeed),
    ("succeeded_later", lambda case: case.failed.succeeded_later),
    ("partial_batch", lambda case: case.failed.error_kind == "batch_item_failures"),
    ("no_event", lambda case: case.failed.event is None),
    ("keys_only", _mark("mode", "keys")),
    ("truncated", _mark("truncated")),
    ("redacted", _is_redacted),
    ("not_as_delivered", _is_incomplete),
    ("unproven", _is_unproven),
    ("changed", _is_changed),
    ("durable", _is_durable),
    ("too_large", lambda case: len((case.failed.event or Told("")).text.encode()) > PAYLOAD_MAX_BYTES),
    ("unknown_function", lambda case: not case.function),
    ("unknown_account", lambda case: not (case.account and case.region)),
    ("not_idempotent", lambda case: not _is_idempotent(case)),
    ("version", _needs_qualifier),
    ("already_replayed", _was_replayed),
)


# --- Of what is made again --------------------------------------------------------------------


def _notes(case: _Case, now_unix_nano: int) -> Iterable[str]:
    """What somebody should know who makes it again."""
    if now_unix_nano - case.failed.time_unix_nano < _SETTLED_NS:
        yield "it failed minutes ago: Lambda or its queue may still try it again by itself"
    if case.source is not None and case.source.trigger == "http":
        yield "its answer goes nowhere: whoever asked has long been answered"
    elif case.source is not None and case.source.partial:
        yield "its source delivers by itself again what failed: it may have been done since"


def client_context(failed: Failed, *, debug: bool = False) -> str:
    """Return what marks an invocation as a replay of `failed`, in base64: the layer reads it.

    {"custom": {"observe.replay": request ID, "traceparent", "x-correlation-id", "baggage"}}. The correlation
    ID is left out where it would be too long for a client context.
    """
    custom = {semconv.REPLAY: failed.request_id}
    if failed.trace_id and failed.span_id:
        custom["traceparent"] = f"00-{failed.trace_id}-{failed.span_id}-01"
    if failed.correlation_id:
        custom["x-correlation-id"] = failed.correlation_id
    if debug:
        custom["baggage"] = f"{semconv.BAGGAGE_DEBUG}=1"
    encoded = b64encode(json.dumps({"custom": custom}).encode()).decode()
    if len(encoded) > CLIENT_CONTEXT_MAX_BYTES:
        return client_context(msgspec.structs.replace(failed, correlation_id=""), debug=debug)
    return encoded


class Answer(msgspec.Struct, frozen=True):
    """How a replay ended. detail: why it did not succeed, without anything of the payload."""

    state: State
    request_id: str = ""
    detail: str = ""


def judge(event: str, payload: bytes, function_error: str) -> tuple[State, str]:
    """Return whether a function's answer is a success, as its source would see it, and why not.

    function_error: Invoke's X-Amz-Function-Error, "" for none. An HTTP status from 500 on and a batch with
    failed records are failures, too.
    """
    try:
        told = json.loads(payload) if payload else None
    except (ValueError, RecursionError):
        told = None
    if function_error:
        kind = told.get("errorType") if isinstance(told, dict) else ""
        return "failed", f"{kind}" if isinstance(kind, str) and kind else function_error
    source = source_of(_tree(Told(event)))
    if source is not None and source.status is not None and (status := source.status(told)) >= 500:
        return "failed", f"answered {status}"
    if source is not None and source.partial and isinstance(told, dict) and told.get("batchItemFailures"):
        return "failed", "some records of the batch failed again"
    return "succeeded", ""


def replay_line(decision: Decision, answer: Answer, begun_unix_nano: int, now_unix_nano: int) -> Log:
    """Return what the store keeps of a replay, as a line of what failed. Begun and ended are one row.

    attributes: {"event": "observe.replay", "replay": {"of", "state", "request_id", "function", "detail"}}
    """
    failed = decision.failed
    identity = f"{REPLAY_LINE}\0{failed.request_id}\0{begun_unix_nano}".encode()
    told = {"of": failed.request_id, "function": decision.function, **msgspec.to_builtins(answer)}
    ended = {"succeeded": "and succeeded", "started": "and has not ended yet"}.get(answer.state)
    ended = ended or f"and {answer.state.replace('_', ' ')}{answer.detail and ': '}{answer.detail}"
    as_what = f" as {answer.request_id}" if answer.request_id else ""
    return Log(
        event_id=blake2b(identity, digest_size=16).hexdigest(),
        origin=failed.origin,
        time_unix_nano=begun_unix_nano,
        observed_time_unix_nano=now_unix_nano,
        message=f"made again by observe reinvoke{as_what}, {ended}",
        level="INFO" if answer.state in ("started", "succeeded") else "ERROR",
        dataset="observe",
        time_from="line",
        trace_id=failed.trace_id,
        span_id=failed.span_id,
        correlation_id=failed.correlation_id,
        request_id=failed.request_id,
        attributes={"event": REPLAY_LINE, "replay": told},
    )


def replays_of(lines: Sequence[Log]) -> dict[str, tuple[Replay, ...]]:
    """Return the replays that lines of `replay_line` tell, by the request ID of what failed."""
    found: dict[str, list[Replay]] = {}
    for line in lines:
        told = line.attributes.get("replay")
        if line.attributes.get("event") != REPLAY_LINE or not isinstance(told, dict):
            continue
        replay = msgspec.convert({**told, "time_unix_nano": line.time_unix_nano}, Replay)
        found.setdefault(replay.of, []).append(replay)
    return {of: tuple(replays) for of, replays in found.items()}
