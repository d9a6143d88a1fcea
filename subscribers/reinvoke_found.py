"""Failed invocations out of what the store knows: lines of events, spans, lines of earlier replays. Pure.

Lambda's own retries of an invocation have its request ID, and so are attempts of the same. A queue delivers
the same messages under another: they are known by their message IDs, as far as spans tell them.

A function that prints what callers send prints whatever they want, a line of an event, too. So a line is
believed only with the trace ID and the span ID of an invocation that failed as the layer's own span tells:
both are made, or read, inside the function, and the span ID is random and new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hmac import compare_digest

from msgspec.structs import replace

from observe import ids, semconv
from subscribers.config_groups import lambda_log_group
from subscribers.receipts import came
from subscribers.reinvoke import EVENT_LINE, Failed, Replay, State, Told
from subscribers.signals import ENTRY_KINDS, Log, Span

#: Account, Region, log group, request ID.
_Key = tuple[str, str, str, str]
_GROUP = lambda_log_group("")


def failed_of(lines: Iterable[Log], spans: Iterable[Span], secret: str = "") -> list[Failed]:
    """Return the invocations that have failed at least once, one a log group of an account and request ID.

    lines: of events (`observe.invocation_event`), others are passed over; spans: of all attempts; secret: the
    functions' OBSERVE_KEY_SECRET, with which each line has to be signed; "" where nobody knows it.
    """
    told: dict[_Key, list[Log]] = defaultdict(list)
    ran: dict[_Key, list[Span]] = defaultdict(list)
    for line in lines:
        if line.attributes.get("event") == EVENT_LINE and line.request_id:
            told[_key(line)].append(line)
    for span in spans:
        if _is_invocation(span):
            ran[_key(span)].append(span)
    made = (_made(key[-1], told[key], _attempts(ran[key]), secret) for key in {**told, **ran})
    return [one for one in made if one is not None]


def _key(item: Log | Span | Failed) -> _Key:
    origin = item.origin
    return origin.account, origin.region, origin.log_group, item.request_id


def _is_invocation(span: Span) -> bool:
    """Whether a span is an invocation's own: what is within it has its request ID as well."""
    return span.kind in ENTRY_KINDS and span.attributes.get(semconv.FAAS_INVOCATION_ID) == span.request_id


