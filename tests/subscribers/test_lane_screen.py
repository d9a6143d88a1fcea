"""One look at many lines finds each that may hold a secret."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from subscribers.config import Redaction
from subscribers.controls_redaction import Redactor
from subscribers.lane_screen import Screen
from tests.subscribers.samples import log
from tests.subscribers.test_controls_redaction import NR, TEXTS

REDACTORS = {name: (one, Screen(one)) for name, one in (("default", Redactor()), ("team", NR))}
TELLING = [
    *(text for text, _, _ in TEXTS),
    *(
        "ghp_" + "a1B2" * 9,
        "xoxb-123456789012-abcdefghij",
        "DE89370400440532013000",
        "de89370400440532013000",
    ),
    *("DE89-3704-0044-0532-0130-00", "DE89 3704 0044 0532 0130 00", "378282246310005", "3782 822463 10005"),
    *("4111-1111-1111-1111", "visa4111111111111111", "policy_Holder: Jane", "VERTRAG.NR=7", "kunden$name=x"),
    *(
        "https://jane:hunter2@host/",
        "jane%40example.com",
        "Authorization: Basic abcdefgh",
        "BEARER abcdefghijk",
    ),
    *(
        r'{"a":"\u0070assword=hunter2"}',
        '{"data":"cGFzc3dvcmQ9aHVudGVyMg=="}',
        '{"a":1.23e4}',
        "\u017fecret=hunter2",
    ),
    *("paßword=x", "ya29.a0AfH6SMBx-abcdefghijklmnopqrst", "hvs.CAESIJ-abcdefghijklmnopqrstuvwx", "\ufdd0x"),
    r"\u0070assword=hunter2",
    *("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", r'{"a":"x\nDE89370400440532013000"}'),
]
lines = st.lists(
    st.one_of(
        st.sampled_from(TELLING),
        st.text(max_size=30),
        st.builds(
            lambda a, b, c: a + b + c, st.text(max_size=3), st.sampled_from(TELLING), st.text(max_size=3)
        ),
    ),
    max_size=6,
)


def changed(redactor: Redactor, line: str) -> bool:
    """Whether a log that says this line would be redacted."""
    one = log("m", message=line)
    return redactor.signal(one, lambda *_: None) is not one


@given(lines, st.sampled_from(sorted(REDACTORS)))
def test_no_line_with_a_secret_is_missed(found: list[str], name: str) -> None:
    """A law: what is not suspected is not redacted, wherever it stands among others."""
    redactor, screen = REDACTORS[name]
    suspected = screen.suspected(found)
    assert suspected == sorted(set(suspected))
    assert {at for at, line in enumerate(found) if changed(redactor, line)} <= {*suspected}


def test_every_sign_is_seen() -> None:
    """Each alone, at the beginning, within and at the end."""
    for redactor, screen in REDACTORS.values():
        for line in TELLING:
            if changed(redactor, line):
                assert screen.suspected(["nothing", line, "", line]) == [1, 3], line


def test_lines_without_a_sign_are_not_asked_about() -> None:
    """Usual lines, IDs and times among them."""
    _, screen = REDACTORS["default"]
    usual = [
        "2026-11-21T03:30:10.123Z 8f5e1a1c-4242-4a0b-8c1d-a3f19e6b2c7d claim accepted",
        "1795231810123",
        "café",
    ]
    assert screen.suspected(usual) == []


def test_a_team_s_anchored_pattern_makes_every_line_suspect() -> None:
    """Where a text begins is not where a line does."""
    screen = Screen(Redactor(Redaction(patterns={"x": {"regex": "^a$", "replace": ""}})))
    assert screen.suspected(["a", "b"]) == [0, 1]
    assert screen.suspected([]) == []
