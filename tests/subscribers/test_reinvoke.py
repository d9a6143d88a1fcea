"""What is made again, and what is refused: one case a reason, and laws over all of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import semconv
from observe.testing import events
from subscribers.config import Config, loads
from subscribers.reinvoke import (
    CLIENT_CONTEXT_MAX_BYTES,
    EVENT_LINE,
    PAYLOAD_MAX_BYTES,
    REASONS,
    Answer,
    Decision,
    Failed,
    Replay,
    State,
    Told,
    Wish,
    client_context,
    judge,
    plan,
    replay_line,
    replays_of,
)
from subscribers.signals import Log, Origin, Span
from tests.subscribers.samples import T0, log, span

EVENT = '{"claim": "CLM-1"}'
MARKS = {"mode": "redacted", "bytes": len(EVENT), "complete": True, "redacted": False, "truncated": False}
ORIGIN = Origin(
    "123456789012", "eu-west-1", "/aws/lambda/assess", "2026/11/21/[$LATEST]8f5b", "assess", "serverless"
)
CONFIG = loads("version: 1\nservices: {assess: {side: serverless, idempotent: true}}\n")
LATER = T0 + 3_600 * 10**9
FAILED = Failed(
    request_id="req-1",
    origin=ORIGIN,
    time_unix_nano=T0,
    why="ValueError: no rate",
    attempts=1,
    event=Told(EVENT, MARKS, is_proven=True),
    trace_id="a" * 32,
    span_id="b" * 16,
    correlation_id="desk-1",
    error_kind="ValueError",
)


def event_line(
    request_id: str, *, function: str = "assess", at_ms: float = 0, text: str = EVENT, **marks: Any
) -> Log:
    """The line that the layer writes for a failed invocation."""
    told = {**MARKS, "bytes": len(text.encode()), **marks, "json": text}
    return log(
        request_id,
        at_ms,
        origin=replace(ORIGIN, log_group=f"/aws/lambda/{function}", service=function),
        level="ERROR",
        request_id=request_id,
        trace_id="a" * 32,
        span_id="b" * 16,
        attributes={"event": EVENT_LINE, "error.type": "ValueError", "invocation_event": told},
    )


def span_of_line(line: Log, **more: Any) -> Span:
    """The invocation's own span, which the layer writes with that line."""
    attributes = {semconv.FAAS_INVOCATION_ID: line.request_id, semconv.ERROR_TYPE: "ValueError"}
    own = {"status": "error", "status_message": "no rate", "attributes": attributes, **more}
    return replace(
        span(line.event_id, origin=line.origin, request_id=line.request_id, told_by="layer", **own),
        trace_id=line.trace_id,
        span_id=line.span_id,
        start_unix_nano=line.time_unix_nano,
        end_unix_nano=line.time_unix_nano + 10_000_000,
    )


def decided(failed: Failed, config: Config = CONFIG, **wish: Any) -> Decision:
    (decision,) = plan([failed], config, Wish(**wish), LATER)
    return decision


def told(text: str = EVENT, **marks: Any) -> dict[str, Any]:
    return {"event": Told(text, {**MARKS, "bytes": len(text.encode()), **marks}, is_proven=True)}


def test_a_complete_event_of_an_idempotent_function_is_made_again() -> None:
    """With its account, its Region and its name from the log group."""
    decision = decided(FAILED)
    assert (decision.reason, decision.notes) == ("", ())
    assert decision.arn == "arn:aws:lambda:eu-west-1:123456789012:function:assess"


#: reason -> what makes it of FAILED, and of the wish
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "succeeded": ({"did_succeed": True}, {}),
    "succeeded_later": ({"succeeded_later": True}, {}),
    "partial_batch": ({"error_kind": "batch_item_failures"}, {}),
    "no_event": ({"event": None}, {}),
    "unproven": ({"event": Told(EVENT, MARKS)}, {}),
    "keys_only": (told(mode="keys", complete=False), {}),
    "truncated": (told(complete=False, truncated=True), {}),
    "redacted": (told(complete=False, redacted=True), {}),
    "not_as_delivered": (told(complete=False), {}),
    "changed": (told(bytes=len(EVENT) + 1), {}),
    "durable": (told('{"DurableExecutionArn": "arn", "CheckpointToken": "t"}'), {}),
    "too_large": ({"event": Told("1" * (PAYLOAD_MAX_BYTES + 1))}, {}),
    "unknown_function": ({"origin": replace(ORIGIN, log_group="/custom", service="other")}, {}),
    "unknown_account": ({"origin": replace(ORIGIN, account="")}, {}),
    "not_idempotent": ({"origin": replace(ORIGIN, log_group="/aws/lambda/other", service="other")}, {}),
    "version": ({"origin": replace(ORIGIN, log_stream="2026/11/21/[12]8f5b")}, {}),
    "already_replayed": ({"replays": (Replay("req-1", "failed"),)}, {}),
}


@pytest.mark.parametrize("reason", [*REFUSED])
def test_a_refusal_has_its_reason(reason: str) -> None:
    """And a sentence that says it."""
    changes, wish = REFUSED[reason]
    decision = decided(replace(FAILED, **changes), **wish)
    assert decision.reason == reason
    assert REASONS[reason]


