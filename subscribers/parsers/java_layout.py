"""log4j's PatternLayout and logback's, compiled to one expression that reads what they write.

    BadLayout   a pattern that lines cannot be read with

A field reaches to the first occurrence of the text that follows it in the pattern, and to the next blank
where another field follows at once. `%m` is what lies between the fields before it and, read from the end
of the line, those after it. Nothing is ever tried twice: the time is linear in the length of the line.

https://logging.apache.org/log4j/2.x/manual/pattern-layout.html
https://logging.apache.org/log4j/1.x/apidocs/org/apache/log4j/PatternLayout.html
https://logback.qos.ch/manual/layouts.html#conversionWord
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import NamedTuple

import msgspec

from subscribers.parsers import mdc
from subscribers.parsers.draft import LEVELS
from subscribers.parsers.java_dates import BadDate, DateFormat, date_format

#: What a conversion writes -> its words. What no reader needs has a name all the same, and is kept by it.
_WORDS = {
    "date": "d date",
    "level": "p le level",
    "thread": "t tn thread threadName",
    "logger": "c lo logger",
    "class": "C class",
    "file": "F file",
    "line": "L line",
    "method": "M method",
    "location": "l location",
    "message": "m msg message",
    "newline": "n",
    "mdc": "X mdc MDC",
    "ndc": "x NDC",
    "relative_ms": "r relative",
    "throwable": "ex exception throwable xEx xException xThrowable rEx rException rThrowable rootException "
    "wEx wex nopex nopexception",
    "thread_id": "T tid threadId",
    "thread_priority": "tp threadPriority",
    "process_id": "pid processId",
    "sequence_number": "sn sequenceNumber",
    "nano": "N nano",
    "uuid": "u uuid",
    "marker": "marker markerSimpleName",
    "context_name": "contextName cn",
}
CONVERTERS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
#: Conversions around others, and colours, which change what the layout writes: refused, not misread.
_NESTING = re.compile(
    "replace|maxLen|maxLength|notEmpty|notempty|variablesNotEmpty|varsNotEmpty|equals|equalsIgnoreCase|"
    "enc|encode|repeat|style|highlight|clr|gr[ae]y|(bold)?([Bb]lack|[Rr]ed|[Gg]reen|[Yy]ellow|[Bb]lue|[Mm]agenta|[Cc]yan|"
    "[Ww]hite)|property|kvp|map|MAP|K|caller|callerData|prefix|hasException"
)
#: Without a date in the layout only these words are a level: else the next line's first word would be one.
_LEVEL_NAMES = "|".join((*LEVELS, "OFF", "ALL", "NOTICE", "VERBOSE", "AUDIT"))
_WIDTH_MAX = 1000
_CONVERSION = re.compile(
    r"%(?P<left>-)?0?(?P<least>\d{1,9}+)?(?:\.-?(?P<most>\d{1,9}+))?(?P<word>[A-Za-z][A-Za-z0-9_$]*+)"
    r"(?P<options>(?:\{[^{}]*+\})*+)|%%|%|\\.|[^%\\]++|\\",
    re.DOTALL,
)
#: Names with dots, before a dot: the last one counts.
_DOTTED = frozenset({"logger", "class"})
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b"}
#: A whole MDC as log4j 2 ({a=1, b=2}) and 1.x ({{a,1}{b,2}}) write it, and the same backwards.
_MAP = r"\{(?:[^{}]++|\{[^{}]*+\})*+\}"
_MAP_BACKWARDS = r"\}(?:[^{}]++|\}[^{}]*+\{)*+\{"


class BadLayout(ValueError):  # noqa: N818 - a BadDate of the layout is one, too
    """A pattern that lines cannot be read with; the text says why."""


class Field(NamedTuple):
    """One conversion: what it writes, its options, its least width, and its one width or 0."""

    kind: str
    options: tuple[str, ...] = ()
    least: int = 0
    fixed: int = 0
    date: DateFormat | None = None


Token = str | Field


class Record(NamedTuple):
    """What one line says: kind of field -> text; the MDC; the parts of its date."""

    message: str
    fields: dict[str, str]
    mdc: dict[str, str]
    date: dict[str, str]


class Layout(msgspec.Struct, frozen=True):
    """A compiled layout. `anchored`: a date or a level tells its lines from any other text."""

    head: re.Pattern[str]
    tail: re.Pattern[str] | None
    fields: tuple[Field, ...]
    anchored: bool
    levels: dict[str, str]
    #: The zone that a date names as its second option.
    zone: tzinfo | None = None

    def read(self, line: str) -> Record | None:
        """Return what one line without its line end says, or None where the layout did not write it."""
        match = self.head.match(line)
        if match is None:
            return None
        said, message = list(match.groups()), line[match.end() :]
        if self.tail is not None:
            rest = self.tail.match(message[::-1])
            if rest is None:
                return None
            message = message[: len(message) - rest.end()]
            said += [text[::-1] for text in reversed(rest.groups())]
        return self._record(message, said)

    def level(self, record: Record) -> str:
        """Return the level of a record, one of LEVELS' values, or ""."""
        return self.levels.get(record.fields.get("level", "").upper(), "")

    def _record(self, message: str, said: list[str]) -> Record | None:
        record = Record(message, {}, {}, {})
        for field, text in zip(self.fields, said, strict=True):
            value = text.strip(" ")
            if field.date is not None:
                parts = field.date.parts(value)
                if not parts:
                    return None
                record.date.update(parts)
            elif field.kind == "mdc":
                key = _key(field)
                record.mdc.update({key: value} if key else mdc.entries(value))
            elif value:
                record.fields[field.kind] = value
        return record


