# ruff: noqa: E501 - tables of cases, one a line
"""What leaves is without secrets, and each removal is told with its rule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.redaction import MARK
from subscribers.config import Redaction, loads
from subscribers.controls_redaction import DETECTORS, Redactor
from subscribers.controls_rules import MARK_SIGN
from subscribers.signals import Link, Log, Metric, Span
from tests.subscribers.lambda_stream import told
from tests.subscribers.samples import log, origin, span

CARD = "4111 1111 1111 1111"
IBAN = "DE89370400440532013000"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
AWS = "AKIAIOSFODNN7EXAMPLE"
TOKEN = "ghp_" + "a1B2" * 9
NR = Redactor(
    loads(
        'version: 1\nredaction: {keys: [policyHolder, "*_nr", "kunde*", "*geheim*", "*Pid"], exempt: [sessionId],'
        ' patterns: {claim: "CLM-[0-9]+", ssn: {regex: "([0-9]{3})-[0-9]{2}-[0-9]{4}", replace: "<ssn>"}}}'
    ).redaction
)
PLAIN = Redactor()

Removal = tuple[str, str, str]


def message(text: str, redactor: Redactor = NR) -> tuple[str, list[tuple[str, str]]]:
    """(a message without secrets, the rules with what they removed)."""
    seen: list[Removal] = []
    kept = redactor.signal(log("m", message=text), lambda *removal: seen.append(removal))
    assert isinstance(kept, Log)
    assert all(field == "message" for _, field, _ in seen)
    return kept.message, [(rule, text) for rule, _, text in seen]


def attributes(tree: dict[str, Any], redactor: Redactor = NR) -> tuple[dict[str, Any], list[Removal]]:
    seen: list[Removal] = []
    kept = redactor.signal(log("m", attributes=tree), lambda *removal: seen.append(removal))
    assert isinstance(kept, Log)
    return kept.attributes, seen


TEXTS = [
    ("nothing to see", "nothing to see", []),
    ("password=hunter2 and more", f"password={MARK} and more", [("names", "hunter2")]),
    (f"paid with {CARD}.", f"paid with {MARK}.", [("card", CARD)]),
    (f"cardNumber={CARD.replace(' ', '')}", f"cardNumber={MARK}", [("names", CARD.replace(" ", ""))]),
    (f"to {IBAN} now", f"to {MARK} now", [("iban", IBAN)]),
    (f"got {JWT}", f"got {MARK}", [("jwt", JWT)]),
    (f"as {AWS}", f"as {MARK}", [("aws_key", AWS)]),
    (f"with {TOKEN}!", f"with {MARK}!", [("token", TOKEN)]),
    ("sent Bearer abcdefgh12345678 on", f"sent Bearer {MARK} on", [("token", "abcdefgh12345678")]),
    ("postgres://u:hunter2@db.example.com/x", f"postgres://u:{MARK}@db.example.com/x", [("url_password", "hunter2")]),
    ("mail jane.doe@example.co.uk, now", "mail [REDACTED:email], now", [("email", "jane.doe@example.co.uk")]),
    ("?to=jane%40example.com&x=1", "?to=[REDACTED:email]&x=1", [("email", "jane%40example.com")]),
    ("a@b is none, nor @user, nor x@localhost", "a@b is none, nor @user, nor x@localhost", []),
    ("claim CLM-889123 of 123-45-6789", "claim [REDACTED:claim] of <ssn>", [("pattern:claim", "CLM-889123"), ("pattern:ssn", "123-45-6789")]),
    ("policyHolder=Jane", f"policyHolder={MARK}", [("keys", "Jane")]),
    ("vertrag_nr=42, Vertrag-NR: 43", f"vertrag_nr={MARK}, Vertrag-NR: {MARK}", [("keys", "42"), ("keys", "43")]),
    ("kundenname='J D' nr=1", f"kundenname='{MARK}' nr=1", [("keys", "J D")]),
    ("vertragNr=1 VERTRAG-NR=2 konr=3 nr=4", f"vertragNr={MARK} VERTRAG-NR={MARK} konr=3 nr=4", [("keys", "1"), ("keys", "2")]),
    ("userPid=1 USER_PID=2 rapid=3", f"userPid={MARK} USER_PID={MARK} rapid=3", [("keys", "1"), ("keys", "2")]),
    ("x.sehr_geheimes=1 ok", f"x.sehr_geheimes={MARK} ok", [("keys", "1")]),
    ('{"pin":1234,"x":"y"}', f'{{"pin":"{MARK}","x":"y"}}', [("names", "1234")]),
    ('{"sessionId":"abc","token":"t"}', f'{{"sessionId":"abc","token":"{MARK}"}}', [("names", "t")]),
    ("<wsse:Password Type='x'>abc</wsse:Password>", f"<wsse:Password Type='x'>{MARK}</wsse:Password>", [("names", "abc")]),
    (f"x {MARK} password=a b={MARK}", f"x {MARK} password={MARK} b={MARK}", [("names", "a")]),
    (f"password={MARK}", f"password={MARK}", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kept", "removed"), TEXTS)
def test_each_rule_is_told(text: str, kept: str, removed: list[tuple[str, str]]) -> None:
    """The text without the secret, the rule that it fell to, and the secret itself for the dry run."""
    assert message(text) == (kept, removed)


@pytest.mark.parametrize("text", [text for text, _, _ in TEXTS])
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    """Twice is once: lines of the layer come redacted already."""
    once, _ = message(text)
    assert message(once)[0] == once


def test_a_tree_is_redacted_by_its_names() -> None:
    """Objects, lists, pairs and parameters; each removal is told with its place."""
    kept, seen = attributes(
        {
            "user": {
                "password": "x",
                "ok": True,
                "tokens": ["a", "b"],
                "name": "policyHolder",
                "value": "Jane",
            },
            "headers": [["authorization", "Basic dTpw"], ["host", "a"]],
            "body": "cGFzc3dvcmQ9aHVudGVyMg==",
            "number": 4111111111111111,
            "session": {"iban": IBAN},
            "sessionId": "abc",
            "note": f"CLM-1 and {CARD}",
        }
    )
    assert kept == {
        "user": {"password": MARK, "ok": True, "tokens": [MARK, MARK], "name": "policyHolder", "value": MARK},
        "headers": [["authorization", MARK], ["host", "a"]],
        "body": MARK,
        "number": MARK,
        "session": {"iban": MARK},
        "sessionId": "abc",
        "note": f"[REDACTED:claim] and {MARK}",
    }
    assert [(rule, field) for rule, field, _ in seen] == [
        ("names", "attributes.user.password"),
        ("names", "attributes.user.tokens[0]"),
        ("names", "attributes.user.tokens[1]"),
        ("keys", "attributes.user.value"),
        ("names", "attributes.headers[0][1]"),
        ("encoded", "attributes.body"),
        ("card", "attributes.number"),
        ("names", "attributes.session.iban"),
        ("pattern:claim", "attributes.note"),
        ("card", "attributes.note"),
    ]


def test_names_that_are_secrets_themselves() -> None:
    """Two names may become one, which is numbered; what they hold is still looked at."""
    kept, seen = attributes({"4111111111111111 x": "a", "CLM-1": 1, "CLM-2": "password=y"})
    assert kept == {f"{MARK} x": "a", "[REDACTED:claim]": 1, "[REDACTED:claim] 2": f"password={MARK}"}
    assert sorted(rule for rule, _, _ in seen) == ["card", "names", "pattern:claim", "pattern:claim"]


SECRET = "password=hunter2"
CLEAN = f"password={MARK}"


def test_no_value_is_lost_where_names_become_one() -> None:
    """They are numbered, and what was called so already is, too."""
    tree = {
        "[REDACTED:email] 2": 0,
        "a@example.com": 1,
        "b@example.com": {"c@example.com": 2, "d@example.com": 3},
        "n": 4,
    }
    kept, _ = attributes(tree, PLAIN)
    mark = "[REDACTED:email]"
    assert kept == {f"{mark} 2": 0, mark: 1, f"{mark} 3": {mark: 2, f"{mark} 2": 3}, "n": 4}


def test_every_text_of_a_signal_is_covered() -> None:
    """Messages, errors, stacks, span names, status, events, links, names and tags of metrics, set members."""
    kept = PLAIN.signal(
        log("m", message=SECRET, error_type=SECRET, error_message=SECRET, error_stack=f"at x\n{SECRET}"),
        ignore,
    )
    assert isinstance(kept, Log)
    assert (kept.message, kept.error_type, kept.error_message) == (CLEAN, CLEAN, CLEAN)
    assert kept.error_stack == f"at x\n{CLEAN}"
    events = ({"name": SECRET, "time_unix_nano": 1, "attributes": {"pin": "1"}},)
    links = (Link("a" * 32, "b" * 16, {"x": SECRET}), Link("c" * 32, "d" * 16, {}))
    one = PLAIN.signal(
        span(
            SECRET,
            status_message=SECRET,
            attributes={"db.password": "x"},
            events=events,
            links=links,
        ),
        ignore,
    )
    assert isinstance(one, Span)
    assert (one.name, one.status_message, one.attributes) == (CLEAN, CLEAN, {"db.password": MARK})
    assert one.events == ({"name": CLEAN, "time_unix_nano": 1, "attributes": {"pin": MARK}},)
    assert [link.attributes for link in one.links] == [{"x": CLEAN}, {}]
    metric = PLAIN.signal(
        Metric(
            event_id="m:0", origin=origin(), time_unix_nano=1, name=SECRET, kind="set", value=1,
            tags={"token": "t", "url": "postgres://u:pw@h/x", "ok": "1"}, set_member="jane@example.com",
        ),
        ignore,
    )  # fmt: skip
    assert isinstance(metric, Metric)
    assert (metric.name, metric.set_member) == (CLEAN, "[REDACTED:email]")
    assert metric.tags == {"token": MARK, "url": f"postgres://u:{MARK}@h/x", "ok": "1"}


def ignore(*_: str) -> None:
    """Nobody counts."""


def test_what_is_clean_is_the_very_same() -> None:
    """Nothing is copied where nothing is redacted, and identities are left alone."""
    for signal in (
        log(
            "m",
            correlation_id="4111111111111111",
            attributes={"traceId": "4111111111111111", "n": [1, {"a": "b"}]},
        ),
        span("s", attributes={"http.route": "/a"}, events=({"name": "x", "attributes": {}},)),
    ):
        assert PLAIN.signal(signal, ignore) is signal


@pytest.mark.parametrize("off", DETECTORS)
def test_a_detector_can_be_switched_off(off: str) -> None:
    """What only it would remove stays; the others, and names, remove what they did."""
    texts = {
        "card": CARD, "iban": IBAN, "jwt": JWT, "aws_key": AWS, "token": TOKEN,
        "url_password": "ftp://u:pw@h.example/x", "email": "jane@example.com",
    }  # fmt: skip
    redactor = Redactor(Redaction(built_in=tuple(name for name in DETECTORS if name != off)))
    assert off not in redactor.rules
    for name, text in texts.items():
        kept, removed = message(f"a {text} b", redactor)
        assert (kept == f"a {text} b") == (name == off)
        assert [rule for rule, _ in removed] == ([] if name == off else [name])
    assert message(f"password={texts[off]}", redactor)[0].startswith(f"password={MARK}")
    number = {"n": 4111111111111111}
    assert attributes(number, redactor)[0] == (number if off == "card" else {"n": MARK})


def test_the_rules_have_names() -> None:
    """What is active can be printed."""
    assert PLAIN.rules == ("names", "encoded", *DETECTORS)
    assert NR.rules == ("names", "encoded", "keys", *DETECTORS, "pattern:claim", "pattern:ssn")


def test_our_marks_are_nobody_elses() -> None:
    """A line that has the sign of a mark in it cannot pass as one."""
    kept, removed = message(f"{MARK_SIGN}\ue000 CLM-1")
    assert MARK_SIGN not in kept
    assert kept.count("[REDACTED:claim]") == kept.count("REDACTED") == 1
    assert len(removed) == 1


pieces = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from([SECRET, CARD, IBAN, JWT, AWS, MARK, MARK_SIGN, "CLM-12", "a@b.example", '"', "\\", "\\u0070",
                         "=", ":", "pin", "vertrag_nr", "{", "}", "[", "]", ",", "\n", "ftp://u:p@h", " "]),
    ),
    max_size=9,
)  # fmt: skip
texts = pieces.map("".join)
trees = st.recursive(
    st.one_of(texts, st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(texts, st.dictionaries(texts, trees, max_size=4), st.sampled_from([PLAIN, NR]))
def test_anything_can_be_redacted(text: str, tree: dict[str, Any], redactor: Redactor) -> None:
    """It never raises, leaves no sign of ours behind, keeps the input, and changes nothing it does not tell."""
    seen: list[Removal] = []
    before = json.dumps(tree)
    signal = log("m", message=text, attributes=tree)
    kept = redactor.signal(signal, lambda *removal: seen.append(removal))
    assert isinstance(kept, Log)
    assert json.dumps(tree) == before
    assert MARK_SIGN not in kept.message
    assert {rule for rule, _, _ in seen} <= set(redactor.rules)
    has_sign = MARK_SIGN in text + json.dumps(tree, ensure_ascii=False)
    assert seen or has_sign or (kept.message, json.dumps(kept.attributes)) == (text, before)


@given(st.text(alphabet=st.characters(categories=["Ll", "Nd", "Po", "Zs"]), max_size=20), texts)
def test_a_card_never_survives(before: str, after: str) -> None:
    """Wherever it stands alone."""
    kept, _ = message(f"{before} {CARD} {after}")
    assert kept.count(CARD) <= after.count(CARD)


def redacts(redactor: Redactor, lines: Iterable[str]) -> bool:
    return any(redactor.signal(signal, ignore) is not signal for signal in told(*lines).signals)


NAMES = st.sampled_from(
    [
        "password",
        "api_key",
        "X-Auth",
        "note",
        "body",
        "name",
        "value",
        "vertrag_nr",
        "items",
        "a",
        "cardNumber",
    ]
)
documents = st.dictionaries(NAMES, trees, max_size=4)


@given(st.one_of(texts, documents.map(lambda tree: json.dumps({"level": "INFO", "message": "m", **tree}))))
def test_a_line_that_is_not_suspect_tells_no_secret(line: str) -> None:
    """So that a reader of lines need not make signals of those that are clean."""
    for redactor in (PLAIN, NR):
        assert redactor.suspects(line) or not redacts(redactor, [line])


def test_a_pattern_with_an_anchor_makes_every_line_suspect() -> None:
    """A value's beginning is somewhere in the line."""
    anchored = Redactor(Redaction(patterns={"x": {"regex": "^[a-z]{9}$", "replace": ""}}))
    assert anchored.suspects("anything")
    assert not PLAIN.suspects('{"level":"INFO","message":"claim accepted"}')