def test_every_reason_has_a_case_and_a_row_in_the_documentation() -> None:
    """None that cannot come, none that is not explained."""
    assert {*REFUSED, "superseded"} == set(REASONS)
    page = (Path(__file__).parents[2] / "docs/reinvoke.md").read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"| `{reason}` |" not in page] == []


@pytest.mark.parametrize("mark", ["[REDACTED]", "[REDACTED:email]", "####"])
def test_what_a_subscriber_took_out_is_seen_though_the_marks_say_complete(mark: str) -> None:
    """The layer's marks were made before; a text of the same length is no proof."""
    config = loads(
        "version: 1\nservices: {assess: {side: serverless, idempotent: true}}\n"
        'redaction: {patterns: {policy: {regex: "P[0-9]{3}", replace: "####"}}}\n'
    )
    assert decided(replace(FAILED, **told(json.dumps({"a": mark}))), config).reason == "redacted"
    assert decided(replace(FAILED, **told(json.dumps({"a": "P123"}))), config).reason == ""


@pytest.mark.parametrize(
    ("idempotent", "function", "reason"),
    [
        ("true", "assess", ""),
        ("false", "assess", "not_idempotent"),
        ("[assess]", "assess", ""),
        ("[quote]", "assess", "not_idempotent"),
        ("[quote]", "quote", ""),
    ],
)
def test_a_service_declares_all_or_some_of_its_functions(idempotent: str, function: str, reason: str) -> None:
    """A service of two functions."""
    config = loads(
        "version: 1\nservices:\n"
        f"  claims: {{side: serverless, functions: [assess, quote], idempotent: {idempotent}}}\n"
    )
    of = replace(FAILED, origin=replace(ORIGIN, log_group=f"/aws/lambda/{function}", service="claims"))
    assert decided(of, config).reason == reason


def test_a_service_that_a_line_names_declares_nothing() -> None:
    """A line says whatever its writer wants; whose function it is, its log group says."""
    for group, reason in (("/aws/lambda/other", "not_idempotent"), ("/custom", "unknown_function")):
        of = replace(FAILED, origin=replace(ORIGIN, log_group=group, service="assess"))
        assert decided(of).reason == reason


def test_a_log_group_of_its_own_is_a_function_where_observe_yaml_says_so() -> None:
    """A service with one function and a group that Lambda did not name."""
    config = loads(
        "version: 1\nservices:\n"
        "  claims: {side: serverless, functions: [assess], log_groups: [/custom], idempotent: true}\n"
    )
    decision = decided(replace(FAILED, origin=replace(ORIGIN, log_group="/custom", service="claims")), config)
    assert (decision.reason, decision.function) == ("", "assess")


def test_what_nothing_tells_can_be_said() -> None:
    """Account and Region where lines tell none; they never win over what lines tell."""
    bare = replace(FAILED, origin=replace(ORIGIN, account="", region=""))
    decision = decided(bare, account="999999999999", region="us-gov-west-1")
    assert decision.arn == "arn:aws-us-gov:lambda:us-gov-west-1:999999999999:function:assess"
    assert decided(FAILED, account="999999999999").account == "123456789012"


def test_a_published_version_is_named_by_who_knows_what_runs_now() -> None:
    """The qualifier is handed on; $LATEST needs none."""
    versioned = replace(FAILED, origin=replace(ORIGIN, log_stream="2026/11/21/assess[12]8f5b"))
    assert decided(versioned, qualifier="live").qualifier == "live"
    assert decided(replace(FAILED, version="7")).reason == "version"


@pytest.mark.parametrize("state", ["started", "succeeded", "failed", "unknown"])
def test_what_was_made_again_is_not_made_again_by_itself(state: State) -> None:
    """Whatever became of it; --again insists."""
    replayed = replace(FAILED, replays=(Replay("req-1", state),))
    assert decided(replayed).reason == "already_replayed"
    assert decided(replayed, again=True).reason == ""


def test_what_lambda_did_not_run_is_no_replay() -> None:
    """It can be made again as if nothing had been."""
    assert decided(replace(FAILED, replays=(Replay("req-1", "not_invoked"),))).reason == ""


@pytest.mark.parametrize(
    ("event", "note"),
    [
        (events.http_api(), "its answer goes nowhere"),
        (events.sqs("{}"), "its source delivers"),
        ({"claim": 1}, ""),
    ],
)
def test_notes_say_what_to_think_of(event: Any, note: str) -> None:
    """An API's answer has no reader; a queue delivers by itself."""
    notes = decided(replace(FAILED, **told(json.dumps(event)))).notes
    assert [one.startswith(note) for one in notes] == ([True] if note else [])


def test_a_young_failure_may_still_be_tried_by_lambda() -> None:
    """Its two retries come within minutes."""
    (decision,) = plan([FAILED], CONFIG, Wish(), T0 + 10**9)
    assert "may still try it again" in decision.notes[0]


