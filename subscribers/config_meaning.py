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
    rules = [name for name, _ in mappings(tree, "alerts", "rules")]
    for i, entry in items(at(tree, "alerts", "inhibit")):
        path: Path = ("alerts", "inhibit", i)
        source = at(entry, "source")
        if isinstance(source, str) and source not in rules:
            yield (*path, "source"), unknown("rule", source, rules)
        for n, target in items(at(entry, "targets")):
            if isinstance(target, str) and target not in rules:
                yield (*path, "targets", n), unknown("rule", target, rules)


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
    _times,
    config_sinks.findings,
    _headers,
    _links,
    _keys,
    _expressions,
    config_archives.findings,
)
