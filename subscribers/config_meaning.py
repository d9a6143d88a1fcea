"""What no schema can say about observe.yaml: names that must exist, times in order, secrets in headers.

Each check takes the merged tree, which may be wrong anywhere, and yields (path, message).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from subscribers import config_archives, config_formats, config_sinks
from subscribers.config_groups import lambda_log_group, log_groups_of, unknown
from subscribers.config_problems import Path, shown
from subscribers.config_tree import at, items, mappings, texts
from subscribers.patterns import Pattern, PatternError

Finding = tuple[Path, str]

LINK_FIELDS = (
    "correlation_id",
    "trace_id",
    "span_id",
    "request_id",
    "service",
    "side",
    "endpoint",
    "rule",
    "log_group",
    "from",
    "to",
)
#: The names of the rules that need no configuration; alerts.built_in makes them.
BUILT_IN_RULES = (
    "function-errors",
    "function-timeouts",
    "function-out-of-memory",
    "function-near-timeout",
    "cold-start-share",
    "calls-throttled",
    "iterator-age",
    "legacy-5xx",
    "legacy-pool",
    "new-error",
)
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WINDOW_MAX_MS = 86_400_000
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_SECRET_REFERENCE = re.compile(r"arn:aws[a-z-]*:secretsmanager:|ssm:/")


def findings(tree: dict[str, Any]) -> Iterator[Finding]:
    """Yield every mistake of meaning in the merged tree, as (path, message)."""
    for check in CHECKS:
        yield from check(tree)


def _log_groups(tree: dict[str, Any]) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for name, service in mappings(tree, "services"):
        for path, group in log_groups_of(name, service):
            first = owner.setdefault(group, name)
            if first != name:
                yield path, f"the log group {shown(group)} already belongs to services.{first}"


def _prices(tree: dict[str, Any]) -> Iterator[Finding]:
    for name, service in mappings(tree, "services"):
        for key in ("architecture", "price"):
            if key in service and service.get("side") == "legacy":
                yield ("services", name, key), "only functions cost by their time, and this side is legacy"


def _idempotent(tree: dict[str, Any]) -> Iterator[Finding]:
    """Functions that are declared idempotent and are none of their service."""
    prefix = lambda_log_group("")
    for name, service in mappings(tree, "services"):
        groups = [group for _, group in log_groups_of(name, service)]
        known = [group.removeprefix(prefix) for group in groups if group.startswith(prefix)]
        # Groups of other names, or of a beginning, are those of functions that the file need not name.
        if not texts(service.get("functions")) and (
            len(known) < len(groups) or any(group.endswith("*") for group in groups)
        ):
            continue
        for i, function in items(service.get("idempotent")):
            if isinstance(function, str) and function not in known:
                yield (
                    ("services", name, "idempotent", i),
                    unknown("function of this service", function, known),
                )


def _endpoints(tree: dict[str, Any]) -> Iterator[Finding]:
    services = dict(mappings(tree, "services"))
    routes: dict[str, str] = {}
    for name, endpoint in mappings(tree, "endpoints"):
        here: Path = ("endpoints", name)
        for side in ("legacy", "serverless"):
            yield from _implementation(
                (*here, side, "service"), at(endpoint, side, "service"), side, services
            )
        if "split" in endpoint and not ("legacy" in endpoint and "serverless" in endpoint):
            yield (*here, "split"), "a split needs both a legacy and a serverless implementation"
        route = endpoint.get("route")
        if isinstance(route, str) and routes.setdefault(route, name) != name:
            yield (*here, "route"), f"{shown(route)} is already the route of endpoints.{routes[route]}"


def _implementation(
    path: Path, service: Any, side: str, services: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    if not isinstance(service, str):
        return
    if service not in services:
        yield path, unknown("service", service, list(services))
    elif services[service].get("side") in ("legacy", "serverless") and services[service]["side"] != side:
        yield path, f"services.{service} is of the {services[service]['side']} side, not {side}"


def _notify(tree: dict[str, Any]) -> Iterator[Finding]:
    known = list(at(tree, "destinations") or ()) if isinstance(at(tree, "destinations"), dict) else []
    holders: list[tuple[Path, Any]] = [(("alerts", "defaults"), at(tree, "alerts", "defaults"))]
    holders += [(("alerts", "rules", name), rule) for name, rule in mappings(tree, "alerts", "rules")]
    holders += [(("flows", name), flow) for name, flow in mappings(tree, "flows")]
    for path, holder in holders:
        for i, name in items(at(holder, "notify")):
            if isinstance(name, str) and name not in known:
                yield (*path, "notify", i), unknown("destination", name, known)


def _selectors(tree: dict[str, Any]) -> Iterator[Finding]:
    services, endpoints = ([name for name, _ in mappings(tree, key)] for key in ("services", "endpoints"))
    for path, selector in _all_selectors(tree):
        for name in texts(selector.get("service")):
            if name not in services:
                yield (*path, "service"), unknown("service", name, services)
        endpoint = selector.get("endpoint")
        if isinstance(endpoint, str) and endpoint not in endpoints:
            yield (*path, "endpoint"), unknown("endpoint", endpoint, endpoints)
        if selector.get("signal") == "metric" and "metric" not in selector:
            yield path, "'metric' is missing: the name of the metric"
        elif "metric" in selector and selector.get("signal") in ("log", "span"):
            yield (*path, "metric"), f"a {selector['signal']} has no metric; is 'signal: metric' meant?"


def _all_selectors(tree: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, rule in mappings(tree, "alerts", "rules"):
        for key in ("of", "bad", "expect"):
            if isinstance(rule.get(key), dict):
                yield ("alerts", "rules", name, key), rule[key]
    for name, flow in mappings(tree, "flows"):
        if isinstance(flow.get("start"), dict):
            yield ("flows", name, "start"), flow["start"]
        for i, end in items(flow.get("ends")):
            if isinstance(end, dict):
                yield ("flows", name, "ends", i), end


def _inhibitions(tree: dict[str, Any]) -> Iterator[Finding]:
    rules = [*(name for name, _ in mappings(tree, "alerts", "rules")), *BUILT_IN_RULES]
    for i, name in items(at(tree, "alerts", "defaults", "without")):
        if isinstance(name, str) and name not in BUILT_IN_RULES:
            yield ("alerts", "defaults", "without", i), unknown("built-in rule", name, list(BUILT_IN_RULES))
    for i, entry in items(at(tree, "alerts", "inhibit")):
        path: Path = ("alerts", "inhibit", i)
        source = at(entry, "source")
        if isinstance(source, str) and source not in rules:
            yield (*path, "source"), unknown("rule", source, rules)
        for n, target in items(at(entry, "targets")):
            if isinstance(target, str) and target not in rules:
                yield (*path, "targets", n), unknown("rule", target, rules)


def _windows(tree: dict[str, Any]) -> Iterator[Finding]:
    """Windows are made of whole minutes."""
    for name, rule in mappings(tree, "alerts", "rules"):
        for key in ("window", "every", "against"):
            if length_ms := _length_ms(rule.get(key)):
                if length_ms % 60_000:
                    yield (
                        ("alerts", "rules", name, key),
                        f"{shown(rule[key])} is not a whole number of minutes",
                    )
                elif key == "window" and length_ms > _WINDOW_MAX_MS:
                    yield ("alerts", "rules", name, key), f"{shown(rule[key])} is longer than a day"
    for name, flow in mappings(tree, "flows"):
        if 0 < _length_ms(at(flow, "deadline", "within")) < 60_000:
            yield (
                ("flows", name, "deadline", "within"),
                "is shorter than a minute, which is how often flows are judged",
            )


def _length_ms(text: Any) -> int:
    """Return a duration in milliseconds, 0 where it is none."""
    parts = re.findall(r"([0-9]{1,6})(ms|[smhdw])", text) if isinstance(text, str) else []
    return sum(int(n) * _UNITS_MS[unit] for n, unit in parts)


def _slo_windows(tree: dict[str, Any]) -> Iterator[Finding]:
    for name, endpoint in mappings(tree, "endpoints"):
        length_ms = _length_ms(at(endpoint, "slo", "window"))
        if 0 < length_ms < 86_400_000 or length_ms > 90 * 86_400_000:
            yield ("endpoints", name, "slo", "window"), "an error budget is kept for 1 to 90 days"


def _times(tree: dict[str, Any]) -> Iterator[Finding]:
    for path, holder in _walk(tree):
        first, last = holder.get("from"), holder.get("to")
        # To the day only: that is exact for dates, and instants may be written in different zones.
        if isinstance(first, str) and isinstance(last, str) and first[:10] > last[:10]:
            yield (*path, "to"), f"{shown(last)} lies before 'from' ({shown(first)})"
        breaching, of = at(holder, "for", "breaching"), at(holder, "for", "of")
        if type(breaching) is int and type(of) is int and breaching > of:
            yield (*path, "for"), f"{breaching} of {of} windows can never breach"


def _walk(tree: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every mapping of the tree; depth is bounded by the reader."""
    if isinstance(tree, dict):
        yield path, tree
        for key, value in tree.items():
            yield from _walk(value, (*path, key))
    for i, item in items(tree):
        yield from _walk(item, (*path, i))


