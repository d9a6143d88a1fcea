"""Business keys: the mark is an HMAC, said at once, once, and never the key itself."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import guard, ids, settings
from observe.testing import Lines
from tests.observe.running import run, sqs_event

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = {"traceparent": f"00-{TRACE}-{'b' * 16}-01", "x-correlation-id": "CLM-1"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVE_KEY_SECRET", "s3cret")
    settings.reset()


def _marks(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines.logs if line.get("event") == "observe.key"]


@given(st.text(max_size=200), st.text(max_size=100))
def test_a_mark_is_the_standard_librarys_hmac(value: str, secret: str) -> None:
    """Whoever implements it elsewhere may use any HMAC-SHA-256."""
    message = b"claim=" + value.strip(" \t\r\n").encode("utf-8", "replace")
    expected = hmac.new(secret.encode("utf-8", "replace"), message, "sha256").hexdigest()[:32]
    assert ids.key_mark("claim", value, secret) == f"claim={expected}"


def test_a_key_marks_the_trace_in_one_line(lines: Lines) -> None:
    """The line has the request's identity and the mark; the key is nowhere in it."""
    run(sqs_event(SENDER), lambda event, context: observe.key(claim="CLM-889123", policy=77))
    (line,) = _marks(lines)
    assert line["keys"] == [
        ids.key_mark("claim", "CLM-889123", "s3cret"),
        ids.key_mark("policy", "77", "s3cret"),
    ]
    assert (line["trace_id"], line["correlation_id"]) == (TRACE, "CLM-1")
    assert line["requestId"]
    assert not any(b"889123" in raw for raw in lines.raw)


def test_the_same_key_is_said_once_an_invocation(lines: Lines) -> None:
    """A loop over the lines of one claim costs one line, and the next invocation says it again."""

    def handler(event: object, context: object) -> None:
        for _ in range(3):
            observe.key(claim="CLM-1")

    run({}, handler)
    assert len(_marks(lines)) == 1
    run({}, handler)
    assert len(_marks(lines)) == 2


def test_without_a_secret_it_marks_and_warns_once(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark without a secret can be guessed: said, in one line a process."""
    monkeypatch.delenv("OBSERVE_KEY_SECRET")
    settings.reset()
    observe.key(claim="CLM-1")
    observe.key(claim="CLM-2")
    assert [line["keys"] for line in _marks(lines)] == [
        [ids.key_mark("claim", n, "")] for n in ("CLM-1", "CLM-2")
    ]
    assert [line["event"] for line in lines.logs].count("observe.key_secret_missing") == 1


class _Broken:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value", [None, "", " \n", b"", _Broken(), "\udcff", float("nan"), [], "x" * 100_000]
)
def test_no_value_breaks_a_handler(lines: Lines, value: object) -> None:
    """Blank values mark nothing; whatever has a text marks; nothing raises."""
    assert run({}, lambda event, context: observe.key(claim=value) or "result") == "result"  # type: ignore[func-returns-value]
    blank = value is None or (isinstance(value, str) and not value.strip())
    assert len(_marks(lines)) == (0 if blank else 1)


@pytest.mark.parametrize("name", ["claim-number", "", "x" * 65, "1st", "é", "a b", "a=b"])
def test_a_bad_name_is_left_out_and_said(lines: Lines, name: str) -> None:
    """The other keys of the call are marked all the same."""
    observe.key(**{name: "v", "claim": "CLM-1"})
    assert _marks(lines)[0]["keys"] == [ids.key_mark("claim", "CLM-1", "s3cret")]
    assert guard.faults


def test_names_are_compared_without_case(lines: Lines) -> None:
    """Claim and claim are one name."""
    observe.key(Claim="CLM-1")
    assert _marks(lines)[0]["keys"] == [ids.key_mark("claim", "CLM-1", "s3cret")]


def test_in_json_mode_no_filter_drops_it(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line leads with the level that Lambda's filter lets through."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "ERROR")
    settings.reset()
    observe.key(claim="CLM-1")
    assert _marks(lines)[0]["level"] == "ERROR"


def test_disabled_says_nothing(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """OBSERVE_DISABLED is the bare handler."""
    monkeypatch.setenv("OBSERVE_DISABLED", "1")
    settings.reset()
    observe.key(claim="CLM-1")
    assert not lines.raw
