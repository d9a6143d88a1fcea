"""Tomcat: the `pattern` of its AccessLogValve, given as such, and the format `tomcat`: catalina.out.

    BadLayout   (java_layout) a pattern that lines cannot be read with

An access log's time is when the request ended, `%{begin:...}t` when it began; `%D` is in milliseconds up to
Tomcat 10.0 and in microseconds from 10.1 on, which no line tells: the configuration must. catalina.out has
the records of java.util.logging on one line (Tomcat 8 and later) or on two (before); the lines after a
record are its stack trace. What an application prints goes on with the record before it, too.

https://tomcat.apache.org/tomcat-9.0-doc/config/valve.html#Access_Logging
https://tomcat.apache.org/tomcat-10.1-doc/config/valve.html#Access_Logging
https://tomcat.apache.org/tomcat-9.0-doc/logging.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from observe import semconv
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import apache_layout, strftime
from subscribers.formats.access import MS_NS, S_NS, US_NS, Access
from subscribers.formats.field_layout import DECIMAL, NUMBER, Field, Layout, Token, compile_fields
from subscribers.formats.levels import level_of
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates
from subscribers.parsers.java_layout import BadLayout

#: Of the logs of every pattern of the access log.
DATASET = "apache_tomcat.access"

_COMMON = '%h %l %u %t "%r" %s %b'
NAMED = {"common": _COMMON, "combined": _COMMON + ' "%{Referer}i" "%{User-Agent}i"'}


def _method(access: Access, said: str) -> None:
    """The method; of what was no request it is Java's null, and so is the path."""
    of.method(access, "" if said == "null" else said)


def _path(access: Access, said: str) -> None:
    of.path(access, "" if said == "null" else said)


_ELEMENT = re.compile(r"%(?:\{(?P<argument>[^{}]*+)\})?+(?P<letter>[A-Za-z%])|%|[^%]++", re.DOTALL)
#: Letter -> what it is, where it is not Apache's.
_PLAIN: dict[str, Field] = {
    **{letter: apache_layout.PLAIN[letter] for letter in "haAlurqHbBvpX"},
    "m": Field(_method),
    "U": Field(_path),
    "s": Field(of.status(), r"(?:\d{3}|-)"),
    "S": Field(of.text("session.id")),
    "I": Field(of.text(of.THREAD_NAME)),
    "F": Field(of.milliseconds("tomcat.time_to_commit_ms", MS_NS), NUMBER),
    "T": Field(of.duration(S_NS, MS_NS), DECIMAL),
}
_UNITS = {"s": S_NS, "ms": MS_NS, "us": US_NS, "ns": 1, "fracsec": S_NS}
_EPOCHS = ("sec", "msec", "msec_frac", "usec", "usec_frac")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b"}


def unescape(text: str) -> str:
    """Undo the escapes of a field: `\\"`, `\\\\`, `\\n` and `\\u00e9`.

    Tomcat takes each byte of a header for a character: where together they are UTF-8 they are read so.
    """
    told = _ESCAPE.sub(_unescaped, text)
    try:
        return told.encode("latin-1").decode("utf-8")
    except UnicodeError:
        # Half a pair of surrogates is no text.
        return told.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)


@lru_cache(maxsize=256)
def compile_layout(pattern: str, *, is_micro: bool = False) -> Layout:
    """Return the layout of a pattern, or of `common` and `combined`. Raises BadLayout.

    is_micro: %D is in microseconds, as from Tomcat 10.1 on.
    """
    pattern = NAMED.get(pattern.strip(), pattern)
    if "%" not in pattern:
        raise BadLayout(f"'{pattern[:40]}' holds no % and is neither common nor combined")
    return compile_fields(list(_tokens(pattern, US_NS if is_micro else MS_NS)), unescape)


def compile_tomcat(pattern: str, *, is_micro: bool = False) -> LineFormat:
    """Return the format of an AccessLogValve's pattern. Raises BadLayout."""
    return apache_layout.of_layouts(DATASET, compile_layout(pattern, is_micro=is_micro))


def _tokens(pattern: str, unit_ns: int) -> Iterator[Token]:
    for match in _ELEMENT.finditer(pattern):
        said, letter, argument = match[0], match["letter"], match["argument"]
        if letter == "%":
            yield "%"
        elif letter == "t":
            yield from _time(argument)
        elif letter == "D" and argument is None:
            yield Field(of.duration(unit_ns), NUMBER)
        elif letter and argument is not None:
            if letter not in ARGUMENTS:
                raise BadLayout(f"'{said}': %{letter} takes no argument")
            yield ARGUMENTS[letter](argument)
        elif letter:
            if letter not in _PLAIN:
                raise BadLayout(f"the code '{said}' is not known")
            yield _PLAIN[letter]
        elif said == "%":
            raise BadLayout(f"the % of '{pattern[match.start() :][:12]}' starts no code; a percent is %%")
        else:
            yield said


def _time(argument: str | None) -> Iterator[Token]:
    """The time in the common log format, since the epoch, or as SimpleDateFormat has it."""
    time, format = "end", argument or ""
    head, colon, rest = format.partition(":")
    if head in ("begin", "end"):
        time, format = head, rest if colon else ""
    if format in _EPOCHS:
        yield strftime.SPECIAL[format](time)
    elif format:
        yield _dated(format, time)
    else:
        yield from ("[", strftime.clf(time), "]")