def _keys(tree: dict[str, Any]) -> Iterator[Finding]:
    keys = at(tree, "keys")
    for name, expression in keys.items() if isinstance(keys, dict) else ():
        if isinstance(expression, str) and (said := _key_problem(expression)):
            yield ("keys", name), f"{shown(expression)} {said}"


def _key_problem(expression: str) -> str:
    if said := _empty_match(expression):
        return said
    try:
        groups = Pattern(expression).groups
    except PatternError:
        return ""  # said by the schema
    return (
        f"has {groups} groups, but one value: write (?:...) for groups that are not it" if groups > 1 else ""
    )


def _empty_match(expression: Any) -> str:
    """What is wrong with an expression that is found everywhere, "" where nothing is."""
    try:
        pattern = Pattern(expression) if isinstance(expression, str) else None
    except PatternError:
        return ""  # said by the schema
    return "matches the empty text, and so every line" if pattern and pattern.matches_nothing() else ""


def _expressions(tree: dict[str, Any]) -> Iterator[Finding]:
    """Expressions of redaction and controls: one that is found everywhere would take everything."""
    patterns = at(tree, "redaction", "patterns")
    for name, pattern in patterns.items() if isinstance(patterns, dict) else ():
        expression = at(pattern, "regex") if isinstance(pattern, dict) else pattern
        if said := _empty_match(expression):
            yield ("redaction", "patterns", name), f"{shown(expression)} {said}"
    holders: list[tuple[Path, Any]] = [((), tree)]
    holders += [(("services", name), service) for name, service in mappings(tree, "services")]
    for path, holder in holders:
        for key in ("include", "exclude"):
            for i, expression in items(at(holder, "controls", key)):
                if said := _empty_match(expression):
                    yield (*path, "controls", key, i), f"{shown(expression)} {said}"


