"""A grammar of Datadog's queries, by recursive descent: metric queries, formulas, conditions of monitors.

    condition   = aggregator "(last_" span "):" arithmetic operator number
                | "logs(" text ")" .index("..") .rollup("count") .last("5m") operator number
                | "burn_rate(" text ")" .over("30d") .long_window("1h") .short_window("5m") operator number
    arithmetic  = term { ("+" | "-") term };  term = factor { ("*" | "/") factor }
    factor      = number | "(" arithmetic ")" | function "(" arithmetic { "," arithmetic } ")" | query | name
    query       = aggregator ":" metric "{" scope "}" [ " by {" keys "}" ] { ".as_count()" | ".rollup(m, s)" }
    composite   = boolean expression of ${monitor:NAME}, !, &&, || and parentheses

https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

from __future__ import annotations

import re

_SPACE = r"(?:avg|sum|min|max|count|p50|p75|p90|p95|p99)"
_FUNCTIONS = {"default_zero": 1, "week_before": 1, "clamp_min": 2, "clamp_max": 2, "abs": 1}
_METRIC = r"[a-zA-Z][a-zA-Z0-9_.]{0,199}"
_FILTER = r"(?:!?[a-z][a-z0-9_\-./]*:[a-z0-9_\-:./*]+|\$[a-z][a-z0-9_]*|\*)"
_EITHER = rf"\({_FILTER}(?: OR {_FILTER})+\)(?: AND {_FILTER})*"
_QUERY = re.compile(
    rf"{_SPACE}:({_METRIC})\{{({_EITHER}|{_FILTER}(?:,{_FILTER})*)\}}( by \{{[a-z_,]+\}})?"
    r"(?:\.as_count\(\)|\.as_rate\(\))?(?:\.rollup\((?:avg|sum|min|max|count), \d+\))?"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAIL = re.compile(r" (>=|<=|>|<) (-?\d+(?:\.\d+)?)$")
_WINDOW = re.compile(r"(avg|sum|min|max)\(last_(\d+)([mhd])\):")
_LOGS = re.compile(
    r'logs\("((?:[^"\\]|\\.)*)"\)\.index\("[^"]+"\)\.rollup\("count"\)\.last\("(\d+)([mhd])"\)'
)
_BURN = re.compile(
    r'burn_rate\("\$\{slo:([^}"]+)\}"\)\.over\("(7d|30d|90d)"\)'
    r'\.long_window\("(\d+)([hd])"\)\.short_window\("(\d+)m"\)'
)
_MINUTES = {"m": 1, "h": 60, "d": 1440}


class BadQueryError(ValueError):
    """A query is not of the grammar; the text says where."""


class _Arithmetic:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.names: set[str] = set()
        self.metrics: list[str] = []

    def whole(self) -> None:
        self._sum()
        if self.at != len(self.text):
            raise BadQueryError(f"nothing fits at {self.text[self.at : self.at + 30]!r}")

    def _sum(self) -> None:
        self._product()
        while self._takes(" + ") or self._takes(" - "):
            self._product()

    def _product(self) -> None:
        self._factor()
        while self._takes(" * ") or self._takes(" / "):
            self._factor()

    def _factor(self) -> None:
        if self._takes("("):
            self._sum()
            self._expect(")")
        elif found := self._matches(_QUERY):
            self.metrics.append(found.group(1))
        elif self._matches(_NUMBER):
            return
        elif found := self._matches(_NAME):
            self._called(found.group())
        else:
            raise BadQueryError(f"neither a query nor a number at {self.text[self.at : self.at + 30]!r}")

    def _called(self, name: str) -> None:
        if not self._takes("("):
            self.names.add(name)
            return
        if name not in _FUNCTIONS:
            raise BadQueryError(f"{name} is no function")
        for at in range(_FUNCTIONS[name]):
            if at:
                self._expect(", ")
            self._sum()
        self._expect(")")

    def _matches(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def _takes(self, text: str) -> bool:
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise BadQueryError(f"{text!r} is missing at {self.text[self.at : self.at + 30]!r}")


def metric_query(text: str) -> str:
    """Return the metric of one metric query. Raises BadQueryError."""
    found = _QUERY.fullmatch(text)
    if not found:
        raise BadQueryError(f"{text!r} is no metric query")
    return found.group(1)


def arithmetic(text: str) -> tuple[set[str], list[str]]:
    """Return the names and the metrics of a formula or of arithmetic over queries. Raises BadQueryError."""
    parsed = _Arithmetic(text)
    parsed.whole()
    return parsed.names, parsed.metrics


def condition(kind: str, text: str) -> tuple[str, float]:
    """Return the operator and the number of a monitor's query. Raises BadQueryError."""
    tail = _TAIL.search(text)
    if tail is None:
        raise BadQueryError("it ends with no operator and number")
    head = text[: tail.start()]
    {"query alert": _of_metrics, "metric alert": _of_metrics, "log alert": _of_logs, "slo alert": _of_burn}[
        kind
    ](head)
    return tail.group(1), float(tail.group(2))


def _of_metrics(head: str) -> None:
    window = _WINDOW.match(head)
    if window is None:
        raise BadQueryError("it begins with no window such as avg(last_5m):")
    if not 1 <= int(window.group(2)) * _MINUTES[window.group(3)] <= 2880:
        raise BadQueryError("its window is not between 1 minute and 2 days")
    names, metrics = arithmetic(head[window.end() :])
    if names or not metrics:
        raise BadQueryError(f"it names {sorted(names)} and has {len(metrics)} metrics")


def _of_logs(head: str) -> None:
    found = _LOGS.fullmatch(head)
    if found is None:
        raise BadQueryError("it is no query of logs")
    log_search(found.group(1).replace(r"\"", '"'))


def _of_burn(head: str) -> None:
    found = _BURN.fullmatch(head)
    if found is None:
        raise BadQueryError("it is no query of a burn rate")
    long_m = int(found.group(3)) * _MINUTES[found.group(4)]
    if not 60 <= long_m <= 2880 or int(found.group(5)) >= long_m:
        raise BadQueryError("its windows are not allowed")


def composite(text: str) -> list[str]:
    """Return the monitors that a composite names. Raises BadQueryError."""
    names = re.findall(r"\$\{monitor:([^}]+)\}", text)
    shape = re.sub(r"\$\{monitor:[^}]+\}", "m", text).replace(" ", "")
    before = ""
    while shape != before:
        before = shape
        shape = shape.replace("!m", "m").replace("(m)", "m").replace("m&&m", "m").replace("m||m", "m")
    if shape != "m":
        raise BadQueryError("it is no boolean expression of monitors")
    return names


def log_search(text: str) -> None:
    """Raise BadQueryError where a search of logs has parentheses or quotes that do not match."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "q", text)
    depth = 0
    for character in bare:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or character == '"':
            break
    if depth or '"' in bare:
        raise BadQueryError(f"{text!r} has parentheses or quotes that do not match")
    if re.search(r"(?:^|\()\s*(?:AND|OR)\b|\b(?:AND|OR|NOT)\s*(?:\)|$)|:\s|:$|\(\s*\)", bare):
        raise BadQueryError(f"{text!r} is no search of logs")