def _dated(format: str, time: str) -> Field:
    try:
        date = java_dates.date_format(format)
    except java_dates.BadDate as error:
        raise BadLayout(str(error)) from None

    def role(access: Access, said: str) -> None:
        moment = access.ended if time == "end" else access.began
        moment.parts.update(date.parts(said))

    return Field(role, date.shape, time)


def _took(unit: str) -> Field:
    if unit not in _UNITS:
        raise BadLayout(f"the unit of '%{{{unit}}}T' is not one of {', '.join(_UNITS)}")
    # Before 10.1 it writes ??? there.
    return Field(of.duration(_UNITS[unit], MS_NS if unit == "fracsec" else 0), rf"(?:{DECIMAL}|\?\?\?)")


def _address(kind: str) -> Field:
    if kind not in ("remote", "peer"):
        raise BadLayout(f"the address of '%{{{kind}}}a' is not remote or peer")
    return Field(of.client) if kind == "remote" else Field(of.text(of.NETWORK_PEER_ADDRESS))


def _port(kind: str) -> Field:
    if kind not in ("local", "remote"):
        raise BadLayout(f"the port of '%{{{kind}}}p' is not local or remote")
    return Field(of.number(semconv.SERVER_PORT if kind == "local" else of.CLIENT_PORT), r"(?:\d{1,5}|-)")


#: Letter with an argument -> what that argument makes it.
ARGUMENTS: dict[str, Callable[[str], Field]] = {
    "a": _address,
    "p": _port,
    "T": _took,
    "i": lambda name: Field(headers.header(name)),
    "o": lambda name: Field(headers.response_header(name)),
    "c": lambda name: Field(headers.named(name, f"tomcat.cookie.{name}")),
    "r": lambda name: Field(headers.named(name, f"tomcat.request.{name}")),
    "s": lambda name: Field(headers.named(name, f"tomcat.session.{name}")),
    "L": lambda name: Field(of.text(f"tomcat.{name}_id")),
}

_LEVELS = "SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST"
_ONE_LINE = re.compile(
    r"(\d{2}-[^\W\d_]{1,10}\.?-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9}+)?+) (" + _LEVELS + r") "
    r"\[([^\]]{0,256}+(?:\](?! [\w$.<>]{1,500}+ )[^\]]{0,256}+){0,4}+)\] ([\w$.<>/\[\]]{1,500}+) ?+(.*)",
    re.DOTALL,
)
_FIRST = re.compile(
    r"([^\W\d_]{3,10}+\.? \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d[ \u202f][AP]M) "
    r"([\w$.]{1,300}+)(?: ([\w$<>]{1,200}+))?+\s*+"
)
_SECOND = re.compile(rf"({_LEVELS}): (.*)", re.DOTALL)
_ONE_LINE_DATE = java_dates.date_format("dd-MMM-yyyy HH:mm:ss")
_FIRST_DATE = java_dates.date_format("MMM d yyyy h:mm:ss a")


def _reader() -> Reader:
    pending: list[Told] = []

    def read(line: str, clock: Clock) -> Told | None:
        first, _, rest = line.partition("\n")
        if (match := _ONE_LINE.fullmatch(line)) is not None:
            pending.clear()
            return _one_line(match, clock)
        if (match := _FIRST.fullmatch(first)) is not None:
            told = _first(match, clock)
            if told is None or not rest:
                pending[:] = [told] if told else []
                return Told(is_header=True) if told else None
            pending[:] = [told]
            line = rest
        if pending and (match := _SECOND.fullmatch(line)) is not None:
            told = pending.pop()
            told.level, told.message = level_of(match[1]), match[2]
            return told
        return None

    return read


def _one_line(match: re.Match[str], clock: Clock) -> Told | None:
    when, level, thread, place, message = match.groups()
    date, _, fraction = when.partition(".")
    parts = _ONE_LINE_DATE.parts(date) | ({"S": fraction} if fraction else {})
    nano = clock.unix_nano(parts)
    if nano is None:
        return None
    attributes = {of.THREAD_NAME: thread} if thread else {}
    logger, _, method = place.rpartition(".")
    attributes |= {"log.logger": logger or place} | ({"code.function.name": method} if logger else {})
    return Told(time_unix_nano=nano, level=level_of(level), message=message, attributes=attributes)


def _first(match: re.Match[str], clock: Clock) -> Told | None:
    """The first of two lines: when and where; the next one says what."""
    when = match[1].replace(",", "").replace("\u202f", " ")
    nano = clock.unix_nano(_FIRST_DATE.parts(when))
    if nano is None:
        return None
    attributes = {"log.logger": match[2]} | ({"code.function.name": match[3]} if match[3] else {})
    return Told(time_unix_nano=nano, attributes=attributes)


TOMCAT = LineFormat(
    dataset="apache_tomcat.catalina",
    reader=_reader,
    joins=True,
    example="\n".join(
        (
            "21-Nov-2026 03:30:10.123 INFO [main] org.apache.catalina.startup.Catalina.start Server startup "
            "in [1234] milliseconds",
            "21-Nov-2026 03:30:11.456 SEVERE [http-nio-8080-exec-1] "
            "org.apache.catalina.core.StandardWrapperValve.invoke Servlet.service() for servlet [claims] "
            "threw exception",
            "Nov 21, 2026 3:30:12 AM org.apache.catalina.core.StandardService startInternal",
            "INFO: Starting service Catalina",
        )
    ),
)