def _headers(tree: dict[str, Any]) -> Iterator[Finding]:
    for section in ("sinks", "destinations"):
        for name, holder in mappings(tree, section):
            headers = holder.get("headers")
            for header, value in headers.items() if isinstance(headers, dict) else ():
                if (
                    isinstance(value, str)
                    and _SECRET_HEADER.search(header)
                    and not _SECRET_REFERENCE.match(value)
                ):
                    yield (
                        (section, name, "headers", header),
                        (
                            "looks like a secret and must be a reference to one (arn:aws:secretsmanager:..., "
                            "ssm:/path, or {secretsmanager: ..., key: ...})"
                        ),
                    )


def _links(tree: dict[str, Any]) -> Iterator[Finding]:
    holders: list[tuple[Path, Any]] = [(("links",), at(tree, "links"))]
    holders += [
        (("services", name, "links"), service.get("links")) for name, service in mappings(tree, "services")
    ]
    for path, links in holders:
        for name, link in links.items() if isinstance(links, dict) else ():
            for field in re.findall(r"\{([^{}]*)\}", link) if isinstance(link, str) else ():
                if field not in LINK_FIELDS:
                    yield (
                        (*path, name),
                        unknown("placeholder", "{" + field + "}", [f"{{{f}}}" for f in LINK_FIELDS]),
                    )


#: Every check, in the order of the file's keys.
CHECKS: tuple[Callable[[dict[str, Any]], Iterator[Finding]], ...] = (
    _log_groups,
    config_formats.findings,
    _prices,
    _idempotent,
    _endpoints,
    _notify,
    _selectors,
    _inhibitions,
    _windows,
    _slo_windows,
    _times,
    config_sinks.findings,
    _headers,
    _links,
    _keys,
    _expressions,
    config_archives.findings,
)
