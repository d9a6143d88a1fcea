"""Routes as conditions on the request line of an access log: which requests a metric filter counts as whose.

A filter pattern knows a text only with a wildcard before or after it. So a route is where its requests begin
(`GET /policies/`) and what is in them further on (`/statement`), and everything below a parameter is its own.
Where requests fit two routes they are counted for the nearer one alone: the other excludes them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from subscribers.insight.routes import canonical

#: What an API's route or a load balancer's rule has for "something".
_OPEN = re.compile(r"\{[^{}]*\}|\*|(?<=/)(?::[^/]+|<[^<>/]+>)")
#: More parts than that are no filters of one metric: a log group has 100 filters at most.
PARTS_MAX = 4
#: What ends a path.
_ENDS = (" ", "?")
_UNSAFE = re.compile(r'["\\\x00-\x1f]')


class Start(msgspec.Struct, frozen=True, tag=True):
    """Where a request begins. method: "" for every one; path: its beginning."""

    method: str
    path: str

    @property
    def text(self) -> str:
        """As the request line has it; no path has a space in it, so one stands before a path alone."""
        return f"{self.method} {self.path}"

    @property
    def glob(self) -> str:
        """As a filter pattern has it."""
        return f"{self.text}*" if self.method else f"*{self.text}*"


class Within(msgspec.Struct, frozen=True, tag=True):
    """What a request has in it."""

    text: str

    @property
    def glob(self) -> str:
        """As a filter pattern has it."""
        return f"*{self.text}*"


Condition = Start | Within


class Part(msgspec.Struct, frozen=True):
    """Requests that fulfil all conditions and none of the excluded ones."""

    are: tuple[Condition, ...]
    are_not: tuple[Condition, ...] = ()

    def has(self, condition: Condition) -> bool:
        """Whether all of its requests fulfil a condition."""
        return any(_implies(one, condition) for one in self.are)

    def field(self) -> str:
        """Return the conditions on the field `request` of a filter pattern."""
        equal = [f'request="{one.glob}"' for one in self.are]
        other = [f'request!="{one.glob}"' for one in self.are_not]
        return " && ".join((*equal, *other))


def _implies(one: Condition, other: Condition) -> bool:
    if isinstance(other, Within):
        return other.text in one.text
    is_start = isinstance(one, Start) and one.path.startswith(other.path)
    return is_start and isinstance(one, Start) and other.method in ("", one.method)


def parts_of(route: str) -> tuple[Part, ...]:
    """Return the requests of a route, `METHOD /path`; two parts where its path does not end in a parameter.

    What follows a path is a space, or a question mark and a query.
    """
    method, _, path = route.partition(" ")
    if route == "$default":
        method, path = "ANY", "/*"
    method = "" if method in ("ANY", "*") else method
    texts = _OPEN.split(path)
    if len(texts) == 1:
        return tuple(Part((Start(method, path + after),)) for after in _ENDS)
    inside = [Within(text) for text in texts[1:-1] if text not in ("", "/")]
    conditions: tuple[Condition, ...] = (Start(method, texts[0]), *inside)
    if texts[-1] in ("", "/"):
        return (Part(conditions),)
    whole, asked = (Within(texts[-1] + after) for after in _ENDS)
    # A query may have a path in it, too.
    return (Part((*conditions, whole)), Part((*conditions, asked), (whole,)))


def told_apart(route: str, others: Iterable[str]) -> tuple[Part, ...] | str:
    """Return the requests of a route that are none of the nearer ones, or why they cannot be told apart.

    Every request is counted for one of the routes at most. Routes that differ by names alone are the same.
    """
    if _UNSAFE.search(route):
        return f"{route} has a character that a filter pattern cannot have."
    own = parts_of(route)
    for other in dict.fromkeys(others):
        if canonical(other) == canonical(route):
            continue
        theirs = parts_of(other)
        if _is_nearer(other, route):
            own = tuple(rest for part in own for rest in _without(part, theirs))
        elif not [rest for part in theirs for rest in _without(part, parts_of(route))]:
            return f"In the access log requests of {route} cannot be told from those of {other}."
        if not own:
            return f"In the access log requests of {route} cannot be told from those of {other}."
    if len(own) > PARTS_MAX:
        return f"In the access log requests of {route} need {len(own)} metric filters to be told from others."
    return own


def _is_nearer(route: str, other: str) -> bool:
    """The longer beginning is nearer, then more that is known of the rest, then a method over every one."""
    return _rank(route) > _rank(other)


def _rank(route: str) -> tuple[int, int, bool, str]:
    first = parts_of(route)[0]
    start, inside = first.are[0], first.are[1:]
    path, method = (start.path, start.method) if isinstance(start, Start) else ("", "")
    return len(path), sum(len(one.text) for one in inside), bool(method), str(canonical(route))


def _without(part: Part, others: Sequence[Part]) -> list[Part]:
    """The part less others, as parts that have no request in common."""
    left = [part]
    for other in others:
        left = [rest for one in left for rest in _less(one, other)]
    return left


def _less(part: Part, other: Part) -> list[Part]:
    if _are_apart(part, other):
        return [part]
    found: list[Part] = []
    so_far = part
    for condition in other.are:
        if so_far.has(condition):
            continue
        found.append(Part(so_far.are, (*so_far.are_not, condition)))
        so_far = Part((*so_far.are, condition), so_far.are_not)
    return found


def _are_apart(part: Part, other: Part) -> bool:
    if any(other.has(condition) for condition in part.are_not):
        return True
    starts = [(a, b) for a in part.are for b in other.are if isinstance(a, Start) and isinstance(b, Start)]
    return any(not _may_meet(a, b) for a, b in starts)


def _may_meet(one: Start, other: Start) -> bool:
    is_method = not one.method or not other.method or one.method == other.method
    return is_method and (one.path.startswith(other.path) or other.path.startswith(one.path))


def field_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the conditions on `request`, one a filter. Parts of one condition each share a filter by `||`.

    `&&` and `||` are not mixed: nothing says which of them is read first where there are no brackets.
    """
    if all(len(part.are) + len(part.are_not) == 1 for part in parts):
        return (" || ".join(part.field() for part in parts),)
    return tuple(part.field() for part in parts)