def _attempts(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans of one request ID as attempts: layer and platform tell of the same one at the same time."""
    attempts: list[list[Span]] = []
    end = 0
    for span in sorted(spans, key=lambda span: span.start_unix_nano):
        if attempts and span.start_unix_nano <= end:
            attempts[-1].append(span)
        else:
            attempts.append([span])
        end = max(end, span.end_unix_nano) if len(attempts[-1]) > 1 else span.end_unix_nano
    return attempts


def _made(
    request_id: str, lines: Sequence[Log], attempts: Sequence[Sequence[Span]], secret: str
) -> Failed | None:
    failed = [[span for span in attempt if span.status == "error"] for attempt in attempts]
    bad = next((some for some in reversed(failed) if some), [])
    if not bad and not lines:
        return None
    # What the layer says of a failure is more than what the platform's report does.
    span = next((one for one in bad if one.told_by == "layer"), bad[0] if bad else None)
    lines = sorted(lines, key=lambda line: line.time_unix_nano)
    line = next((one for one in reversed(lines) if _is_complete(one)), lines[-1] if lines else None)
    item = span or line
    if item is None:
        return None
    kind = str(item.attributes.get(semconv.ERROR_TYPE) or "")
    return Failed(
        request_id=request_id,
        origin=item.origin,
        time_unix_nano=span.start_unix_nano if span else lines[-1].time_unix_nano,
        why=_why(kind, span),
        attempts=max(len(attempts), len(lines)),
        event=_event(line, is_proven=_are_proven(lines, attempts, secret)) if line is not None else None,
        function=_function(span),
        trace_id=item.trace_id,
        span_id=item.span_id,
        correlation_id=item.correlation_id,
        error_kind=kind,
        succeeded_later=bool(attempts) and not failed[-1] and not _told_since(lines, attempts[-1]),
        replay_of=str(span.attributes.get(semconv.REPLAY_OF) or "") if span else "",
    )


def _told_since(lines: Sequence[Log], attempt: Sequence[Span]) -> bool:
    """Whether the layer told of a failure in an attempt of which only the platform has a span."""
    begun = min(span.start_unix_nano for span in attempt)
    return any(line.time_unix_nano >= begun for line in lines)


def _are_proven(lines: Sequence[Log], attempts: Sequence[Sequence[Span]], secret: str) -> bool:
    """Whether all lines tell the same event, each signed and with the identity of a failed attempt's span."""
    if secret and not all(_is_signed(line, secret) for line in lines):
        return False
    layer = [[span for span in attempt if span.told_by == "layer"] for attempt in attempts]
    if any(len({_identity(span) for span in attempt}) > 1 for attempt in layer):
        return False  # the layer has one span of an attempt: somebody else has told another
    failed = {_identity(span) for attempt in layer for span in attempt if span.status == "error"}
    events = [line.attributes.get("invocation_event") for line in lines]
    return all(_identity(line) in failed for line in lines) and all(one == events[0] for one in events)


def _is_signed(line: Log, secret: str) -> bool:
    told = line.attributes.get("invocation_event")
    mac, text = (told.get("mac"), told.get("json")) if isinstance(told, dict) else (None, None)
    if not (isinstance(mac, str) and mac.isascii() and isinstance(text, str)):
        return False
    return compare_digest(mac, ids.event_mac(line.request_id, text, secret))


def _identity(item: Log | Span) -> tuple[str, str, str]:
    return item.origin.log_stream, item.trace_id, item.span_id


def _is_complete(line: Log) -> bool:
    told = line.attributes.get("invocation_event")
    return isinstance(told, dict) and told.get("complete") is True


def _event(line: Log, *, is_proven: bool) -> Told | None:
    told = line.attributes.get("invocation_event")
    if not isinstance(told, dict) or not isinstance(told.get("json"), str):
        return None
    marks = {name: value for name, value in told.items() if name != "json"}
    return Told(told["json"], marks, is_proven)


def _function(span: Span | None) -> str:
    """The function, where only the platform's words tell it: not the log group, and no line of a function."""
    if span is None or span.told_by != "platform" or span.origin.log_group.startswith(_GROUP):
        return ""
    name = span.attributes.get(semconv.FAAS_NAME)
    return name if isinstance(name, str) else ""


def _why(kind: str, span: Span | None) -> str:
    message = span.status_message.partition("\n")[0] if span else ""
    if not kind or message.startswith(kind):
        return message or kind or "failed"
    return f"{kind}: {message}" if message else kind


def messages_of(spans: Iterable[Span]) -> frozenset[str]:
    """Return the message IDs by which another invocation may have had the same messages."""
    return frozenset(
        message for span in spans for message in came(span) - {span.request_id} if _is_invocation(span)
    )


def settled(failed: Sequence[Failed], own: Sequence[Span], others: Sequence[Span]) -> list[Failed]:
    """Say of those whose messages all came again, to the same function, that they succeeded later.

    own: spans of the failed; others: spans of any invocations with some of their messages.
    """
    good = [span for span in others if span.status != "error" and _is_invocation(span)]
    done: dict[_Key, set[str]] = defaultdict(set)
    for one in failed:
        for span in good:
            later = span.start_unix_nano > one.time_unix_nano
            if later and span.request_id != one.request_id and _key(span)[:-1] == _key(one)[:-1]:
                done[_key(one)] |= came(span)
    return [
        replace(one, succeeded_later=True)
        if (mine := messages_of(_spans_of(one, own))) and mine <= done[_key(one)]
        else one
        for one in failed
    ]


def _spans_of(one: Failed, spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if _key(span) == _key(one)]


def joined(record: Failed, known: Failed | None) -> Failed:
    """Return a destination's record with what the store knows of the same invocation: trace and fate."""
    if known is None:
        return record
    return replace(
        record,
        origin=replace(known.origin, account=record.origin.account, region=record.origin.region),
        why=known.why,
        attempts=max(record.attempts, known.attempts),
        event=record.event or known.event,
        trace_id=known.trace_id,
        span_id=known.span_id,
        correlation_id=known.correlation_id,
        error_kind=known.error_kind,
        succeeded_later=known.succeeded_later,
        replay_of=known.replay_of,
    )


def with_replays(
    failed: Sequence[Failed], told: dict[str, tuple[Replay, ...]], spans: Iterable[Span]
) -> list[Failed]:
    """Return the failed with their replays: those that lines tell, and those that only their spans do."""
    seen: dict[str, list[Replay]] = defaultdict(list)
    for span in spans:
        of = span.attributes.get(semconv.REPLAY_OF)
        if isinstance(of, str) and _is_invocation(span):
            state: State = "failed" if span.status == "error" else "succeeded"
            seen[of].append(Replay(of, state, span.request_id, span.start_unix_nano))
    out = []
    for one in failed:
        known = list(told.get(one.request_id, ()))
        ids = {replay.request_id for replay in known}
        known += [replay for replay in seen[one.request_id] if replay.request_id not in ids]
        out.append(replace(one, replays=tuple(sorted(known, key=lambda replay: replay.time_unix_nano))))
    return out
