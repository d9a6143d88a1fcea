"""HAProxy's `log-format`, given as such, compiled to a reader of what it writes.

    BadLayout   (java_layout) a format that lines cannot be read with

A line has the header of syslog or none. `%tr` and its kin are when the request began, `%t`, `%T`, `%Tl`,
`%Ts` when the connection was accepted; `%Ta` is all that the request took, `%Tt` all of the connection: the
one and the other are brought together by `%Th` and `%Ti`, or there is no duration. What
a client sent is encoded as `#22` in the request and in captured headers, and not at all in samples
(`%[...]`), which end at the first occurrence of the text after them. Blanks are one, and none beside a
variable that writes nothing. A line that the format did not write may be one of HAProxy's own, as of
servers that go down: it is read as the format `haproxy` has it.

https://docs.haproxy.org/2.6/configuration.html#8.2.6
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from subscribers.formats import haproxy
from subscribers.formats.access import Access, Role
from subscribers.formats.field_layout import Field, Layout, Token, by_name, compile_fields
from subscribers.formats.haproxy_variables import (
    CAPTURED,
    FIELDS,
    HEXADECIMAL,
    LISTED,
    NUMBERS,
    TEXTS,
    sample_role,
    settle,
)
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers.java_layout import BadLayout

_HTTP = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs "
    "%{+Q}r"
)
#: What `option httplog`, `tcplog` and `httplog clf` stand for.
NAMED = {
    "httplog": _HTTP,
    "tcplog": "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq",
    "clf": '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc '
    "%sc %rc %sq %bq %CC %CS %hrl %hsl",
}
_ELEMENT = re.compile(
    r"%(?:\((?P<alias>[^()]*+)\))?+(?:\{(?P<flags>[^{}]*+)\})?+"
    r"(?:(?P<name>[A-Za-z]++)|\[(?P<sample>(?:[^\]()]++|\((?:[^()]++|\([^()]*+\))*+\))*+)\]|(?P<percent>%))"
    r"|%|[^%]++"
)
_DIRECTIVE = re.compile(r"\s*+(?:error-)?+log-format\s++")
#: As a line of haproxy.cfg is cut into words. https://docs.haproxy.org/2.6/configuration.html#2.2
_WORD = re.compile(r"""\\(.)|"((?:[^"\\]++|\\.)*+)"|'([^']*+)'|([^\s\\"']++)|\s++""", re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)
#: Absent is `-`, and `""` of a port where text is quoted.
_NUMBER = r"(?:[+-]?\d{1,19}+|-|\"\")"
_HEX = r"(?:[0-9A-F]{1,16}+|-|\"\")"
#: Ten digits until 2286: a fraction may follow at once.
_EPOCH = r"\d{10}"
_MAY_BE_NOTHING = frozenset({*CAPTURED.values(), *LISTED.values()})


class _Flags(NamedTuple):
    """What a variable's flags, or those of `%o` before it, make of it: quoted, hexadecimal, escaped."""

    quoted: bool = False
    hexadecimal: bool = False
    escaped: bool = False

    def changed(self, text: str) -> _Flags:
        made = self._asdict()
        for flag in text.split(","):
            name = {"Q": "quoted", "X": "hexadecimal", "E": "escaped"}.get(flag.strip()[1:])
            if name is None or flag.strip()[0] not in "+-":
                raise BadLayout(f"the flag '{flag}' of '{{{text}}}' is none of Q, X and E with a + or -")
            made[name] = flag.strip()[0] == "+"
        return _Flags(**made)


@lru_cache(maxsize=256)
def compile_layout(text: str) -> Layout:
    """Return the layout of a format, of the whole directive, or of a name of NAMED. Raises BadLayout."""
    format = by_name(_format(text), NAMED)
    tokens = _blanks_once(list(_tokens(format)))
    is_escaped = "E" in "".join(re.findall(r"\{([^{}]*)\}", format))
    return compile_fields(
        _spaced(tokens), _unescaped if is_escaped else str, escapes=is_escaped, finish=settle
    )


def compile_haproxy(text: str) -> LineFormat:
    """Return the format of a `log-format`. Raises BadLayout."""
    layout = compile_layout(text)

    def read(line: str, clock: Clock) -> Told | None:
        header = haproxy.HEADER.match(line)
        told = layout.read(line[header.end() :] if header else line, clock)
        if told is None:
            return haproxy.read(line, clock)
        _finish(told, header)
        return told

    def reader() -> Reader:
        return read

    return LineFormat(dataset=haproxy.DATASET, reader=reader)


def _finish(told: Told, header: re.Match[str] | None) -> None:
    """What only the whole line tells: who wrote it, its level, and whether it was a request at all."""
    if header is not None:
        about = Access()
        haproxy.take_header(header, about)
        told.attributes = {**about.attributes, **told.attributes}
    made = told.exchange
    if made is not None and not (made.method or made.path or made.status):
        told.exchange = None
    state = told.attributes.get("haproxy.termination_state", "")
    if not told.level:
        told.level = haproxy.level_of_state(state) if state else "INFO"


