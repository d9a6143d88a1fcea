"""Which error a log line is: the same one with other IDs has the same fingerprint.

It is made of three things: the exception's type, the message with whatever varies masked, and the frames of
the application in its stack (stack_frames). Numbers, hex, UUIDs, IDs, addresses, times and quoted texts all
become the same mark, `<*>`: an ID that happens to be digits only must not make another fingerprint.
What stays is letters, so names of people outside of quotes do vary.

Only the first 1,024 characters of a message are looked at, and of them 100 words, blanks and signs, each a
few times: the time has a bound, whatever the text. First every digit becomes 0, and UUIDs and long hex too:
what is left is the same for most lines of one error, and the template of it is remembered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

import msgspec

from subscribers.alerts.stack_frames import read_stack
from subscribers.signals import Log

__all__ = ["LOOKED_AT_MAX", "MARK", "Fingerprint", "fingerprint_of", "template_of"]

#: What stands for anything that varies.
MARK = "<*>"
#: Characters of a message that are looked at.
LOOKED_AT_MAX = 1_024
#: Pieces of them: words, blanks, and other characters one by one. A template has fewer: where a message is
#: cut depends on what varies in it, and what is left must not.
PIECES_MAX, TEMPLATE_PIECES_MAX = 100, 80
#: Errors and messages that are remembered, each of a few KB at most.
_REMEMBERED = 4_096
#: While masking goes on, the mark is a digit: what was masked once is then masked alike once more.
_DIGIT = "0"
#: Masking can make new neighbours; what it converges to is the template. Ordinary text needs two or three.
_PASSES_MAX = 32
_QUOTED_MAX = 200

#: No letter or digit goes on: `_` and `-` divide words.
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
_DAY = r"[MTWFS](?:on|ue|ed|hu|ri|at|un)(?<=Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? "
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTH = rf"[JFMASOND][a-z][a-z](?<={_MONTHS})[a-z]{{0,6}}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_UNIT = r"(?:ns|us|µs|ms|s|m|h|d|[kKMGT]?i?[bB])"
_HEX1, _HEX3, _HEX4 = "[0-9A-Fa-f]", "[0-9A-Fa-f]{0,3}", "[0-9A-Fa-f]{1,4}"
_COLON = r"(?:\s{0,4}+:)?+"

#: In match order, each with what it is. Every part is bounded or possessive, begins where no word goes on,
#: and with a set of characters: by the first one the engine passes over a part without trying it.
_PARTS = (
    ("mark", rf"\d\d\d\d-\d\d-\d\d(?:[T ]{_CLOCK})?{_ZONE}{_END}"),
    ("mark", rf"\d\d?[/ -]{_MONTH}[/ -]\d{{2,4}}(?:[: ]{_CLOCK})?{_ZONE}{_END}"),
    ("mark", rf"{_DAY}\d{{1,2}}[/ -]{_MONTH}[/ -]\d{{2,4}}(?:[: ]{_CLOCK})?{_ZONE}{_END}"),
    ("mark", rf"{_DAY}{_MONTH} {{1,2}}\d{{1,2}}(?: {_CLOCK}(?: \d{{4}})?)?{_END}"),
    ("mark", rf"{_MONTH} {{1,2}}\d{{1,2}}(?: {_CLOCK}(?: \d{{4}})?)?{_END}"),
    ("mark", rf"(?<![\w.+%-])[\w.+%-]++@(?:[\w-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}{_END}"),
    ("mark", r"(?<![\w-])eyJ[\w-]{8,}+(?:\.[\w-]++){1,2}"),
    ("mark", rf"{_HEX1}{_HEX3}:(?:{_HEX4}:){{2,6}}{_HEX4}{_END}"),
    ("mark", rf"{_HEX1}{_HEX1}-(?:{_HEX1}{_HEX1}-){{4}}{_HEX1}{_HEX1}{_END}"),
    ("short_address", rf"{_HEX1}{_HEX3}:(?:{_HEX4}:){{0,5}}(?::{_HEX4}){{1,6}}{_END}"),
    ("short_address", rf":(?<!::):(?:{_HEX4}:){{0,6}}{_HEX4}{_END}"),
    ("mark", rf"[a-z][a-z](?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central){{1,2}}-\d{_END}"),
    ("mark", rf"\d(?<![+-]\d)\d*+(?:\.\d++)?{_UNIT}(?:\d++(?:\.\d++)?{_UNIT}){{0,4}}{_END}"),
    ("mark", rf"[+-](?<![+-][+-])[+-]*+\d++(?:\.\d++)?{_UNIT}(?:\d++(?:\.\d++)?{_UNIT}){{0,4}}{_END}"),
    ("mark", rf"\d(?<![+-]\d)\d*+(?:[.,]\d++)*+(?:[eE][+-]?+\d++)?+{_END}"),
    ("mark", rf"[+-](?<![+-][+-])[+-]*+\d++(?:[.,]\d++)*+(?:[eE][+-]?+\d++)?+{_END}"),
    ("coded", r"[A-Za-z0-9](?<![/+].)[A-Za-z0-9+/_-]{30,}+={0,2}+"),
    ("quoted", rf'"[^"\n]{{1,{_QUOTED_MAX}}}+"{_END}{_COLON}'),
    ("quoted", rf"'[^'\n]{{1,{_QUOTED_MAX}}}+'{_END}{_COLON}"),
    ("quoted", rf"`[^`\n]{{1,{_QUOTED_MAX}}}+`"),
    ("quoted", rf"“[^”\n]{{1,{_QUOTED_MAX}}}+”"),
    ("quoted", rf"«[^»\n]{{1,{_QUOTED_MAX}}}+»"),
)
#: An empty group behind each part tells which it was.
_VARYING = re.compile(
    rf"{_START}(?:{'|'.join(f'{part}()' for _, part in _PARTS)})"
    r"|[?&][\w.-]{1,64}=[^&\s\"'`<>)\]]++()|[^\W_]++()"
)
_KIND = ("", *(kind for kind, _ in _PARTS), "query", "word")
_WORD = re.compile(r"[^\W_]++")
_HEX = r"(?:0[xX])?(?:(?=[0-9a-fA-F]*+[0-9])[0-9a-fA-F]{6,}+|[0-9a-fA-F]{16,}+)|0[xX][0-9a-fA-F]++"
_DIGITS = re.compile(r"\d++")
#: Hex; keys such as AKIA..., which are capitals and digits; and what changes from letters to digits, or back,
#: so often that it is no name: an ID.
_ID = re.compile(rf"(?:{_HEX}|(?=[A-Z]*+\d)[A-Z\d]{{16,}}+)\Z|(?:\d++\D++){{2}}\d|(?:\D++\d++){{2}}\D")
#: Random text changes between capital, small and digit at more than this share of its characters.
_CHANGES_OF_CODE = 0.35
_KINDS = re.compile(r"[a-z]++|[A-Z]++|[0-9]++|[^a-zA-Z0-9]++")
#: Lists of marks, however long, are one.
_LISTED = re.compile(rf"{_START}0{_END}(?:[ ,.:;/|+_-]{{1,2}}+0{_END})++")
_LISTED_QUOTED = re.compile(r"([\"'])0\1(?:, ?\1(?:0)\1)++")
_READ_MAX = LOOKED_AT_MAX * len(MARK)
_ZEROS = str.maketrans("123456789", _DIGIT * 9)
#: UUIDs, X-Ray's IDs and long hex, once their digits are 0.
_CODES = re.compile(
    rf"{_START}(?:[0A-Fa-f]{{8}}-(?:[0A-Fa-f]{{4}}-){{3}}[0A-Fa-f]{{12}}|0-[0a-f]{{8}}-[0a-f]{{24}}"
    rf"|[0A-Fa-f]{{16,}}+){_END}"
)
_PIECES, _TEMPLATE_PIECES = (
    re.compile(rf"(?:[^\W_]++|[\W_]){{0,{most}}}+") for most in (PIECES_MAX, TEMPLATE_PIECES_MAX)
)


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
    said = log.message[: min(inline.begins, _READ_MAX)].rstrip()
    template = template_of(_text(said, log.error_message or stack.error_message))
    return _made(_named(log.error_type or stack.error_type), template, stack.frames)


@lru_cache(maxsize=_REMEMBERED)
def _made(error_type: str, template: str, frames: tuple[str, ...]) -> Fingerprint:
    parts = (error_type, template, *frames)
    digest = blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8)
    return Fingerprint(id=digest.hexdigest(), template=template, error_type=error_type, frames=frames)


def template_of(message: str) -> str:
    """Return a message with what varies masked: `claim CLM-<*> took <*>`; of a template, itself.

    White space is one space. Never raises.
    """
    # A template has three characters for what one stood for: as many are read again.
    text = " ".join(message[:_READ_MAX].replace(MARK, _DIGIT)[:LOOKED_AT_MAX].split())
    text = _normal(text if text.isascii() else text.encode("utf-8", "replace").decode())
    return _template(_cut(_PIECES, text))


@lru_cache(maxsize=_REMEMBERED)
def _template(text: str) -> str:
    """The template of a text in its normal form."""
    masked = _converged(text)
    short = _cut(_TEMPLATE_PIECES, masked)
    return (masked if short == masked else _converged(short)).replace(_DIGIT, MARK)


def _converged(text: str) -> str:
    for _ in range(_PASSES_MAX):
        masked = _normal(_masked(text))
        if masked == text:
            break
        text = masked
    return text


def _cut(pieces: re.Pattern[str], text: str) -> str:
    found = pieces.match(text)
    return found[0].rstrip() if found else ""


def _normal(text: str) -> str:
    """A text in which what varies most is gone, at little cost: the same for most lines of one error."""
    return _CODES.sub(_DIGIT, text.translate(_ZEROS))


def _text(said: str, error_message: str) -> str:
    """What a record says before its stack, and the exception's own words where they are not in it."""
    told = error_message[:_READ_MAX]
    return f"{said}: {told}" if said and told and told not in said else said or told


