"""Secrets out of values: by the names that hold them; the team's names and expressions; what stays."""

from __future__ import annotations

import base64
import copy
import json
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import redaction, redaction_patterns, secret_names, settings
from observe.redaction import MARK, Redaction
from observe.testing import Lines

CARD = "4111111111111111"
EVERYTHING = Redaction()


#: A message of SNS, but for its certificate's address.
SNS = {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "SignatureVersion": "1", "Signature": "x"}
SNS_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"


def _words(text: str) -> list[str]:
    return text.split()


SECRETS = _words("""
    password Password db_password PGPASSWORD passwordHash newPassword2 password_confirmation passwd
    user_pwd pwd passphrase secret clientSecret client-secret SecretString api_key X-Api-Key apiKey
    apikey aws_secret_access_key AWS_SECRET_ACCESS_KEY AccountKey private_key signingKey
    encryption-key credentials artifactCredentials pin userPin user.pin cvv cardCvv card_cvv cvc2
    otp sms_otp ssn card_number cardNumber creditCard connectionString authorization Authorization
    Proxy-Authorization x-auth cookie Cookie Set-Cookie cookies token access_token idToken
    pass DB_PASS db_pass smtpPass passwordOld password_old x-functions-key authHeader
    refresh_token X-Amz-Security-Token csrfToken taskToken Task.Token authorizationToken session
    sessionId jsessionid iban jwt sig signature X-Amz-Signature identitySource AWSAccessKeyId
""")
HARMLESS = _words("""
    author authority monkey turkey key keys primary_key public_key partition_key idempotency_key
    pinned spin shipping session_count sessions_total signature_valid signatureVersion design signal
    tokenize token_count token_type max_length passenger passport_country bypass compass secretary
    has_cookies_enabled user name id body status discard postcard_id authorizer authorizationType
    credentials_provider boardingPass first_pass passed author_header passengers header
""")
PROTOCOL = _words("""
    traceparent tracestate trace_id traceId span_id parentSpanId dd.trace_id x-datadog-parent-id
    X-Amzn-Trace-Id requestId x-amzn-requestid aws_request_id x-correlation-id messageId eventID
    timestamp SentTimestamp startTimeUnixNano sequenceNumber nextToken ContinuationToken
    ClientRequestToken ServiceToken receiptHandle OLDPWD
""")


@pytest.mark.parametrize("name", SECRETS)
def test_what_a_secret_s_name_holds_goes(name: str) -> None:
    """In any spelling, as a member of an object, in the text of one, in a query string."""
    assert EVERYTHING.decide(name) is True
    assert EVERYTHING.tree({"a": {name: "hunter2"}}) == {"a": {name: MARK}}
    assert json.loads(EVERYTHING.text(json.dumps({name: "hunter2", "b": 1}))) == {name: MARK, "b": 1}
    assert EVERYTHING.text(f"?{name}=hunter2&b=1") == f"?{name}={MARK}&b=1"


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_only_look_like_it_hold_no_secret(name: str) -> None:
    """`author` is no `auth`, `monkey` no `key`."""
    assert EVERYTHING.decide(name) is None
    for value in (f'{{"{name}": "x1"}}', f"{name}=x1", f"{name}: x1"):
        assert EVERYTHING.text(value) == value


@pytest.mark.parametrize("name", PROTOCOL)
def test_what_tells_requests_apart_stays(name: str) -> None:
    """Whatever it looks like: a card's number is a possible correlation ID."""
    assert EVERYTHING.decide(name) is False
    for value in (CARD, int(CARD), "password=x"):
        assert EVERYTHING.tree({name: value}) == {name: value}
    assert CARD in EVERYTHING.text(f"{name}={CARD}")