def _format(text: str) -> str:
    """The format within a directive and its quotes, or as it stands between them."""
    directive = _DIRECTIVE.match(text)
    rest = text[directive.end() :] if directive else text.strip()
    parts = list(_WORD.finditer(rest))
    is_quoted = len(parts) == 1 and (parts[0][2] is not None or parts[0][3] is not None)
    if not directive and not is_quoted:
        return _QUOTED.sub(r"\1", rest)
    if "".join(part[0] for part in parts) != rest:
        raise BadLayout("a quote of the log-format is never closed")
    # A blank that is neither quoted nor escaped ends the format.
    out = ""
    for part in parts:
        if part[0].isspace():
            break
        weak = part[2]
        out += _QUOTED.sub(r"\1", weak) if weak is not None else part[1] or part[3] or part[4] or ""
    return out


def _tokens(format: str) -> Iterator[Token]:
    flags = _Flags()
    for match in _ELEMENT.finditer(format):
        said, name, sample = match[0], match["name"], match["sample"]
        own = flags.changed(match["flags"]) if match["flags"] else flags
        if match["percent"]:
            yield "%"
        elif name == "o":
            flags = own
        elif name:
            yield from _variable(name, said, own)
        elif sample is not None:
            yield from _text(sample_role(sample), own)
        elif said == "%":
            raise BadLayout(f"the % of '{format[match.start() :][:12]}' starts no variable; a percent is %%")
        else:
            yield said


def _variable(name: str, said: str, flags: _Flags) -> Iterator[Token]:
    is_hex = flags.hexadecimal and name in HEXADECIMAL
    if name in TEXTS:
        yield from _text(_address(TEXTS[name]) if is_hex else TEXTS[name], flags)
    elif is_hex:
        role = FIELDS[name].role if name in FIELDS else NUMBERS[name]
        yield Field(_hexadecimal(role), _HEX, "begin" if name in ("Ts", "ms") else "")
    elif name == "Ts":
        yield Field(NUMBERS[name], _EPOCH, "begin")
    elif name in NUMBERS:
        yield Field(_signed(NUMBERS[name]), _NUMBER)
    elif name in CAPTURED:
        yield _captures(CAPTURED[name], flags)
    elif name in LISTED:
        yield _listed(LISTED[name], flags)
    elif name in FIELDS:
        yield FIELDS[name]
    else:
        raise BadLayout(f"the variable '{said}' is not known")


def _text(role: Role, flags: _Flags) -> Iterator[Token]:
    yield from ('"', Field(role), '"') if flags.quoted else (Field(role),)


def _captures(role: Role, flags: _Flags) -> Field:
    """`{a|b}`, or nothing where the frontend captures no header."""
    shape = r"\{[^{}]*+\}"
    return Field(role, rf'(?:"{shape}")?+' if flags.quoted else f"(?:{shape})?+")


def _listed(role: Role, flags: _Flags) -> Field:
    """`"a" "b"`, or nothing; without quotes nobody can tell where they end but by what follows."""
    return Field(role, r'(?:"[^"]*+"(?: "[^"]*+")*+)?+', is_long=True) if flags.quoted else Field(role)


def _blanks_once(tokens: list[Token]) -> list[Token]:
    """The tokens with one blank for several, and none at the begin: `%o` between them writes nothing."""
    out: list[Token] = []
    for token in tokens:
        if isinstance(token, str):
            token = re.sub(" {2,}", " ", token)
            if not out or (isinstance(out[-1], str) and out[-1].endswith(" ")):
                token = token.removeprefix(" ")
        if token != "":
            out.append(token)
    return out


def _spaced(tokens: list[Token]) -> list[Token]:
    """The tokens, the blank behind a variable that may write nothing as its own: it goes with it."""
    out: list[Token] = []
    for token in tokens:
        before = out[-1] if out else None
        may_be_nothing = isinstance(before, Field) and before.shape and before.role in _MAY_BE_NOTHING
        if may_be_nothing and isinstance(before, Field) and isinstance(token, str) and token.startswith(" "):
            out[-1] = before._replace(shape=before.shape.removesuffix(")?+") + "(?: |$))?+")
            token = token[1:]
        out.append(token)
    return out


def _signed(role: Role) -> Role:
    """A number, which is marked with a plus where it is not yet the last."""
    return lambda access, said: role(access, said.lstrip("+"))


def _hexadecimal(role: Role) -> Role:
    return lambda access, said: role(access, str(int(said, 16))) if said.isalnum() else None


def _address(role: Role) -> Role:
    """An address in hexadecimal digits, of IP version 4 or 6."""

    def of_digits(access: Access, said: str) -> None:
        is_one = len(said) in (8, 32) and all(digit in "0123456789ABCDEF" for digit in said)
        role(access, str(ip_address(bytes.fromhex(said))) if is_one else said)

    return of_digits


def _unescaped(text: str) -> str:
    return re.sub(r'\\(["\\\]])', r"\1", text)