def _named(error_type: str) -> str:
    """An exception's type without what is generated anew in each process."""
    error_type = error_type[:LOOKED_AT_MAX]
    return error_type if _DIGITS.search(error_type) is None else template_of(error_type)


def _masked(text: str) -> str:
    text = _VARYING.sub(_mark, text)
    text = _LISTED.sub(_DIGIT, text)
    return _LISTED_QUOTED.sub(r"\g<1>0\g<1>", text)


def _mark(found: re.Match[str]) -> str:
    text, kind = found[0], _KIND[found.lastindex or 0]
    if kind == "mark":
        return _DIGIT
    if kind == "word":
        return text if text.isalpha() else _word(text)
    if kind == "quoted":
        return _quoted(text)
    if kind == "query":
        return f"{_DIGITS.sub(_DIGIT, text.partition('=')[0])}={_DIGIT}"
    if kind == "coded" and not _is_random(text):
        return _WORD.sub(lambda word: _word(word[0]), text)
    if kind == "short_address" and not any(c.isdigit() for c in text):
        return text  # `Abc::Def` is a name
    return _DIGIT


def _word(word: str) -> str:
    """A word: whole where it is an ID; else its digits masked, for `user42` is a kind of thing."""
    return _DIGIT if _ID.match(word) else _DIGITS.sub(_DIGIT, word)


def _quoted(text: str) -> str:
    """A text in quotes; with a colon behind them it names something, as in JSON."""
    if text[-1] == ":":
        return _WORD.sub(lambda word: _word(word[0]), text)
    return f"{text[0]}{_DIGIT}{text[-1]}"


def _is_random(text: str) -> bool:
    changes = len(_KINDS.findall(text)) - 1
    return any(c.isdigit() for c in text) and changes > _CHANGES_OF_CODE * len(text)