def test_of_a_chain_of_replays_only_the_last_is_made_again() -> None:
    """The same event would run twice in one plan."""
    chain = [
        replace(FAILED, request_id="one", replays=(Replay("one", "failed", "two"),)),
        replace(FAILED, request_id="two", replay_of="one", time_unix_nano=T0 + 1),
        replace(FAILED, request_id="other", time_unix_nano=T0 + 2),
    ]
    reasons = {d.failed.request_id: d.reason for d in plan(chain, CONFIG, Wish(again=True), LATER)}
    assert reasons == {"one": "superseded", "two": "", "other": ""}


def test_a_circle_of_replays_ends() -> None:
    """Lines can say anything."""
    circle = [replace(FAILED, request_id=a, replay_of=b) for a, b in (("one", "two"), ("two", "one"))]
    assert len(plan(circle, CONFIG, Wish(), LATER)) == 2


TEXTS = st.text(max_size=20) | st.sampled_from([EVENT, "[REDACTED]", "{", "null", "[" * 5_000])
SOME_MARKS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["redacted", "full", "keys", 1]),
        "bytes": st.integers(0, 30) | st.none(),
        **dict.fromkeys(("complete", "redacted", "truncated"), st.booleans() | st.none()),
    },
)


@given(
    TEXTS,
    SOME_MARKS,
    st.sampled_from([ORIGIN, replace(ORIGIN, log_group="/x", service="x"), replace(ORIGIN, account="")]),
    st.booleans(),
)
def test_only_what_is_known_byte_for_byte_is_ever_sent(
    text: str, marks: dict[str, Any] | None, origin: Origin, later: bool
) -> None:
    """Law: whatever is told, a plan never raises, and makes only complete, unchanged, declared ones again."""
    one = replace(FAILED, event=Told(text, marks), origin=origin, succeeded_later=later)
    decision = decided(one)
    assert decision.reason in ("", *REASONS)
    if not decision.reason:
        assert not later
        assert origin == ORIGIN
        if marks is not None:
            assert marks["complete"] is True
            assert (marks["bytes"], marks.get("mode")) != (None, "keys")
            assert marks["bytes"] == len(text.encode())
            assert not marks.get("redacted") and not marks.get("truncated")  # noqa: PT018
            assert "[REDACTED" not in text


# --- The mark -----------------------------------------------------------------------------------


def custom(encoded: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(base64.b64decode(encoded, validate=True))["custom"]
    return found


def test_the_mark_names_what_failed_and_its_trace() -> None:
    """The failed span is the parent, whatever the event carries."""
    assert custom(client_context(FAILED, debug=True)) == {
        semconv.REPLAY: "req-1",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "x-correlation-id": "desk-1",
        "baggage": "observe.debug=1",
    }
    assert custom(client_context(replace(FAILED, span_id="", correlation_id=""))) == {semconv.REPLAY: "req-1"}


@given(st.text(max_size=5_000))
def test_the_mark_fits_a_client_context(correlation_id: str) -> None:
    """Law: never more than Lambda takes, and always the request ID."""
    encoded = client_context(replace(FAILED, correlation_id=correlation_id))
    assert len(encoded) <= CLIENT_CONTEXT_MAX_BYTES
    assert custom(encoded)[semconv.REPLAY] == "req-1"


@pytest.mark.parametrize(
    ("event", "payload", "error", "state"),
    [
        ({}, b"null", "", "succeeded"),
        ({}, b'{"errorType": "ValueError", "errorMessage": "s3cret"}', "Unhandled", "failed"),
        ({}, b"not json", "Unhandled", "failed"),
        (events.http_api(), b'{"statusCode": 503, "body": "s3cret"}', "", "failed"),
        (events.http_api(), b'{"statusCode": 404}', "", "succeeded"),
        ({}, b'{"statusCode": 503}', "", "succeeded"),
    ],
)
def test_an_answer_is_judged_as_its_source_would(event: Any, payload: bytes, error: str, state: str) -> None:
    """An API's 5xx is a failure, of a function that was called directly a result; no payload is told."""
    judged, detail = judge(json.dumps(event), payload, error)
    assert judged == state
    assert (detail == "") == (state == "succeeded")
    assert "s3cret" not in detail


@given(st.binary(max_size=50), st.text(max_size=20), st.sampled_from(["", "Unhandled", "Handled"]))
def test_judging_never_raises(payload: bytes, event: str, error: str) -> None:
    """Law: a function may return anything."""
    assert judge(event, payload, error)[0] in ("succeeded", "failed")


@given(st.sampled_from(["started", "succeeded", "failed", "not_invoked", "unknown"]), st.text(), st.text())
def test_a_recorded_replay_reads_back(state: State, request_id: str, detail: str) -> None:
    """Law: replays_of(replay_line(x)) == x, and the line of its begin has the same event ID."""
    decision = decided(FAILED)
    line = replay_line(decision, Answer(state, request_id, detail), T0, LATER)
    assert replays_of([line]) == {"req-1": (Replay("req-1", state, request_id, T0, detail),)}
    assert line.event_id == replay_line(decision, Answer("started"), T0, T0).event_id
    assert line.event_id != replay_line(decision, Answer("started"), T0 + 1, T0).event_id
