"""Services that have nothing but a payload: what is put into it, where, and how much of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import settings
from observe.context import Context, extract, inject
from observe.services import eventbridge, firehose
from tests.observe.carriers.cases import CASES, CONTEXT, CONTEXTS, DELICATE, PAYLOADS, asked


@PAYLOADS
@given(context=CONTEXTS)
def test_what_is_sent_is_what_is_read(name: str, context: Context) -> None:
    """extract(read(write(c))) == c for every service that has a payload only."""
    with asked():
        carrier, make, _, read, _ = CASES[name]
        for text in ("{}", '{"claim":"CLM-1"}', DELICATE):
            params = make(text)
            assert extract(read(carrier.carry(params, context))) == context
            assert carrier.lost(params, context) == ""


@PAYLOADS
def test_the_payload_around_our_member_stays_as_it_is(opted: None, name: str) -> None:
    """Not one byte of the caller's is another one, in whatever type it was given."""
    carrier, make, payload, _, _ = CASES[name]
    before = payload(make(DELICATE))
    after = payload(carrier.carry(make(DELICATE), CONTEXT))
    mark = {"for": "stepfunctions"} if name == "stepfunctions" else {}
    member = '"_observe":' + json.dumps({**inject(CONTEXT), **mark}, separators=(",", ":")) + ","
    assert type(after) is type(before)
    assert after.replace(member if isinstance(after, str) else member.encode(), type(after)()) == before
    assert after.index(member[:11] if isinstance(after, str) else member[:11].encode()) == 3


@PAYLOADS
def test_what_is_no_object_is_left_alone(opted: None, name: str) -> None:
    """Text, lists, lines of objects, a member of the caller's own, and what is not JSON at all."""
    carrier, make, payload, _, _ = CASES[name]
    reasons = {
        "": "not_json",
        "[1]": "not_json",
        "{}\n{}": "not_json",
        "{claim}": "not_json",
        "\ufeff{}": "not_json",
    }
    for text, reason in {**reasons, '{"a":1,"_observe":"mine"}': "caller_has_own"}.items():
        params = make(text)
        assert payload(carrier.carry(params, CONTEXT)) == payload(params)
        assert carrier.lost(params, CONTEXT) == reason


@PAYLOADS
@given(left=st.integers(-2, 420), blank=st.booleans())
def test_no_limit_is_crossed(name: str, left: int, blank: bool) -> None:
    """However near to its limit a payload is, it does not get over it; what has no room is told."""
    with asked():
        carrier, make, payload, read, limit = CASES[name]
        text = "{" + " " * (limit - left - 2) + "}" if blank else '{"a":"' + "x" * (limit - left - 8) + '"}'
        params = make(text)
        carried = carrier.carry(params, CONTEXT)
        assert len(payload(carried)) <= max(limit, limit - left)
        assert carrier.carry(carried, CONTEXT) == carried
        reason = carrier.lost(params, CONTEXT)
        assert reason in ("", "too_large")
        assert (reason == "") == (
            b"_observe" in str(payload(carried)).encode() and extract(read(carried)) == CONTEXT
        )


@pytest.mark.parametrize(
    ("name", "limit"), [("events", 262_141), ("kinesis", 1024 * 1024 - 1), ("lambda-async", 262_144)]
)
@pytest.mark.parametrize("left", [0, 30, 100, 400])
def test_what_fits_a_smaller_limit_still_does(opted: None, name: str, limit: int, left: int) -> None:
    """A stream that was never raised over 1 MiB, a Region or a target behind that knows 256 KB only."""
    carrier, make, payload, _, _ = CASES[name]
    params = make("{" + " " * (limit - left - 2) + "}")
    assert len(payload(carrier.carry(params, CONTEXT))) <= limit


def test_entries_share_the_limit_of_their_request(opted: None) -> None:
    """A batch whose records together are near the limit stays under it."""
    text = b'{"a":"' + b"x" * 999_950 + b'"}'
    params = {"Records": [{"Data": text} for _ in range(4)]}
    assert sum(len(one["Data"]) for one in firehose.PUT_BATCH.carry(params, CONTEXT)["Records"]) <= 4_000_000
    assert firehose.PUT_BATCH.lost(params, CONTEXT) == "too_large"
    entries = {"Entries": [{"Detail": text.decode()[:80_000] + '"}'} for _ in range(3)]}
    sizes = [len(one["Detail"]) for one in eventbridge.carry(entries, CONTEXT)["Entries"]]
    assert sum(sizes) == 3 * 80_002 + 3 * (sizes[0] - 80_002)


def test_part_of_the_context_is_better_than_none(opted: None) -> None:
    """Without room for the baggage the two sides are still one trace."""
    carrier, make, _, read, limit = CASES["stepfunctions"]
    params = make("{" + " " * (limit - 2 - 150) + "}")
    found = extract(read(carrier.carry(params, CONTEXT)))
    assert (found.trace_id, found.correlation_id, found.baggage) == (CONTEXT.trace_id, "CLM-1", ())
    assert carrier.lost(params, CONTEXT) == "too_large"


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"events"}))
def test_a_payload_is_changed_only_where_that_was_asked_for(name: str) -> None:
    """Data is a contract between teams: by default it stays as it is, and the reason is told."""
    carrier, make, payload, _, _ = CASES[name]
    params = make('{"claim":1}')
    assert payload(carrier.carry(params, CONTEXT)) == payload(params)
    assert carrier.lost(params, CONTEXT) == ("" if name == "iot" else "opt_in")


def test_unknown_payload_carriers_are_named() -> None:
    """A typo is told and costs nothing else."""
    found = settings.Settings({"OBSERVE_PAYLOAD_CARRIERS": "Kinesis, kafka,,iot"})
    assert found.payload_carriers == {"kinesis", "iot"}
    assert "kafka" in found.problems[0]