def compile_layout(pattern: str, kind: str = "log4j") -> Layout:
    """Return the layout of a pattern string. Raises BadLayout. kind: `log4j` or `logback`."""
    tokens = _first_line(_merged(_tokens(pattern, kind)))
    places = [i for i, token in enumerate(tokens) if isinstance(token, Field) and token.kind == "message"]
    if not places:
        raise BadLayout("writes no message: it needs %m before the first line break")
    head, tail = tokens[: places[0]], tokens[places[0] + 1 :]
    last = tail[-1] if tail else ""
    blanks = len(last) - len(last.rstrip()) if isinstance(last, str) else 0
    if blanks and isinstance(last, str):
        tail = [*tail[:-1], last.rstrip()]
    fields = tuple(token for token in (*head, *tail) if isinstance(token, Field))
    backwards = [token[::-1] if isinstance(token, str) else token for token in reversed(tail)]
    dated = any(field.kind == "date" for field in fields)
    return Layout(
        head=re.compile(_expression(head, dated)),
        # Blanks at the end of lines are lost now and then.
        tail=re.compile(rf"\s{{0,{blanks}}}+" + _expression(backwards, dated, backwards=True))
        if tail
        else None,
        fields=fields,
        anchored=dated or any(isinstance(token, Field) and token.kind == "level" for token in head),
        levels=_levels(fields),
        zone=next((field.date.zone for field in fields if field.date and field.date.zone), None),
    )


def _tokens(pattern: str, kind: str) -> Iterator[Token]:
    for match in _CONVERSION.finditer(pattern):
        text = match[0]
        if match["word"]:
            yield from _conversion(match, kind)
        elif text == "%":
            said = pattern[match.start() : match.start() + 8]
            raise BadLayout(f"the % of '{said}' starts no conversion; a percent sign is written %%")
        elif text == "%%":
            yield "%"
        else:
            if "${" in text:
                raise BadLayout("a lookup ${...} is not known here; write what it stands for, e.g. %pid")
            yield _ESCAPED.get(text[1:], text[1:] or text) if text[0] == "\\" else text


def _conversion(match: re.Match[str], kind: str) -> Iterator[Token]:
    word, after = match["word"], match.string[match.end() : match.end() + 1]
    if _NESTING.fullmatch(word) or after == "{" or (after == "(" and kind == "logback"):
        raise BadLayout(f"the conversion '%{word}' changes or wraps what others write: it is not read here")
    # log4j takes the longest beginning of the word that is a conversion, and the rest for text.
    ends = range(len(word), 0, -1) if kind == "log4j" else (len(word),)
    name = next((word[:n] for n in ends if word[:n] in CONVERTERS), "")
    if not name:
        raise BadLayout(f"the conversion '%{word}' is not known")
    least, most = int(match["least"] or 0), int(match["most"] or 0)
    if max(least, most) > _WIDTH_MAX:
        raise BadLayout(f"'{match[0]}' is wider than {_WIDTH_MAX} characters")
    options = tuple(re.findall(r"\{([^{}]*+)\}", match["options"]))
    fixed = least if least and least == most else 0
    date = _date(options, kind) if CONVERTERS[name] == "date" else None
    yield Field(CONVERTERS[name], options, least, fixed, date)
    if word != name:
        yield word[len(name) :]


