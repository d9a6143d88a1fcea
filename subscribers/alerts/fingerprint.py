"""Which error a log line is: the same one with other IDs has the same fingerprint.

It is made of three things: the exception's type, the message with whatever varies masked, and the frames of
the application in its stack (stack_frames). Numbers, hex, UUIDs, IDs, addresses, times and quoted texts all
become the same mark, `<*>`: an ID that happens to be digits only must not make another fingerprint.
What stays is letters, so names of people outside of quotes do vary.

Only the first 4,096 characters of a message are looked at, and each is looked at a few times: the time is
linear in them, whatever the text.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

from subscribers.alerts.stack_frames import read_stack
from subscribers.signals import Log

__all__ = ["LOOKED_AT_MAX", "MARK", "Fingerprint", "fingerprint_of", "template_of"]

#: What stands for anything that varies.
MARK = "<*>"
#: Characters of a message that are looked at.
LOOKED_AT_MAX = 4_096
#: While masking goes on, the mark is a digit: what was masked once is then masked alike once more.
_DIGIT = "0"
#: Masking can make new neighbours; what it converges to is the template. Ordinary text needs two or three.
_PASSES_MAX = 32
_QUOTED_MAX = 200

#: No letter or digit goes on: `_` and `-` divide words.
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_UNIT = r"(?:ns|us|µs|ms|s|m|h|d|[kKMGT]?i?[bB])"
_HEX4 = r"[0-9A-Fa-f]{1,4}"
_COLON = r"(?:\s{0,4}+:)?+"

#: In match order. Every part is bounded or possessive, and begins where no word goes on: none is tried
#: again from each character of a long run.
_PARTS = {
    "instant": rf"\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK})?{_ZONE}{_END}",
    "date": rf"{_DAY}\d{{1,2}}[/ -]{_MONTH}[/ -]\d{{2,4}}(?:[: ]{_CLOCK})?{_ZONE}{_END}",
    "syslog_date": rf"{_DAY}{_MONTH} {{1,2}}\d{{1,2}}(?: {_CLOCK}(?: \d{{4}})?)?{_END}",
    "uuid": rf"[0-9A-Fa-f]{{8}}-(?:[0-9A-Fa-f]{{4}}-){{3}}[0-9A-Fa-f]{{12}}{_END}",
    "xray": rf"1-[0-9a-f]{{8}}-[0-9a-f]{{24}}{_END}",
    "email": rf"(?<![\w.+%-])[\w.+%-]++@(?:[\w-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}{_END}",
    "token": r"(?<![\w-])eyJ[\w-]{8,}+(?:\.[\w-]++){1,2}",
    "address": rf"(?:{_HEX4}:){{3,7}}{_HEX4}{_END}|(?:[0-9A-Fa-f]{{2}}-){{5}}[0-9A-Fa-f]{{2}}{_END}",
    "short_address": rf"(?:{_HEX4}:){{1,6}}(?::{_HEX4}){{1,6}}{_END}"
    rf"|(?<!:)::(?:{_HEX4}:){{0,6}}{_HEX4}{_END}",
    "region": rf"[a-z]{{2}}(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central){{1,2}}-\d{_END}",
    "amount": rf"(?<![+-])[+-]*+\d++(?:\.\d++)?{_UNIT}(?:\d++(?:\.\d++)?{_UNIT}){{0,4}}{_END}",
    "number": rf"(?<![+-])[+-]*+\d++(?:[.,]\d++)*+(?:[eE][+-]?+\d++)?+{_END}",
    "coded": r"(?<![/+])[A-Za-z0-9][A-Za-z0-9+/_-]{30,}+={0,2}+",
    "quoted": rf'"[^"\n]{{1,{_QUOTED_MAX}}}+"{_END}{_COLON}'
    rf"|'[^'\n]{{1,{_QUOTED_MAX}}}+'{_END}{_COLON}"
    rf"|`[^`\n]{{1,{_QUOTED_MAX}}}+`|“[^”\n]{{1,{_QUOTED_MAX}}}+”|«[^»\n]{{1,{_QUOTED_MAX}}}+»",
}
_VARYING = re.compile(
    "|".join(f"(?P<{name}>{_START}(?:{part}))" for name, part in _PARTS.items())
    + r"|(?P<query>[?&][\w.-]{1,64}=[^&\s\"'`<>)\]]++)|(?P<word>[^\W_]++)"
)
_WORD = re.compile(r"[^\W_]++")
_HEX = r"(?:0[xX])?(?:(?=[0-9a-fA-F]*+[0-9])[0-9a-fA-F]{6,}+|[0-9a-fA-F]{16,}+)|0[xX][0-9a-fA-F]++"
#: Hex, and keys such as AKIA..., which are capitals and digits.
_WHOLE = re.compile(rf"{_HEX}|(?=[A-Z]*+\d)[A-Z\d]{{16,}}+")
_DIGITS = re.compile(r"\d++")
_RUNS = re.compile(r"\d++|\D++")
#: An ID of letters and digits changes from one to the other so often, and no name does.
_RUNS_OF_ID = 5
#: Random text changes between capital, small and digit at more than this share of its characters.
_CHANGES_OF_CODE = 0.35
_KINDS = re.compile(r"[a-z]++|[A-Z]++|[0-9]++|[^a-zA-Z0-9]++")
#: Lists of marks, however long, are one.
_LISTED = re.compile(rf"{_START}0{_END}(?:[ ,.:;/|+_-]{{1,2}}+0{_END})++")
_LISTED_QUOTED = re.compile(r"([\"'])0\1(?:, ?\1(?:0)\1)++")
_SPACE = re.compile(r"\s++")


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """One error, whoever it happened to.

    id: 16 hex digits; template: the message, what varies as `<*>`; error_type: the exception's, or "";
    frames: the application's nearest to where it was thrown, `module:function`, without line numbers.
    """

    id: str
    template: str
    error_type: str = ""
    frames: tuple[str, ...] = ()


def fingerprint_of(log: Log) -> Fingerprint:
    """Return the fingerprint of a log record; never raises. Service and side are no part of it."""
    inline = read_stack(log.message)
    stack = read_stack(log.error_stack) if log.error_stack else inline
    said = log.message[: min(inline.begins, LOOKED_AT_MAX)].rstrip()
    template = template_of(_text(said, log.error_message or stack.error_message))
    error_type = _named(log.error_type or stack.error_type)
    parts = (error_type, template, *stack.frames)
    digest = blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8)
    return Fingerprint(id=digest.hexdigest(), template=template, error_type=error_type, frames=stack.frames)


def template_of(message: str) -> str:
    """Return a message with what varies masked: `claim CLM-<*> took <*>`; of a template, itself.

    White space is one space. Never raises.
    """
    # A template has three characters for what one stood for: as many are read again.
    text = message[: LOOKED_AT_MAX * len(MARK)].replace(MARK, _DIGIT)[:LOOKED_AT_MAX]
    text = _SPACE.sub(" ", text.encode("utf-8", "replace").decode()).strip()
    for _ in range(_PASSES_MAX):
        masked = _masked(text)
        if masked == text:
            break
        text = masked
    return text.replace(_DIGIT, MARK)


def _text(said: str, error_message: str) -> str:
    """What a record says before its stack, and the exception's own words where they are not in it."""
    told = error_message[:LOOKED_AT_MAX]
    return f"{said}: {told}" if said and told and told not in said else said or told