def test_a_long_secret_between_others() -> None:
    """A private key is one part, however long."""
    key = f"-----BEGIN PRIVATE KEY-----\n{'MIIE' * 1200}\n-----END PRIVATE KEY-----"
    kept, removed = message(f"pin=1 and {key} and {CARD}")
    assert kept == f"pin={MARK} and {MARK} and {MARK}"
    assert removed == [("names", "1"), ("token", key), ("card", CARD)]


def test_a_text_with_very_many_secrets() -> None:
    """All of them are gone and told; not each is judged."""
    kept, removed = message(f"{CARD}; " * 1500)
    assert kept == f"{MARK}; " * 1500
    assert [text for _, text in removed] == [CARD] * 1500
    assert [rule for rule, _ in removed] == ["card"] * 1000 + ["names"] * 500


def test_an_event_that_is_redacted_here_is_no_longer_complete() -> None:
    """What is stored is not what was delivered: a replay would send something else."""
    marks = {"complete": True, "redacted": False, "truncated": False, "bytes": 9}
    tree = {"event": "observe.invocation_event", "invocation_event": {**marks, "json": '{"password":"x9"}'}}
    kept, removals = attributes(tree)
    assert removals
    told = kept["invocation_event"]
    assert (told["complete"], told["redacted"], told["bytes"]) == (False, True, 9)
    tree["invocation_event"] = {**marks, "json": '{"claim":1}'}
    assert attributes(tree) == (tree, [])