def test_every_built_in_name_is_seen_before_it_is_looked_at() -> None:
    """The cheap look takes in all names of the lists: each has one of the words in it."""
    names = secret_names._STRONG | secret_names._WEAK | secret_names._OPEN
    for name in (*names, *secret_names._STRONG_ENDS, *secret_names._WEAK_ENDS):
        assert EVERYTHING.suspect(f"{name}=x"), name


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"max_tokens": 512, "total_tokens": "512"}, True),
        ({"tokens": ["abc"]}, {"tokens": [MARK]}),
        ({"token": 5, "hasToken": True, "signature": None}, True),
        ({"secret": True, "password": None, "cookie": "", "credentials": {}}, True),
        ({"pin": 1234, "cvv": 7}, {"pin": MARK, "cvv": MARK}),
        ({"password": {"S": "x"}}, {"password": MARK}),
        ({"token": {"S": "x"}, "tokens": {"N": "5"}}, {"token": {"S": MARK}, "tokens": {"N": "5"}}),
        ({"session": {"new": True, "sessionId": "x"}}, {"session": {"new": True, "sessionId": MARK}}),
        ({"session": "x"}, {"session": MARK}),
        ({"Authorization": ["Bearer x", ""]}, {"Authorization": [MARK, ""]}),
        ({"token": Decimal(5)}, True),
        ({"token": b"x"}, {"token": MARK}),
        ({"dbSecret": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}, True),
        ({"name": "password", "value": "x"}, {"name": "password", "value": MARK}),
        ({"key": "Cookie", "value": "x"}, {"key": "Cookie", "value": MARK}),
        ({**SNS, "SigningCertUrl": SNS_URL}, True),
        ({**SNS, "SigningCertURL": SNS_URL}, True),
        ({"Signature": "x", "SigningCertURL": SNS_URL}, {"Signature": MARK, "SigningCertURL": SNS_URL}),
        ({**SNS, "SigningCertURL": "x"}, {**SNS, "Signature": MARK, "SigningCertURL": "x"}),
        ({"password": "arn:hunter2"}, {"password": MARK}),
        ({"pass": 5, "db_pass": "17"}, True),
        ({"rawHeaders": ["Host", "h", "X-Api-Key", "x"]}, {"rawHeaders": ["Host", "h", "X-Api-Key", MARK]}),
        ({"rawHeaders": ["Host", "h", "Accept"]}, True),
        ({"n": 4111111111111111.0, "t": 1763700000000.0, "nan": float("inf")}, None),
        ({CARD: 1}, {MARK: 1}),
        ({1: CARD, None: "password=x"}, {1: MARK, None: f"password={MARK}"}),
        ([CARD, int(CARD), (CARD,), {CARD}], [MARK, MARK, [MARK], [MARK]]),
        ({"n": 4111111111111112, "f": 4.111111111111111}, True),
    ],
)
def test_what_stays_behind_a_name(value: Any, kept: Any) -> None:
    """Numbers behind weak names, booleans, nothing at all, and ARNs tell no secret."""
    before = copy.deepcopy(value)
    if kept is None:
        kept = {**value, "n": MARK}
    found = EVERYTHING.tree(value)
    assert found == (value if kept is True else kept)
    assert (found is value) is (kept is True)
    assert value == before


def test_base64_is_looked_into_where_sources_have_bytes() -> None:
    """A form's body, a record's data."""
    assert EVERYTHING.tree({"body": "cGFzc3dvcmQ9aHVudGVyMg==", "isBase64Encoded": True})["body"] == MARK
    harmless = {"body": "Y2xhaW09Q0xNLTE=", "data": "AAECAwQFBgcICQoLDA0ODw==", "value": "x" * 16}
    assert EVERYTHING.tree(harmless) is harmless


@pytest.mark.parametrize("code_page", ["utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp500"])
def test_base64_in_any_code_page_is_looked_into(code_page: str) -> None:
    """What is no UTF-8 is no reason to tell it."""
    form = "claim=1&password=hunter2&name=Müller"
    held = base64.b64encode(form.encode(code_page)).decode()
    assert EVERYTHING.tree({"body": held}) == {"body": MARK}
    harmless = {"body": base64.b64encode("claim=1&name=Müller".encode(code_page)).decode()}
    assert EVERYTHING.tree(harmless) is harmless


@pytest.mark.parametrize("size", range(24, 40))
def test_base64_that_was_cut_off_is_looked_into(size: int) -> None:
    """Anywhere: inside of a letter of several bytes, and between the four characters of three bytes."""
    held = base64.b64encode(b"password=" + "€".encode() * 40).decode()
    assert EVERYTHING.encoded(held[:size])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 999) | st.text("abc de", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from(SECRETS), st.integers(0, 3))
def test_a_secret_is_found_at_any_depth_of_quotes(around: Any, name: str, quoted: int) -> None:
    """JSON in JSON in JSON: the secret is gone, and the rest is still what it was."""
    text = json.dumps({"a": around, name: 'hun"ter\\2', "z": around})
    for _ in range(quoted):
        text = json.dumps(text)
    found = EVERYTHING.text(text)
    for _ in range(quoted):
        found = json.loads(found)
    assert json.loads(found) == {"a": around, name: MARK, "z": around}


@given(JSON)
def test_a_value_without_secrets_is_the_very_same(value: Any) -> None:
    """No copy, nothing lost."""
    assert EVERYTHING.tree(value) is value


def test_depth_cycles_and_shared_parts_end() -> None:
    """A cycle is cut; a tree of shared parts is gone through once, not once a path."""
    cycle: dict[str, Any] = {"password": "x"}
    cycle["self"] = [cycle, cycle]
    assert EVERYTHING.tree(cycle) == {"password": MARK, "self": [MARK, MARK]}
    looked = []

    class Counting(Redaction):
        def kind(self, name: str) -> int:
            looked.append(name)
            return super().kind(name)

    shared: Any = {"token": "x"}
    for _ in range(redaction.DEPTH_MAX - 2):
        shared = {"a": shared, "b": shared}
    Counting().tree(shared)
    assert len(looked) < 3 * redaction.DEPTH_MAX
    deep: Any = "password=x"
    for _ in range(100_000):
        deep = [deep]
    found = EVERYTHING.tree(deep)
    for _ in range(redaction.DEPTH_MAX):
        (found,) = found
    assert found == MARK


