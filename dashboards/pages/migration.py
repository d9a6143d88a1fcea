"""How far the migration is: which side answers an endpoint, and what remains."""

from __future__ import annotations

from typing import Literal

from dashboards.pages.scene import Scene
from dashboards.pages.titles import bullets, code, number, page_link
from dashboards.resources import EndpointView, System

State = Literal["moved", "shared", "legacy"]


def split_of(endpoint: EndpointView) -> float | None:
    """Return the percentage of traffic that goes to the serverless side; None where nobody says."""
    if endpoint.legacy is None or endpoint.serverless is None:
        return 0.0 if endpoint.serverless is None else 100.0
    return endpoint.config.split if endpoint.config else None


def state_of(endpoint: EndpointView) -> State:
    """Return who answers: the serverless side alone, both, or the legacy side alone."""
    split = split_of(endpoint)
    if split == 100:
        return "moved"
    return "legacy" if split == 0 else "shared"


def is_before_and_after(endpoint: EndpointView) -> bool:
    """Return whether the sides never serve at the same time: one side's past is the other's present."""
    if endpoint.serverless is None:
        return False
    has_cutover = bool(endpoint.config and endpoint.config.cutover)
    split = split_of(endpoint)
    return split == 100 or (split is None and has_cutover)


def answer(endpoint: EndpointView) -> str:
    """Return who answers today, as a sentence of markdown."""
    split = split_of(endpoint)
    if endpoint.serverless is None:
        return "Answered by the **legacy** side alone: it has not moved yet."
    if endpoint.legacy is None:
        return "Answered by the **serverless** side alone: there is no legacy implementation (any more)."
    if split is None:
        return (
            "Both sides are deployed; `split` in observe.yaml does not say who gets which share of traffic."
        )
    if split == 100:
        return "Answered by the **serverless** side; the legacy implementation is still there."
    if split == 0:
        return "Answered by the **legacy** side; the serverless implementation gets no traffic yet."
    return (
        f"Answered by **both** sides: {number(split)}% of the traffic is meant for the serverless side, "
        f"{number(100 - split)}% for the legacy side."
    )


def history(endpoint: EndpointView) -> str:
    """Return how to read the graphs where the sides do not serve at the same time; else ""."""
    if not is_before_and_after(endpoint):
        return ""
    cutover = endpoint.config.cutover if endpoint.config else ""
    when = f"the mark at {cutover}" if cutover else "the cutover"
    return (
        f"The two sides do not serve at the same time, so compare before and after: what is left of {when} "
        "was answered by the legacy side, what is right of it by the serverless side. The line of the "
        "legacy baseline stays where the legacy side has no more data."
    )


def progress(scene: Scene) -> str:
    """Return how many endpoints have moved, are shared or remain, and which remain, in markdown."""
    endpoints = tuple(scene.system.endpoints.values())
    if not endpoints:
        return "No endpoint is known: neither observe.yaml nor the templates name one."
    by_state: dict[State, list[EndpointView]] = {"moved": [], "shared": [], "legacy": []}
    for endpoint in endpoints:
        by_state[state_of(endpoint)].append(endpoint)
    moved = len(by_state["moved"])
    percent = number(round(100 * moved / len(endpoints)))
    lines = [
        f"**{moved} of {len(endpoints)}** endpoints have moved ({percent}%), "
        f"**{len(by_state['shared'])}** are shared by both sides, "
        f"**{len(by_state['legacy'])}** are answered by the legacy side alone.",
    ]
    for state, title in (("shared", "Shared today:"), ("legacy", "What remains:")):
        some = by_state[state]  # type: ignore[index]
        if some:
            lines += ["", title, "", bullets([_item(scene, endpoint) for endpoint in some[:MOST]])]
        if len(some) > MOST:
            lines.append(f"- and {len(some) - MOST} more")
    return "\n".join(lines)


#: Endpoints that a list of the system page names.
MOST = 15


def _item(scene: Scene, endpoint: EndpointView) -> str:
    split = split_of(endpoint)
    share = f", {number(split)}% serverless" if split else ""
    route = "" if endpoint.route == endpoint.name else f" {code(endpoint.route)}"
    return f"{page_link(endpoint.name, scene.names.endpoints[endpoint.name])}{route}{share}"


def has_metrics(system: System) -> bool:
    """Return whether observe.yaml turns on metrics of requests by endpoint and side."""
    return system.config.endpoint_metrics
