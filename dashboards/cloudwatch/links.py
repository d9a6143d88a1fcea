"""Addresses of the console: dashboards, alarms, Logs Insights with a query filled in.

The console keeps a query in the fragment of its address as `~(key~value)`: texts begin with an apostrophe and
escape with `*`, lists are `~(~a~b)`; the whole is percent-encoded twice, `%` written `$`. No documentation
describes it; it is what the console itself writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
_TO_FILL_IN = re.compile(r"\{[a-z_]+\}")
#: References to what only the stack knows stay as they are: CloudFormation puts the value in later. A name
#: with a slash in it is then not encoded, which the console bears in a list of log groups.
_REFERENCE = re.compile("(\ue000[^\ue001]*\ue001)")


def console(region: str, fragment: str) -> str:
    """Return an address of CloudWatch's console. region: a text."""
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#{fragment}"


def is_template(address: str) -> bool:
    """Whether an address of observe.yaml has something to fill in, such as `{trace_id}`: no link then."""
    return bool(_TO_FILL_IN.search(address))


def dashboard(region: str, name: str) -> str:
    """Return the address of a dashboard."""
    return console(region, f"dashboards/dashboard/{_quoted(name)}")


def _quoted(text: str) -> str:
    return "".join(
        part if part.startswith("\ue000") else quote(part, safe="") for part in _REFERENCE.split(text)
    )


def logs_insights(region: str, query: str, groups: Sequence[str], seconds: int = 3600) -> str:
    """Return the address of Logs Insights with a query over log groups, of the last seconds."""
    detail: dict[str, Value] = {
        "end": 0,
        "start": -seconds,
        "timeType": "RELATIVE",
        "unit": "seconds",
        "editorString": query,
        "source": list(groups),
    }
    return console(region, f"logsV2:logs-insights{twice('?queryDetail=' + encoded(detail))}")


def encoded(value: Value) -> str:
    """Return a value in the console's own writing."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return "'" + _escaped(value)
        case Mapping():
            return "~(" + "~".join(f"{key}~{_inner(one)}" for key, one in value.items()) + ")"
        case _:
            return "~(" + "".join(f"~{_inner(one)}" for one in value) + ")"


def _inner(value: Value) -> str:
    text = encoded(value)
    return text[1:] if text.startswith("~(") else text


def _escaped(text: str) -> str:
    return "".join(part if part.startswith("\ue000") else _stars(part) for part in _REFERENCE.split(text))


def _stars(text: str) -> str:
    return "".join(
        sign if _PLAIN.fullmatch(sign) else "".join(f"*{byte:02x}" for byte in sign.encode()) for sign in text
    )


def twice(text: str) -> str:
    """Percent-encode what addresses keep for themselves, once more, and write `$` for `%`."""
    parts = _REFERENCE.split(text)
    return "".join(part if part.startswith("\ue000") else _dollars(part) for part in parts)


def _dollars(text: str) -> str:
    head, equals, rest = text.partition("=") if text.startswith("?") else ("", "", text)
    # The argument is encoded, then the whole of `?queryDetail=...` again.
    inner = quote(rest, safe="*").replace("~", "%7E")
    return quote(head + equals + inner, safe="*").replace("~", "%7E").replace("%", "$")


def decoded(fragment: str) -> Value:
    """Return what an address of Logs Insights asks for; the other way round, for tests and for people."""
    text = unquote(unquote(fragment.partition("logs-insights")[2].replace("$", "%")))
    value, rest = _read(text.removeprefix("?queryDetail="))
    if rest:
        raise ValueError(f"there is more after the query: {rest[:40]}")
    return value


def _read(text: str) -> tuple[Value, str]:
    text = text.removeprefix("~")
    if text.startswith("("):
        return _read_many(text[1:])
    end = re.search(r"[~)]", text)
    word, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    if word.startswith("'"):
        raw = re.sub(r"\*([0-9a-f]{2})", r"%\1", word[1:])
        return unquote(raw), rest
    return {"true": True, "false": False}.get(word, word) if word in ("true", "false") else int(word), rest


def _read_many(text: str) -> tuple[Value, str]:
    if text.startswith(("~", ")")):
        several: list[Value] = []
        while not text.startswith(")"):
            one, text = _read(text[1:])
            several.append(one)
        return several, text[1:]
    found: dict[str, Value] = {}
    while not text.startswith(")"):
        key, _, text = text.removeprefix("~").partition("~")
        found[key], text = _read(text)
    return found, text[1:]