class _Login(NamedTuple):
    user: str
    password: str


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([("Authorization", "x"), ("Host", "h")], [["Authorization", MARK], ("Host", "h")]),
        ([[b"x-api-key", b"x"], [b"host", b"h"]], [[b"x-api-key", MARK], [b"host", b"h"]]),
        (({"a": 1}.items(), [["token", 3]]), None),
        ([["password", "email"], ["a", "b", "c"]], None),  # no pairs: rows
        (["password", "email"], None),
        (_Login("bob", "hunter2"), ["bob", MARK]),
        (_Login("bob", ""), None),
        ({b"password": "hunter2", b"user": "bob"}, {b"password": MARK, b"user": "bob"}),
    ],
)
def test_names_that_are_not_those_of_an_object(value: Any, kept: Any) -> None:
    """Headers are often told as pairs, with names in bytes, and named tuples have names."""
    clean = Redaction().tree(value)
    assert clean == kept if kept is not None else clean is value


def test_a_million_names_are_not_remembered() -> None:
    """What strangers send does not fill the memory."""
    found = Redaction()
    many = {f"name-{n}": n for n in range(50_000)}
    assert found.tree(many) is many
    assert len(found._kinds) <= redaction._REMEMBERED


class _Broken:
    def __str__(self) -> str:
        raise OSError("no text")


def test_odd_values_never_raise() -> None:
    """Objects are taken for their text; surrogates and text that raises are no reason to fail."""
    broken = _Broken()
    assert EVERYTHING.tree({"a": broken})["a"] is broken
    assert EVERYTHING.tree({broken: broken, "\ud800password": "\udfff"})["\ud800password"] == MARK
    assert EVERYTHING.tree(ValueError("password=hunter2")) == f"password={MARK}"
    assert EVERYTHING.text("\ud800 password=hunter2") == f"\ud800 password={MARK}"


# --- The team's own -------------------------------------------------------------------------


def test_the_team_s_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """OBSERVE_REDACT adds names, of which everything goes; OBSERVE_REDACT_KEEP takes names out."""
    monkeypatch.setenv("OBSERVE_REDACT", "policy_holder, smoker,")
    monkeypatch.setenv("OBSERVE_REDACT_KEEP", "sessionId")
    settings.reset()
    found = redaction.get()
    assert found is redaction.get()
    value = {"policyHolder": {"a": 1}, "smoker": True, "policyholders": "x", "sessionId": "s-1"}
    assert found.tree(value) == {**value, "policyHolder": MARK, "smoker": MARK}
    assert found.text("Policy-Holder: Ann, session_id=s-1") == f"Policy-Holder: {MARK}, session_id=s-1"
    monkeypatch.delenv("OBSERVE_REDACT")
    settings.reset()
    assert redaction.get() is not found
    assert redaction.get().tree({"smoker": True}) == {"smoker": True}


@pytest.mark.parametrize(
    "pattern",
    [
        r"POL-\d{6,8}",
        "[A-Z]{2}[0-9]{4}-[a-z]{1,9}",
        r"(?i)cust(?:omer)?_[0-9a-f]{8}",
        r"\bX[0-9]{3}\b",
        "(?<=n:)[0-9]{9}",
    ],
)
def test_cheap_expressions_are_taken(pattern: str) -> None:
    """Bounded repeats, one after the other."""
    assert redaction_patterns.judged(pattern).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+b", "a*b", "a{1,}", ".*", "(a|ab){1,9}c", "(?:a{1,9}){1,9}", r"(a)\1", "(?P<n>a)(?P=n)"),
        *(
            "a{1,999}b{1,999}",
            "x{0,5}",
            "a{1,100000}",
            "(?=.{0,9999}x)y",
            "(",
            "a{5,2}",
            "(?<=a{1,2})b",
            "[z-a]",
        ),
        "a{1,40}a{1,40}a{1,40}a{1,40}b",
    ],
)
def test_other_expressions_are_refused_and_said(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    """What may be slow on some text, or is none, is left out in one warning; the others are used."""
    monkeypatch.setenv("OBSERVE_REDACT_PATTERNS", f"{pattern} POL-[0-9]{{6}}")
    settings.reset()
    assert redaction.get().text("POL-123456 aaaa") == f"{MARK} aaaa"
    assert redaction.get().tree(["POL-123456"]) == [MARK]
    (said,) = lines.logs
    assert said["level"] == "WARN"
    assert repr(pattern) in said["message"]
    assert said["event"] == "observe.settings"