def _named(error_type: str) -> str:
    """An exception's type without what is generated anew in each process."""
    return template_of(error_type) if any(c.isdigit() for c in error_type) else error_type[:LOOKED_AT_MAX]


def _masked(text: str) -> str:
    text = _VARYING.sub(_mark, text)
    text = _LISTED.sub(_DIGIT, text)
    return _LISTED_QUOTED.sub(r"\g<1>0\g<1>", text)


def _mark(found: re.Match[str]) -> str:
    text, kind = found[0], found.lastgroup
    if kind == "word":
        return _word(text)
    if kind == "quoted":
        return _quoted(text)
    if kind == "query":
        return f"{text.partition('=')[0]}={_DIGIT}"
    if kind == "coded" and not _is_random(text):
        return _WORD.sub(lambda word: _word(word[0]), text)
    if kind == "short_address" and not any(c.isdigit() for c in text):
        return text  # `Abc::Def` is a name
    return _DIGIT


def _word(word: str) -> str:
    """A word: whole where it is an ID; else its digits masked, for `user42` is a kind of thing."""
    if _WHOLE.fullmatch(word) or len(_RUNS.findall(word)) >= _RUNS_OF_ID:
        return _DIGIT
    return _DIGITS.sub(_DIGIT, word)


def _quoted(text: str) -> str:
    """A text in quotes; with a colon behind them it names something, as in JSON."""
    if text[-1] == ":":
        return _WORD.sub(lambda word: _word(word[0]), text)
    return f"{text[0]}{_DIGIT}{text[-1]}"


def _is_random(text: str) -> bool:
    changes = len(_KINDS.findall(text)) - 1
    return any(c.isdigit() for c in text) and changes > _CHANGES_OF_CODE * len(text)
