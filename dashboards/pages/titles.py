"""Words of titles and texts: names of resources for people, links in markdown, numbers with their units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from dashboards.resources import Kind, Resource, Route
from subscribers.signals import Side

#: Of a kind: one, and several.
KINDS: dict[Kind, tuple[str, str]] = {
    "function": ("function", "Functions"),
    "rest_api": ("REST API", "REST APIs"),
    "http_api": ("HTTP API", "HTTP APIs"),
    "websocket_api": ("WebSocket API", "WebSocket APIs"),
    "queue": ("queue", "Queues"),
    "topic": ("topic", "Topics"),
    "stream": ("stream", "Streams"),
    "firehose": ("Firehose stream", "Firehose streams"),
    "table": ("table", "Tables"),
    "state_machine": ("state machine", "State machines"),
    "bus": ("event bus", "Event buses"),
    "rule": ("event rule", "Event rules"),
    "bucket": ("bucket", "Buckets"),
    "load_balancer": ("load balancer", "Load balancers"),
    "target_group": ("target group", "Target groups"),
    "database": ("database", "Databases"),
    "database_cluster": ("database cluster", "Database clusters"),
    "ecs_service": ("ECS service", "ECS services"),
    "graphql": ("GraphQL API", "GraphQL APIs"),
    "distribution": ("CloudFront distribution", "CloudFront distributions"),
}
SIDES: dict[Side, str] = {"legacy": "Legacy", "serverless": "Serverless"}
_SPECIAL = re.compile(r"([\\\[\]`*])")
_SPACES = re.compile(r"\s+")


def called(resource: Resource) -> str:
    """Return a resource's short name: the deployed one where it is known, else its logical ID."""
    return resource.name.known or "/".join((*resource.stack, resource.logical_id))


def labelled(resources: Iterable[Resource]) -> list[tuple[str, Resource]]:
    """Return resources with what tells them apart on one graph: the short name, of equal ones the ID."""
    some = tuple(resources)
    used = Counter(map(called, some))
    return [(called(one) if used[called(one)] == 1 else one.id.partition(":")[2], one) for one in some]


def kind_and_name(resource: Resource) -> str:
    """Return e.g. `queue claims-submitted`."""
    return f"{KINDS[resource.kind][0]} {called(resource)}"


def route_called(route: Route) -> str:
    """Return a route as its gateway has it; `$default` alone where it takes all that is left."""
    return route.path if route.path == "$default" else route.route


def escaped(text: str) -> str:
    """Return a text of somebody else's as markdown that shows it: one line, nothing of it is markup."""
    return _SPECIAL.sub(r"\\\1", _SPACES.sub(" ", text)).strip()


def code(text: str) -> str:
    """Return a name or a route as code in markdown."""
    return f"`{_SPACES.sub(' ', text).replace('`', chr(39)).strip()}`"


def page_link(label: str, page: str) -> str:
    """Return a link to another page, in markdown."""
    return f"[{escaped(label)}](page:{page})"


def query_link(label: str, query: str) -> str:
    """Return a link to a saved query, in markdown."""
    return f"[{escaped(label)}](query:{query})"


def web_link(label: str, url: str) -> str:
    """Return a link to an address; only its text where it is none that a browser can open as it stands."""
    plain = url.startswith(("http://", "https://")) and not re.search(r"[{}()\s]", url)
    return f"[{escaped(label)}]({url})" if plain else f"{escaped(label)}: {code(url)}"


def number(value: float) -> str:
    """Return a number as people write it: no `.0`, no more than four decimals, thousands apart."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Return a length of time in its largest whole unit: `28 d`, `6 h`, `5 min`, `30 s`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)} {unit}"
    return f"{number(seconds)} s"


def bullets(lines: list[str]) -> str:
    """Return a list in markdown."""
    return "\n".join(f"- {line}" for line in lines)
