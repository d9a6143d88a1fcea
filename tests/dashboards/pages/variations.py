"""Systems by hand for the laws of pages: one side only, no configuration, very large, unknown names."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.alarms.values import Alarms
from dashboards.resources import (
    Edge,
    EndpointView,
    Implementation,
    Name,
    Resource,
    ServiceView,
    System,
)
from subscribers.config import EMPTY, loads
from tests.dashboards.sample import ALARMS, SYSTEM

NO_ALARMS = Alarms()


def _without(side: str) -> System:
    endpoint = replace(SYSTEM.endpoints["submit"], **{side: None})
    return replace(SYSTEM, endpoints={"submit": endpoint})


def function(number: int) -> Resource:
    """Return a function whose name only the deployed stack has."""
    logical_id = f"Function{number:03}"
    return Resource(
        id=f"function:{logical_id}",
        kind="function",
        logical_id=logical_id,
        name=Name(expression={"Ref": logical_id}, pattern=f"*-{logical_id}-*"),
        limits={"timeout_s": 30.0, "memory_mb": 512.0},
        log_groups=(Name(pattern=f"/aws/lambda/*-{logical_id}-*"),),
    )


def large(size: int) -> System:
    """Return a system of as many functions, each with an endpoint, a service and a dead-letter queue."""
    functions = [function(number) for number in range(size)]
    queues = [
        Resource(id=f"queue:Dead{n:03}", kind="queue", logical_id=f"Dead{n:03}", name=Name(known=f"dead-{n}"))
        for n in range(size)
    ]
    endpoints = {}
    for one in functions:
        side = Implementation(side="serverless", service=one.logical_id, route="GET /x", functions=(one.id,))
        name = f"GET /{one.logical_id}"
        endpoints[name] = EndpointView(name=name, route=name, serverless=side)
    return System(
        resources={one.id: one for one in (*functions, *queues)},
        edges=tuple(
            Edge(source=one.id, target=dead.id, how="dead_letters")
            for one, dead in zip(functions, queues, strict=True)
        ),
        endpoints=endpoints,
        services={
            one.logical_id: ServiceView(
                name=one.logical_id, side="serverless", functions=(one.id,), log_groups=one.log_groups
            )
            for one in functions
        },
    )


def _one_service(size: int) -> System:
    functions = [function(number) for number in range(size)]
    groups = tuple(group for one in functions for group in one.log_groups)
    service = ServiceView(
        name="all", side="serverless", functions=tuple(one.id for one in functions), log_groups=groups
    )
    return System(resources={one.id: one for one in functions}, services={"all": service})


def _same_slug() -> System:
    legacy = Implementation(side="legacy", service="old", route="GET /a")
    names = ("a b", "a-b", "a.b", "A B", "a-b-2", "*[`](\\")
    return System(
        endpoints={name: EndpointView(name=name, route=f"GET /{name}", legacy=legacy) for name in names},
        services={name: ServiceView(name=name, side="legacy") for name in ("old", "Old", "o.l.d", "...")},
    )


#: Of the table of a legacy database that functions write to as well.
SHARED_DATABASE = replace(
    SYSTEM,
    resources={
        **SYSTEM.resources,
        "database:TheDatabase": replace(
            SYSTEM.resources["database:TheDatabase"], limits={"max_connections": 100.0, "storage_gb": 20.0}
        ),
    },
    edges=(
        *SYSTEM.edges,
        Edge(source="function:SubmitClaim", target="database:TheDatabase", how="writes"),
    ),
    services={
        **SYSTEM.services,
        "claims-legacy": replace(
            SYSTEM.services["claims-legacy"],
            resources=("load_balancer:TheLoadBalancer", "database:TheDatabase", "ecs_service:TheEcsService"),
        ),
    },
)
MOVED = replace(
    SYSTEM,
    endpoints={
        "submit": replace(
            SYSTEM.endpoints["submit"], config=replace(SYSTEM.endpoints["submit"].config, split=100.0)
        )
    },
)
WRITTEN = replace(
    SYSTEM,
    config=loads(
        """
version: 1
services:
  submit-claim: {side: serverless, links: {trace: "https://other.example/{trace_id}"}}
  claims-legacy: {side: legacy, log_groups: [/legacy/claims/access]}
endpoints: {submit: {route: POST /claims, legacy: {service: claims-legacy}}}
links: {trace: "https://traces.example/{trace_id}", dashboard: "https://boards.example/all"}
dashboards:
  legacy_usd_per_month: 3650
  deployments:
    - {at: 2026-10-02T06:00:00Z, label: submit-claim 1.4.0, service: submit-claim}
    - {at: 2026-10-03T06:00:00Z, label: "legacy 9", service: claims-legacy}
    - {at: 2026-10-04T06:00:00Z, label: network}
"""
    ),
)
SYSTEMS: dict[str, tuple[System, Alarms]] = {
    "the sample": (SYSTEM, ALARMS),
    "no alarms": (SYSTEM, NO_ALARMS),
    "nothing at all": (System(), NO_ALARMS),
    "no configuration": (replace(SYSTEM, config=EMPTY), NO_ALARMS),
    "legacy only": (_without("serverless"), NO_ALARMS),
    "serverless only": (_without("legacy"), NO_ALARMS),
    "everything moved": (MOVED, ALARMS),
    "three hundred functions": (large(300), NO_ALARMS),
    "three hundred functions of one service": (_one_service(300), NO_ALARMS),
    "names with the same slug": (_same_slug(), NO_ALARMS),
    "a shared database": (SHARED_DATABASE, ALARMS),
    "links and deployments": (WRITTEN, NO_ALARMS),
}
