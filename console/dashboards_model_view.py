"""The model of a system on a terminal: what was understood of its files, and what was not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from rich.console import Console

from console.terminal import line
from console.words import counted
from dashboards.resources import Edge, EndpointView, Implementation, Name, Note, Resource, System

_KINDS = {
    "function": ("function", "functions"),
    "rest_api": ("REST API", "REST APIs"),
    "http_api": ("HTTP API", "HTTP APIs"),
    "websocket_api": ("WebSocket API", "WebSocket APIs"),
    "firehose": ("delivery stream", "delivery streams"),
    "bus": ("bus", "buses"),
    "graphql": ("GraphQL API", "GraphQL APIs"),
    "ecs_service": ("ECS service", "ECS services"),
}
_LEVELS = {"error": "bold red", "warning": "yellow", "info": "dim"}
_DEPTH_MAX = 12
#: How one passes on to the next, as people say it. Dead letters have a section of their own.
_WORDS = {"feeds": "->", "routes": "routes to", "writes": "writes to", "fronts": "is in front of"}


def as_json(system: System) -> dict[str, Any]:
    """Return the model for programs: as `dashboards.resources.System`, without observe.yaml's own tree."""
    tree: dict[str, Any] = msgspec.to_builtins(system, enc_hook=str)
    tree.pop("config", None)
    for group in ("endpoints", "services"):
        for view in tree[group].values():
            view["config"] = view["config"] is not None
    return tree


def render(system: System, out: Console) -> None:
    """Print a model: counts, endpoints, services, dead letters, who feeds whom, then what is not known."""
    line(out, system.title, style="bold")
    _counts(system, out)
    _endpoints(system, out)
    _services(system, out)
    _dead_letters(system, out)
    _tree(system, out)
    if system.pipeline:
        _title("The pipeline of Hybrid Observe itself", out)
        for one in system.pipeline:
            line(out, one, "  ")
    _notes(system, out)


def _title(text: str, out: Console) -> None:
    out.print()
    line(out, text, style="bold")


def _counts(system: System, out: Console) -> None:
    kinds = Counter(resource.kind for resource in system.resources.values())
    counts = [_counted(number, kind) for kind, number in kinds.items()]
    counts += [counted(len(system.routes), "route")] if system.routes else []
    said = ", ".join(counts) or "nothing that is shown"
    line(out, f"{said}, in {', '.join(system.files) or 'no files'}", "  ")


def _counted(number: int, kind: str) -> str:
    words = kind.replace("_", " ")
    one, several = _KINDS.get(kind, (words, f"{words}s"))
    return f"{number} {one if number == 1 else several}"


def _endpoints(system: System, out: Console) -> None:
    if not system.endpoints:
        return
    _title("Endpoints", out)
    for view in system.endpoints.values():
        line(out, f"{view.name}: {view.route}{_of_template(view)}{_answers(view.owner)}", "  ")
        for side in view.sides:
            line(out, f"{side.service}{_leads(side, system)}", f"    {side.side:<11}")
        if view.downstream:
            line(out, ", ".join(view.downstream), "    then       ")
        if view.dead_letters:
            line(out, ", ".join(view.dead_letters), "    fails to   ")


def _of_template(view: EndpointView) -> str:
    return "" if view.config is not None else " (of the template, not in observe.yaml)"


def _answers(owner: str) -> str:
    return f", of {owner}" if owner else ""


def _leads(side: Implementation, system: System) -> str:
    """Where a side's requests come in and where they lead."""
    ways = [f" by {route}{_leads_to(route, system)}" for route in side.routes]
    unrouted = [one for one in side.functions if not any(system.routes[r].target == one for r in side.routes)]
    said = ";".join(ways) + (f": {', '.join(unrouted)}" if unrouted else "")
    alone = " (serves nothing else)" if side.is_alone else ""
    nothing = "" if said else " (no route of the templates)"
    return said + alone + nothing


def _leads_to(route: str, system: System) -> str:
    found = system.routes[route]
    metrics = ", metrics by route" if found.is_metered else ""
    return f" to {found.target or found.url or 'an address that is not known'}{metrics}"


def _services(system: System, out: Console) -> None:
    if not system.services:
        return
    _title("Services", out)
    for view in system.services.values():
        parts = (*view.functions, *view.resources)
        groups = ", ".join(group.shown for group in view.log_groups) or "no log group"
        said = (
            f"{view.name}: {', '.join(parts) or 'nothing of the templates'}; {groups}{_answers(view.owner)}"
        )
        line(out, said, f"  {view.side:<11}")


def _dead_letters(system: System, out: Console) -> None:
    found = [edge for edge in system.edges if edge.how == "dead_letters"]
    if not found:
        return
    _title("Dead letters", out)
    for edge in found:
        line(out, f"{edge.source} -> {edge.target}{_label(edge)}", "  ")


def _label(edge: Edge) -> str:
    facts = [f"{name} {value}" for name, value in edge.facts.items()]
    said = ", ".join([edge.label, *facts] if edge.label else facts)
    return f" ({said})" if said else ""


def _tree(system: System, out: Console) -> None:
    onward = [edge for edge in system.edges if edge.how in _WORDS]
    if not onward:
        return
    _title("Who feeds whom", out)
    fed = {edge.target for edge in onward}
    own = {edge.source for edge in onward}
    shown: set[str] = set()
    for start in [one for one in system.resources if one in own and one not in fed] + sorted(own):
        if start not in shown:
            line(out, _named(system.resources[start]), "  ")
            _branch(start, onward, system, out, shown, 2)


def _branch(
    start: str, onward: list[Edge], system: System, out: Console, shown: set[str], depth: int
) -> None:
    shown.add(start)
    for edge in onward:
        if edge.source != start:
            continue
        again = edge.target in shown and any(one.source == edge.target for one in onward)
        said = f"{_WORDS[edge.how]} {_named(system.resources[edge.target])}{_label(edge)}"
        line(out, said + (" (as above)" if again else ""), "  " * depth)
        if edge.target not in shown and depth < _DEPTH_MAX:
            _branch(edge.target, onward, system, out, shown, depth + 1)


def _named(resource: Resource) -> str:
    return f"{resource.id}{_known(resource.name)}"


def _known(name: Name) -> str:
    return f" = {name.known}" if name.known else ""


def _notes(system: System, out: Console) -> None:
    _title("Not understood, missing or worth knowing", out)
    if not system.notes:
        line(out, "Nothing.", "  ")
    for level in _LEVELS:
        for note in (note for note in system.notes if note.level == level):
            line(out, _sentence(note), f"  {level:<8} ", _LEVELS[level])


def _sentence(note: Note) -> str:
    place = str(note.place)
    return f"{place}: {note.text}" if place else note.text