def _date(options: tuple[str, ...], kind: str) -> DateFormat:
    said = list(options)
    if kind == "logback" and said:
        # Its options are separated by commas, and quoted where they hold one.
        said = [part.strip().strip("\"'") for part in re.findall(r'(?:"[^"]*"|[^",])+', said[0])]
    name, zone = (*said, "", "")[:2]
    try:
        return date_format(name, zone)
    except BadDate as error:
        raise BadLayout(str(error)) from error


def _merged(tokens: Iterator[Token]) -> list[Token]:
    """Neighbouring texts as one, and without what may write nothing or its own lines."""
    out: list[Token] = []
    for token in tokens:
        text = token if isinstance(token, str) else "\n" if token.kind == "newline" else ""
        if text and out and isinstance(out[-1], str):
            out[-1] += text
        elif text or (isinstance(token, Field) and token.kind != "throwable"):
            out.append(text or token)
    return out


def _first_line(tokens: list[Token]) -> list[Token]:
    """The tokens up to the first line break: what an event of several lines goes on with is its message's."""
    for i, token in enumerate(tokens):
        if isinstance(token, str) and "\n" in token:
            text = token.partition("\n")[0]
            return [*tokens[:i], text] if text else tokens[:i]
    return tokens


def _expression(tokens: Sequence[Token], dated: bool, *, backwards: bool = False) -> str:
    out = ""
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        until = following if isinstance(following, str) else ""
        if isinstance(token, str):
            out += re.escape(token)
        elif backwards:
            out += f"({_ended(token, until, token.date.backwards if token.date else '', _MAP_BACKWARDS)})"
        else:
            out += f"({_ended(token, until, _shape(token, until, dated), _MAP)})"
    return out


def _shape(field: Field, until: str, dated: bool) -> str:
    """What a field looks like, for those that no other text does; "" for the others."""
    if field.kind == "level":
        return r"[A-Za-z]\w*+" if dated or field.options else rf"(?i:{_LEVEL_NAMES})(?!\w)"
    if field.kind in _DOTTED and until.startswith("."):
        return rf"(?>[\w$.]*(?={re.escape(until)}))"
    return field.date.shape if field.date else ""


def _ended(field: Field, until: str, shape: str, whole_mdc: str) -> str:
    """The expression of a field: by its shape where it has one, else by where it ends."""
    end = _until(field, until)
    if shape:
        return f"(?= *+{shape}){end}" if field.least and not field.date else shape
    if field.kind == "mdc" and not _key(field):
        return f"(?>{whole_mdc}(?={re.escape(until)})|{end})"
    return end


def _until(field: Field, until: str) -> str:
    if field.fixed:
        return f".{{{field.fixed}}}"
    # A least width belongs to the field whatever it holds: padding, or the text `until` itself.
    text = rf"(?:(?!{re.escape(until)}).)*+" if until else r"\S*+"
    return (f".{{{field.least}}}" if field.least else "") + text


def _key(field: Field) -> str:
    """The one MDC key that a field writes, or "" where it writes several."""
    key = field.options[0].partition(":-")[0].strip() if field.options else ""
    return "" if "," in key else key


def _levels(fields: Sequence[Field]) -> dict[str, str]:
    """Every spelling of a level that the layout may write, in capitals: `{length=1}`, `{WARN=Warning}`."""
    levels = dict(LEVELS)
    for option in (option for field in fields if field.kind == "level" for option in field.options):
        for name, _, value in (item.strip().partition("=") for item in option.split(",")):
            if name in LEVELS and value:
                levels[value.strip().upper()] = LEVELS[name]
            elif name == "length" and value.isdecimal() and int(value):
                levels.update({full[: int(value)]: LEVELS[full] for full in LEVELS})
    return levels
