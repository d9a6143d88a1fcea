"""Secrets out of texts: in every form in which one is written, and what looks like one and is none."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observe import secret_names, secret_numbers, secret_signs, secret_text
from observe.redaction import MARK, Redaction

REDACTION = Redaction()
M = MARK
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

FORMS = [
    ("password=hunter2&user=bob", f"password={M}&user=bob"),
    ("password = hunter2, x", f"password = {M}, x"),
    ('{"password": "hun\\"ter2", "x": 1}', f'{{"password": "{M}", "x": 1}}'),
    ('{"pin": 1234, "x": 1}', f'{{"pin": "{M}", "x": 1}}'),
    ('{"credentials": {"a": ["]"]}, "x": 1}', f'{{"credentials": "{M}", "x": 1}}'),
    ('{"tokens": [1, 2], "max_tokens": 5, "token": true}', ""),
    ("{'password': b'hunter2', 'x': 1}", f"{{'password': b'{M}', 'x': 1}}"),
    ('{"Card Number": "1234"}', f'{{"Card Number": "{M}"}}'),
    ('[{"name":"password","value":"x"},{"a":1}]', f'[{{"name":"password","value":"{M}"}},{{"a":1}}]'),
    ("{\"password\": \"cut o", f'{{"password": "{M}'),
    ("User(name='bob', password='hunter2')", f"User(name='bob', password='{M}')"),
    ("password=Secret('hunter2')", f"password={M}')"),
    ("headers['Authorization'] = 'Bearer x'", f"headers['Authorization'] = '{M}'"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=c\nHost: x", f"Authorization: {M}\nHost: x"),
    ("Cookie: a=b; c=d\r\nHost: x", f"Cookie: {M}\r\nHost: x"),
    ("curl -H 'X-Api-Key: abc' https://x", f"curl -H 'X-Api-Key: {M}' https://x"),
    ("x?to=https%3A%2F%2Fy%3Ftoken%3Dabc%26user%3Dbob", f"x?to=https%3A%2F%2Fy%3Ftoken%3D{M}%26user%3Dbob"),
    ("https://b/k?X-Amz-Signature=ab&X-Amz-Date=1", f"https://b/k?X-Amz-Signature={M}&X-Amz-Date=1"),
    ('<w:Password Type="x">hunter2</w:Password><b>1</b>', f'<w:Password Type="x">{M}</w:Password><b>1</b>'),
    ("postgres://bob:p@ss@host/db", f"postgres://bob:{M}@host/db"),
    ("redis://:pass@host", f"redis://:{M}@host"),
    ("https:\\/\\/bob:pw@host", f"https:\\/\\/bob:{M}@host"),
    ("jdbc:oracle:thin:scott/tiger@db:1521", f"jdbc:oracle:thin:scott/{M}@db:1521"),
    ("Server=db;User Id=bob;Password=pw;", f"Server=db;User Id=bob;Password={M};"),
    (f"with Bearer {'a1' * 8} it", f"with Bearer {M} it"),
    (f"['Bearer {'a1' * 8}', \"Bearer {'a1' * 8}==\"]", f"['Bearer {M}', \"Bearer {M}\"]"),
    ("{'password': <Mode.A: 'hunter2'>, 'x': 1}", f"{{'password': '{M}', 'x': 1}}"),
    ('Bearer realm="example", authorization_servers="https://a"', ""),
    ("<password><![CDATA[hunter2]]></password>", f"<password><![CDATA[{M}]]></password>"),
    ("Basic dXNlcjpwYXNz", f"Basic {M}"),
    (f"got {JWT}.", f"got {M}."),
    ("id AKIAIOSFODNN7EXAMPLE", f"id {M}"),
    (f"AKIAIOSFODNN7EXAMPLE,{AWS_SECRET}", M),
    (f"aws_secret_access_key = {AWS_SECRET}", f"aws_secret_access_key = {M}"),
    ("ghp_" + "a" * 36, M),
    ("xoxb-123456789012-abc", M),
    ("sk_live_" + "a" * 24, M),
    ("sk-proj-" + "aB3" * 12, M),
    ("glpat-" + "a" * 20, M),
    ("AIza" + "b" * 35, M),
    ("https://hooks.slack.com/services/T0001/B0002/abcdefgh", f"https://hooks.slack.com/services/{M}"),
    ("AQCEAAAAKgAAAAMAAAAAAAAAA" + "Zx9" * 40, f"AQCE{M}"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMII-x\n-----END RSA PRIVATE KEY-----\nok", f"{M}\nok"),
    ("-----BEGIN PRIVATE KEY-----\\nMIIcut", M),
    ("card 4111 1111 1111 1111 123.", f"card {M} 123."),
    ("4111-1111-1111-1111", M),
    ("12 378282246310005 2027", f"12 {M} 2027"),
    ("3782 822463 10005", M),
    ("DE89 3704 0044 0532 0130 00 EUR", f"{M} EUR"),
    ("ES91 2100 0418 4502 0005 1332 EUR PLEASE", f"{M} EUR PLEASE"),
    ("GB29NWBK60161331926819", M),
    ("gb29nwbk60161331926819", M),
    ("de89370400440532013000", M),
    ("no9386011117947", M),
    ("DE89-3704-0044-0532-0130-00 EUR", f"{M} EUR"),
    ("4111\u00a01111\u00a01111\u00a01111", M),
    ("4111  1111  1111  1111", M),
    ("visa4111111111111111", f"visa{M}"),
    ("ya29." + "a1" * 30, M),
    ("hvs.CAESIJ" + "a1" * 30, M),
    ("DB_PASS=hunter2 x", f"DB_PASS={M} x"),
    ("https://hunter2SECRETxyz@github.com/x", f"https://{M}@github.com/x"),
    ("smtp://bob@example.com:hunter2@smtp", f"smtp://bob@example.com:{M}@smtp"),
    ("postgres://u:hunter/2SECRET@h/db?a=b@c", f"postgres://u:{M}@h/db?a=b@c"),
    ("'postgres://u:p'hunter2@h/db'", f"'postgres://u:{M}@h/db'"),
    ('Authorization: Digest username="u", response="hunter2"\nHost: x', f"Authorization: {M}\nHost: x"),
    ("BEARER abcdefghijklmnopqrstuvwxyz012345", f"BEARER {M}"),
    ("<w:Password>\n <v>x</v></w:Password><b>1</b>", f"<w:Password>{M}</w:Password><b>1</b>"),
    ("<Password><v>cut", f"<Password>{M}"),
    ('{"pass\\u0077ord":"hunter2"}', f'{{"password":"{M}"}}'),
    ('{"a":"{\\"pass\\\\u0077ord\\":\\"hunter2\\"}"}', f'{{"a":"{{\\"password\\":\\"{M}\\"}}"}}'),
    ("password == hunter2, token := x", f"password == {M}, token := {M}"),
    ("password=arn:hunter2", f"password={M}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_forms(text: str, expected: str) -> None:
    """Each is found, nothing beside it is lost, and once is enough. "": it stays."""
    found = REDACTION.text(text)
    assert found == (expected or text)
    assert REDACTION.text(found) == found
    assert secret_text.clean(secret_text.unescaped(text), REDACTION) == found


HARMLESS = [
    "2026-11-21T03:30:10.123Z 1795231810123 1795231810123456789",
    "0.4532015112830366 4111111111111111.5 4111111111111112",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:claims-db-a1b2c3",
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    "basic understanding, bearer of bad news, WWW-Authenticate: Bearer realm=\"x\"",
    "DE89370400440532013001 XX89370400440532013000 DE8937040044053201300",
    "author=Bob key: k monkey=y 12:30:45 https://host:8080/a@b",
    '{"Type":"Notification","MessageId":"m","TopicArn":"t","SignatureVersion":"1","Signature":"abc",'
    '"SigningCertURL":"https://sns.eu-west-1.amazonaws.com/x.pem"}',
    "boardingPass: BP-12 compass: N bypass=on pass=5 first_pass=x passenger: Bob author_header=1",
    "https://user@host/x https://firstname.lastname@host ssh://git@github.com/x https://medium.com/@user",
    "http://host/a:b@c http://[::1]:8080/x@y https://h:8080/users/bob@example.com https://a:80/b, bob@x.com",
    "<a><b>1</b></a><author><name>Bob</name></author><tokens><n>5</n></tokens>",
    "visa 4111111111111112 card1234567890123 ya29.short hvs.x BASIC understanding BEARER of news",
    "BE21291A-81EA-4C1C-AE8A-07B2FF3ABA11 be21291a81ea4c1c ad34ad34ad34ad34ad34ad34 CLM-889123",
    "C:\\u0041dir \\u0070lain",
    "password=null token: true max_tokens=512",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """Times, numbers with a point, IDs, ARNs, words."""
    assert REDACTION.text(text) is text


HEX = st.text("0123456789abcdef", min_size=16, max_size=16)
DIGITS = st.text("0123456789", min_size=16, max_size=16)


@given(HEX | DIGITS, HEX | DIGITS, st.uuids(version=4), st.floats(), st.integers(10**18, 2 * 10**18))
def test_protocol_fields_survive_in_any_text(a: str, b: str, uuid: Any, number: float, nano: int) -> None:
    """IDs, random UUIDs, floats and nanosecond timestamps are never taken for cards."""
    parent = f"00-{a}{b}-{a}-01"
    x_ray = f"Root=1-{a[:8]}-{b}{a[8:]};Parent={b};Sampled=1"
    told = json.dumps({"traceId": a + b, "span_id": a, "requestId": str(uuid), "n": number, "at": nano})
    for text in (f"traceparent={parent}", parent, x_ray, f"request {uuid} at {nano}", f"of {number!r}", told):
        assert REDACTION.text(text) == text


PREFIXES = [
    *(("4", 16), ("4", 13), ("51", 16), ("2221", 16), ("34", 15), ("36", 14), ("3528", 16), ("6011", 16)),
    *(("62", 19), ("5018", 14), ("65", 16), ("2200", 16)),
]


@given(
    st.sampled_from(PREFIXES), st.integers(0, 10**19), st.sampled_from(["card:", '"', "(", "x ", "\n", "/"])
)
def test_every_card_goes(issuer: tuple[str, int], number: int, before: str) -> None:
    """Any number with an issuer's prefix, its length and the right check digit, as a text and as a number."""
    prefix, size = issuer
    body = (prefix + str(number).zfill(19))[: size - 1]
    luhn = next(d for d in "0123456789" if _luhn(body + d))
    assert body + luhn not in REDACTION.text(f"{before}{body}{luhn}, thank you")
    assert REDACTION.tree({"n": int(body + luhn)}) == {"n": MARK}
    wrong = str((int(luhn) + 1) % 10)
    assert REDACTION.text(f"n {body}{wrong}!") == f"n {body}{wrong}!"


