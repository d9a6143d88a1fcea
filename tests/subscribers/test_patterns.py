"""Expressions of teams: RE2's, linear in the text."""

from __future__ import annotations

import pytest

from subscribers.config import ConfigError, loads
from subscribers.patterns import Pattern, PatternError


@pytest.mark.parametrize("expression", ["(", "(?=x)", r"(a)\1", "a{2,1}", "[", "*", "x{100000}"])
def test_what_re2_does_not_take_is_said(expression: str) -> None:
    """With RE2's own words, and nothing on stderr."""
    with pytest.raises(PatternError, match=r"\w+"):
        Pattern(expression)


@pytest.mark.parametrize("expression", [r"(\w+\s?)*\.", "(a+)+$", "a.*b.*c.*d", r"claim.*number.*(\d+)"])
def test_no_line_keeps_a_pattern_busy(expression: str) -> None:
    """Expressions that take Python's engine minutes or years on such lines end here."""
    for text in ("a" * 16_384, "ab" * 8_192, "claim number " * 1_260):
        assert len(list(Pattern(expression).values(text))) <= len(text)


def test_the_value_is_the_group_or_the_whole() -> None:
    """What a match means."""
    assert list(Pattern("CLM-[0-9]+").values("CLM-1, é CLM-22")) == ["CLM-1", "CLM-22"]
    assert list(Pattern("claim ([0-9]+)").values("claim 1 claim 22")) == ["1", "22"]
    assert list(Pattern("x(a)?").values("xa x")) == ["a", ""]


@pytest.mark.parametrize(
    ("expression", "said"), [("a*", "empty text"), ("(a)|(b)", "2 groups"), ("(?=a)", "keys.claim")]
)
def test_a_key_that_cannot_be_one_is_told(expression: str, said: str) -> None:
    """With the place in the file."""
    with pytest.raises(ConfigError, match=said):
        loads(f"version: 1\nkeys: {{claim: '{expression}'}}\n")
