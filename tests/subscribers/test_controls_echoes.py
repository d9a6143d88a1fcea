# ruff: noqa: E501 - lines as servers wrote them
"""What attributes have lost is gone from the texts beside them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.redaction import MARK
from subscribers.config import Redaction, loads
from subscribers.controls import Controls
from subscribers.controls_redaction import Redactor
from subscribers.lane_redaction import Guarded
from subscribers.parse import custom, named
from subscribers.parsers.page import Format, Parsed
from subscribers.signals import Log, Span
from tests.subscribers.formats.test_records import page
from tests.subscribers.samples import log, span

AMOUNT = Redactor(Redaction(keys=("amount", "claim_secret")))
PLAIN = Redactor()


def said(text: str, redactor: Redactor = AMOUNT, **attributes: Any) -> tuple[str, list[str]]:
    """(a message that stands beside attributes, the rules of what went from it)."""
    seen: list[tuple[str, str]] = []
    kept = redactor.signal(
        log("m", message=text, attributes=attributes), lambda rule, field, _: seen.append((rule, field))
    )
    assert isinstance(kept, Log)
    return kept.message, [rule for rule, field in seen if field == "message"]


@pytest.mark.parametrize(
    ("text", "attributes", "kept", "rules"),
    [
        ("bob,hunter2,login", {"csv.password": "hunter2"}, f"bob,{MARK},login", ["names"]),
        ("a claim7 b claim7", {"claim_secret": "claim7"}, f"a {MARK} b {MARK}", ["keys", "keys"]),
        ("hunter2 is a part of hunter2hunter2", {"tokens": ["hunter2", "hunter2hunter2"]}, f"{MARK} is a part of {MARK}", ["names", "names"]),
        ("bobhunter2login", {"password": "hunter2"}, f"bob{MARK}login", ["names"]),
        ("cvv abc of abcd, xabc", {"cvv": "abc"}, f"cvv {MARK} of abcd, xabc", ["names"]),
        ("bob,7,login 7 times,77", {"pin": "7"}, f"bob,{MARK},login 7 times,77", ["names"]),
        ('"7"|7;x\t7', {"pin": "7"}, f'"{MARK}"|{MARK};x\t{MARK}', ["names"] * 3),
        ('x,"a ""b"" c",y', {"password": 'a "b" c'}, f'x,"{MARK}",y', ["names"]),
        ('"a \\"b\\" c"', {"password": 'a "b" c'}, f'"{MARK}"', ["names"]),
        ('"a \\x22b\\x22 \\xc3\\xa9"', {"password": 'a "b" é'}, f'"{MARK}"', ["names"]),
        ("sid=1;#20q#3D2 x", {"cookie": "sid=1; q=2"}, f"{MARK} x", ["names"]),
        ("a Digest+u%3D%22me%22 b", {"authorization": 'Digest u="me"'}, f"a {MARK} b", ["names"]),
        ("<k>a&amp;b&lt;c</k>", {"apiKey": "a&b<c"}, f"<k>{MARK}</k>", ["names"]),
        ("line one\\nline two", {"secret": "line one\nline two"}, MARK, ["names"]),
        ("pin 1234 of 12345 in 2026", {"pin": 1234}, f"pin {MARK} of {MARK} in 2026", ["names", "names"]),
        ("x 0001250 y 12.50 z 1,2 125", {"amount": 12.5}, f"x {MARK} y {MARK} z 1,2 {MARK}", ["keys"] * 3),
        ("x 00012C y 00012L z 00012s 12D", {"amount": -123}, f"x {MARK} y {MARK} z {MARK} 12D", ["keys"] * 3),
        ("paid 1 of 10, 1,2", {"amount": 1}, f"paid 1 of 10, {MARK},2".replace(f", {MARK}", ", 1"), []),
        ("a,1,b", {"amount": 1}, f"a,{MARK},b", ["keys"]),
        ('{"amount": 1234,"x":1}', {"amount": 1234}, f'{{"amount": "{MARK}","x":1}}', ["keys"]),
        ("x 1234567890123456789 y", {"amount": "12345678901234567.89"}, f"x {MARK} y", ["keys"]),
        ("deep hunter2 and 4711", {"password": {"a": ["hunter2", {"b": 4711}], "c": None}}, f"deep {MARK} and {MARK}", ["names", "names"]),
        ("sid=abcd; theme=dark", {"http.request.header.cookie": "sid=abcd; theme=dark"}, MARK, ["names"]),
        ("GET /?password=hunter2&x=1 hunter2", {"url.query": "password=hunter2&x=1"}, f"GET /?password={MARK}&x=1 {MARK}", ["names", "names"]),
        ("True is REDACTED", {"claim_secret": True, "password": "REDACTED"}, "True is REDACTED", []),
        ("nothing of it", {"password": "hunter2", "pin": 0, "token": ""}, "nothing of it", []),
        ("a card 99411111111111111188", {"card": 4111111111111111}, f"a card {MARK}", ["card"]),
    ],
)  # fmt: skip
def test_what_a_message_says_again_is_gone(
    text: str, attributes: dict[str, Any], kept: str, rules: list[str]
) -> None:
    """However it is written; short ones only where they stand alone, so that the rest can be read."""
    assert said(text, **attributes) == (kept, rules)


def test_errors_and_spans_lose_it_too() -> None:
    """Every text of the signal itself."""
    kept = PLAIN.signal(
        log(
            "m",
            message="no",
            error_type="E-hunter2",
            error_message="hunter2?",
            error_stack="at hunter2\nx",
            attributes={"password": "hunter2"},
        ),
        lambda *_: None,
    )
    assert isinstance(kept, Log)
    assert (kept.error_type, kept.error_message) == (f"E-{MARK}", f"{MARK}?")
    assert kept.error_stack == f"at {MARK}\nx"
    one = PLAIN.signal(
        span("GET /hunter2", status_message="hunter2", attributes={"password": "hunter2"}), lambda *_: None
    )
    assert isinstance(one, Span)
    assert (one.name, one.status_message) == (f"GET /{MARK}", MARK)


def test_a_detector_that_is_off_takes_nothing_from_the_message() -> None:
    """What the attribute keeps may stay beside it."""
    off = Redactor(Redaction(built_in=()))
    assert said("card 4111111111111111", off, card=4111111111111111) == ("card 4111111111111111", [])


SERVERS: list[tuple[str, dict[str, Any], str]] = [
    ("csv", {"csv": {"columns": ["user", "password", "action"]}}, "bob,hunter2,login"),
    ("csv with quotes", {"csv": {"columns": ["user", "password", "action"]}}, 'bob,"x""hunter2",login'),
    ("fixed_width", {"fixed_width": [{"name": "user", "start": 1, "length": 4}, {"name": "password", "start": 5, "length": 7}]}, "janehunter2login"),
    ("fixed_width, EBCDIC", {"fixed_width": [{"name": "user", "start": 1, "length": 4}, {"name": "password", "start": 5, "length": 7}], "encoding": "cp037"}, "janehunter2".encode("cp037").hex()),
    ("grok", {"grok": "%{WORD:user} %{WORD:password} %{GREEDYDATA:what}"}, "bob hunter2 in"),
    ("haproxy header", {"haproxy": "%ci [%tr] %Ta %ST %[req.hdr(authorization)] x %{+Q}r"}, '203.0.113.9 [21/Nov/2026:03:30:10.123] 100 200 hunter2 x "GET / HTTP/1.1"'),
    ("haproxy cookie", {"haproxy": "%ci [%tr] %Ta %ST %CC %{+Q}r"}, '203.0.113.9 [21/Nov/2026:03:30:10.123] 100 200 JSESSIONID=#22hunter2 "GET / HTTP/1.1"'),
    ("apache", {"apache": '%h %t "%r" %>s %D "%{Authorization}i" "%{Cookie}i"'}, '203.0.113.9 [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 9 "Digest a=\\"hunter2\\"" "theme=hunter2"'),
    ("nginx", {"nginx": '$remote_addr [$time_local] $status $request_time "$http_authorization" "$http_x_api_key"'}, '203.0.113.9 [21/Nov/2026:03:30:10 +0000] 200 0.1 "Digest \\x22hunter2\\x22" "hunter2"'),
]  # fmt: skip
BUILT_IN = [
    ("csv", "user,password,action\nbob,hunter2,login"),
    ("iis", "#Fields: date time cs-method cs-uri-stem sc-status time-taken cs(Cookie)\n2026-11-21 03:30:10 GET /a 200 46 theme=hunter2;+b"),
    ("api_gateway", '{"requestId":"a","requestTimeEpoch":1795231810123,"httpMethod":"GET","path":"/x","status":200,"password":"hunter2"}'),
]  # fmt: skip


def redacted(format: Format, *lines: str) -> Parsed:
    parsed = format(page(*lines))
    other = Parsed(signals=[*parsed.signals])
    Controls(loads("version: 1\n")).apply(parsed)
    Guarded(Controls(loads("version: 1\n"))).apply(other, None)
    assert other.signals == parsed.signals
    return parsed


@pytest.mark.parametrize(
    ("options", "line"), [case[1:] for case in SERVERS], ids=[case[0] for case in SERVERS]
)
def test_no_column_tells_its_secret_in_the_whole_line(options: dict[str, Any], line: str) -> None:
    """Formats whose message is the line."""
    format = custom(options)
    assert format is not None
    parsed = redacted(format, line)
    assert parsed.signals
    assert "hunter2" not in repr(parsed.signals)
    assert parsed.notes["redacted.names"] >= 2


@pytest.mark.parametrize(("name", "lines"), BUILT_IN)
def test_nor_does_a_line_of_a_known_server(name: str, lines: str) -> None:
    """The columns are named by a line before it, or in it."""
    parsed = redacted(named(name), *lines.split("\n"))
    assert parsed.signals
    assert "hunter2" not in repr(parsed.signals)


def test_numbers_of_cobol_are_found_between_others() -> None:
    """Fields that touch are told apart."""
    format = custom(
        {
            "fixed_width": [
                {"name": "user", "start": 1, "length": 4},
                {"name": "salary", "start": 5, "length": 7, "type": "decimal", "scale": 2},
                {"name": "bonus", "start": 12, "length": 6, "type": "integer"},
            ]
        }
    )
    assert format is not None
    parsed = format(page("jane000125000012Cok"))
    config = loads("version: 1\nredaction: {keys: [salary, bonus]}\n")
    Controls(config).apply(parsed)
    assert [one.message for one in parsed.signals if isinstance(one, Log)] == [f"jane {MARK} {MARK} ok"]
    assert parsed.notes == {"redacted.keys": 4}


secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=12).filter(
    lambda text: text not in MARK and text == text.strip() and not text.startswith("arn:")
)


@given(st.lists(secrets, min_size=1, max_size=4), st.text(max_size=8), st.data())
def test_no_secret_of_four_characters_is_left(found: list[str], noise: str, data: st.DataObject) -> None:
    """A law, for any text around it."""
    order = data.draw(st.permutations(found))
    kept, _ = said(noise.join(["", *order, ""]), PLAIN, password=found)
    rest = kept.replace(MARK, "\0\0")
    assert not any(secret in rest for secret in found)


@given(
    st.text(max_size=40),
    st.dictionaries(
        st.sampled_from(["password", "pin", "amount", "n", "token"]),
        st.one_of(
            st.text(max_size=6), st.integers(), st.floats(), st.lists(st.text(max_size=4)), st.booleans()
        ),
    ),
)
def test_any_attributes_beside_any_text(text: str, attributes: dict[str, Any]) -> None:
    """A law: nothing raises, and what is without secrets stays as it is."""
    one = log("m", message=f"{text} {' '.join(map(str, attributes.values()))}", attributes=attributes)
    once = AMOUNT.signal(one, lambda *_: None)
    assert AMOUNT.signal(once, lambda *_: None) == once


@pytest.mark.parametrize(
    "secret", [lambda n: f"k{n:05d}\"", lambda n: "a" * 9 + f"%{n}", lambda n: n + 10_000], ids=["quotes", "alike", "numbers"]
)  # fmt: skip
def test_a_flood_of_secrets_costs_little(secret: Any) -> None:
    """Where too much would have to be looked for, the whole text goes, and that is told once."""
    text = ("aaaaaaaaa k00001 10007 %22 " * 3_000)[:65_536]
    begun = time.process_time()
    kept, rules = said(text, PLAIN, password=[secret(n) for n in range(3_000)])
    assert time.process_time() - begun < 2
    assert kept == MARK or "10007" not in kept
    assert rules


def test_a_short_message_beside_many_secrets_is_read() -> None:
    """What is looked for is few characters."""
    assert said("batch sent", PLAIN, tokens=[f"tok{n:05d}" for n in range(3_000)]) == ("batch sent", [])


def test_half_a_character_is_no_hindrance() -> None:
    """JSON may hold what UTF-8 cannot."""
    assert said('a \\"x\ud800y\\" \ud800', PLAIN, password='"x\ud800y"') == (f"a {MARK} ?", ["names"])


def test_a_secret_of_any_depth_is_gone() -> None:
    """What holds it is deeper than Python says of it."""
    deep: Any = "hunter2"
    for _ in range(5_000):
        deep = [deep]
    kept = PLAIN.signal(log("m", message="a hunter2", attributes={"password": {"a": deep}}), lambda *_: None)
    assert isinstance(kept, Log)
    assert (kept.message, kept.attributes) == (f"a {MARK}", {"password": MARK})


def test_a_long_secret_is_found_in_its_parts() -> None:
    """A cookie of kilobytes, with its quotes escaped."""
    secret = ";".join(f'n{n}="v{n}"' for n in range(300))
    kept, _ = said("x " + secret.replace('"', "\\x22") + " y", PLAIN, cookie=secret)
    assert kept.replace(MARK, "") in ("x  y",)