def _luhn(number: str) -> bool:
    """Digit by digit, as the standard tells it, from the right: every second one twice."""
    total = 0
    for at, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@given(st.text("abc=:\"' {}[]\\,&<>%3D@/-", max_size=40), st.sampled_from(["password", "token", "Cookie"]))
def test_any_text_around_a_secret(around: str, name: str) -> None:
    """It never raises, and a secret in quotes behind its name is gone whatever is before it."""
    assume(not around.endswith("\\"))
    text = f'{around} {name}="hunter2hunter2" end'
    assert "hunter2hunter2" not in REDACTION.text(text) or '"' in around or "'" in around


# --- Linear ---------------------------------------------------------------------------------

PATTERNS = [
    (f"{module.__name__}.{name}", value.get())
    for module in (secret_text, secret_numbers, secret_signs, secret_names)
    for name, value in vars(module).items()
    if isinstance(value, secret_names.Lazy)
]


def _repeats(tree: Any) -> Iterator[tuple[str, int, Any]]:
    """Every repeat of a parsed expression: how it is repeated, how often at most, what."""
    for operation, argument in tree:
        if "REPEAT" in str(operation):
            yield str(operation), int(argument[1]), argument[2]
        parts = argument if isinstance(argument, tuple | list) else (argument,)
        for part in parts:
            inner = part if isinstance(part, list) else [part]
            for one in inner:
                if isinstance(one, re._parser.SubPattern):  # type: ignore[attr-defined]
                    yield from _repeats(one)


