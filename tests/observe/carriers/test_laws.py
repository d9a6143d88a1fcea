"""Every carrier keeps the same promises, whatever it is given: the laws of CARRIERS."""

from __future__ import annotations

import binascii
import contextlib
import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from observe.context import Context
from observe.services import CARRIERS, carrier_of
from observe.source import LOST, OWN
from tests.observe.carriers.arbitrary import model_of, parameters, refusal, written
from tests.observe.carriers.cases import CONTEXT, CONTEXTS, Params, asked
from tests.observe.test_services import PARAMS

KEYS = pytest.mark.parametrize("key", CARRIERS, ids=lambda key: ".".join(key))
#: Those that carry nothing at all: what is told of them is their receipt.
EMPTY = {("s3", "CompleteMultipartUpload")}


def test_every_carrier_is_tested() -> None:
    """A carrier without examples would keep any promise."""
    assert PARAMS.keys() == CARRIERS.keys()
    assert all(PARAMS.values())


@KEYS
def test_a_carrier_carries(opted: None, key: tuple[str, str]) -> None:
    """Of the examples, at least the first is one that gets the trace: else the laws say nothing."""
    carrier = carrier_of(*key)
    assert carrier is not None
    assert _has(carrier.carry(PARAMS[key][0], CONTEXT), CONTEXT) == (key not in EMPTY)
    assert not _has(PARAMS[key][0], CONTEXT)


@KEYS
def test_every_promise_holds_when_asked_too(opted: None, key: tuple[str, str]) -> None:
    """The caller's parameters stay, twice is once, and what is lost has one of the reasons; None, too, is the
    caller's, which botocore refuses."""
    carrier = carrier_of(*key)
    assert carrier is not None
    unset = [{**PARAMS[key][0], name: None} for name in model_of(*key).input_shape.members]
    for params in [*PARAMS[key], *unset]:
        before = copy.deepcopy(params)
        once = carrier.carry(params, CONTEXT)
        assert refusal(*key, once) == refusal(*key, params)
        assert carrier.lost(params, CONTEXT) in {"", *LOST}
        assert params == before
        assert carrier.carry(once, CONTEXT) == once
        assert carrier.lost(once, CONTEXT) == carrier.lost(params, CONTEXT)
        assert carrier.ids({}) == []


@pytest.mark.parametrize("is_asked", [False, True], ids=["by default", "asked for"])
@KEYS
def test_the_laws_of_a_carrier(key: tuple[str, str], is_asked: bool) -> None:
    """For any parameters of botocore's model, and for wrong ones: nothing of the caller's is changed or lost,
    twice is once, no limit is crossed, and what botocore refuses it still refuses in the same words.
    """
    carrier = carrier_of(*key)
    assert carrier is not None
    carried = 0

    @settings(max_examples=50, suppress_health_check=list(HealthCheck))
    @example(PARAMS[key][0], CONTEXT)
    @given(parameters(*key), CONTEXTS)
    def law(params: Params, context: Context) -> None:
        nonlocal carried
        before = copy.deepcopy(params)
        once = carrier.carry(params, context)
        assert params == before
        _assert_within(params, once)
        assert carrier.carry(once, context) == once
        lost = carrier.lost(params, context)
        assert lost in {"", *LOST}
        assert (carrier.lost(once, context) == "") >= (lost == "")
        name, attributes = carrier.describe(params)
        assert isinstance(name, str)
        assert all(isinstance(value, str | int) for value in attributes.values())
        assert refusal(*key, once) == refusal(*key, params)
        _assert_limits(key, params, once)
        if not refusal(*key, params):
            _assert_writable(key, params, once)
        carried += _has(once, context)

    with asked() if is_asked else contextlib.nullcontext():
        law()
    assert (carried > 0) == (key not in EMPTY and (is_asked or not _lost_by_default(key)))


def _lost_by_default(key: tuple[str, str]) -> bool:
    """Whether nothing of the context goes with a call unless that is asked for."""
    return key[0] in ("kinesis", "firehose", "dynamodb")


def _has(params: Any, context: Context) -> bool:
    """Whether parameters have the trace, as W3C or X-Ray write it, be it in base64."""
    encoded = params.get("ClientContext") if isinstance(params, dict) else None
    shown = repr(params) + (_plain(encoded) if isinstance(encoded, str) else "")
    return context.trace_id[8:] in shown


def _plain(encoded: str) -> str:
    try:
        return binascii.a2b_base64(encoded).decode("utf-8", "replace")
    except ValueError:
        return encoded


def _assert_within(before: Any, after: Any) -> None:
    """Whatever was there is there, with its type and in its place; of texts all around what was put in."""
    if isinstance(before, bytearray):
        before, after = bytes(before), bytes(after)
    assert type(after) is type(before)
    if isinstance(before, dict):
        for name, value in before.items():
            if name != OWN:  # an item that is written again: who wrote it before
                _assert_within(value, after[name])
    elif isinstance(before, list):
        assert len(after) >= len(before)
        for one, other in zip(before, after, strict=False):
            _assert_within(one, other)
    elif isinstance(before, str | bytes) and before != after:
        if isinstance(before, str) and "{" not in before and _plain(before).startswith("{"):
            before, after = _plain(before), _plain(after)
        same = next((n for n, (b, a) in enumerate(zip(before, after, strict=False)) if b != a), len(before))
        assert after.endswith(before[same:])
    else:
        assert after == before


def _assert_limits(key: tuple[str, str], before: Params, after: Params) -> None:
    """No limit is crossed by us: counted as the services do, and not by the carriers' own code."""
    for old, new in _messages(before, after):
        for most, size in _SIZES:
            assert size(new) <= max(most, size(old)), (most, key)


def _messages(before: Any, after: Any) -> list[tuple[Any, Any]]:
    """The parameters, and the entries of a batch, before and after."""
    found = [(before, after)]
    for name in ("Entries", "PublishBatchRequestEntries", "Records"):
        entries = before.get(name)
        if isinstance(entries, list):
            found += [pair for pair in zip(entries, after[name], strict=True) if isinstance(pair[0], dict)]
    return found


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, bytes | bytearray) else 0


def _of(name: str, count: Any) -> Any:
    """A count of the parameter `name`, 0 where it is of another type."""

    def size(params: Any) -> int:
        try:
            found: int = count(params[name])
        except (AttributeError, KeyError, TypeError, ValueError):
            found = 0
        return found

    return size


_SIZES = [
    (10, _of("MessageAttributes", lambda attributes: len(attributes.keys()))),
    (2048, _of("Metadata", lambda m: sum(_length(k) + _length(v) for k, v in m.items()))),
    (10, _of("Tagging", lambda tags: len([pair for pair in tags.split("&") if pair]))),
    (3583, _of("ClientContext", _length)),
    (1_000_000, _of("Payload", _length)),
    (262_144, _of("input", _length)),
    (131_072, _of("payload", _length)),
    (1_000_000, _of("Detail", _length)),
    (10_485_760, _of("Data", _length)),
]


def _assert_writable(key: tuple[str, str], before: Params, after: Params) -> None:
    """What botocore could write it can write still."""
    try:
        written(*key, copy.deepcopy(before))
    except Exception:
        return
    written(*key, after)