@pytest.mark.parametrize(("name", "pattern"), PATTERNS)
def test_no_expression_goes_back_far(name: str, pattern: re.Pattern[str]) -> None:
    """A repeat without a bound never gives back what it took; nor does what is repeated, if it is long."""
    unbounded = 10_000
    for operation, most, inside in _repeats(re._parser.parse(pattern.pattern)):  # type: ignore[attr-defined]
        assert (
            most < unbounded or operation == "POSSESSIVE_REPEAT" or pattern is secret_names._LAST_WORD.get()
        )
        if operation != "POSSESSIVE_REPEAT" and most > 1:
            kept = all(how == "POSSESSIVE_REPEAT" for how, *_ in _repeats(inside))
            assert kept or inside.getwidth()[1] < 64


HOSTILE = [
    *("a", '"', "\\", '\\"', "=", "a=", "password=", '"password":"', "password=[", "tokens:[1 ", "tokens:[["),
    *("session={", "eyJaaaaaaaaa.", "4", "4111 ", "2345 4111 1111 1111 1111 ", "DE89 ", "://a:", "://a:b@"),
    *("<password>x", "-----BEGIN PRIVATE KEY-----", "Bearer ", "%3Ftoken%3D", '"name":"password",', "<a "),
    *("<password><a>", "DE89-3704-", "x://a:b/", "://a@b:c'd", "Authorization: Digest a=", "\\u0070"),
    *('password=a("', "AAAAKgAAAA", "cookie: a=", "authorization: basic ", "é=", "a \t: "),
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_four_times_the_text_is_four_times_the_work(part: str) -> None:
    """Calls are counted, not time: nothing is gone over again and again."""
    few, many = (_calls((part * size)[:size] + "password=x") for size in (2_000, 8_000))
    assert many <= 4.4 * few + 100


def _calls(text: str) -> int:
    count = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    redaction = Redaction()
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        redaction.text(text)
    finally:
        sys.setprofile(before)
    return count
