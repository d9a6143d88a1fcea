"""What is shown of what an application runs on: load balancers, hosts, databases, containers."""

from __future__ import annotations

from dashboards.pages.shown import Drawn, Shown
from dashboards.resources import Kind

_GB = 1024**3
HOSTING: dict[Kind, tuple[Shown, ...]] = {
    "load_balancer": (
        Shown(
            "requests",
            "1",
            "Requests, and those answered 5xx by the application or by the load balancer for it.",
            (
                Drawn("requests", "load_balancer.requests", role="legacy"),
                Drawn("5xx of the application", "load_balancer.target_5xx", role="bad"),
                Drawn("5xx of the load balancer", "load_balancer.errors_5xx"),
            ),
        ),
        Shown(
            "error rate",
            "%",
            "Requests answered 5xx by the application, and by the load balancer for it, in percent of all.",
            (
                Drawn("application", "load_balancer.target_5xx", role="bad", over="load_balancer.requests"),
                Drawn("load balancer", "load_balancer.errors_5xx", over="load_balancer.requests"),
            ),
        ),
        Shown(
            "response time",
            "ms",
            "How long the application takes to answer.",
            (
                Drawn("p50", "load_balancer.latency", "p50", "legacy", 1000),
                Drawn("p95", "load_balancer.latency", "p95", "legacy", 1000),
                Drawn("p99", "load_balancer.latency", "p99", "legacy", 1000),
            ),
        ),
        Shown(
            "connections",
            "1",
            "Connections that were turned away, and those that no target took: signs of a full application.",
            (
                Drawn("turned away", "load_balancer.rejected", role="bad"),
                Drawn("not taken", "load_balancer.connection_errors"),
            ),
        ),
    ),
    "target_group": (
        Shown(
            "requests",
            "1",
            "Requests, and those that the application answered 5xx.",
            (
                Drawn("requests", "target_group.requests", role="legacy"),
                Drawn("5xx", "target_group.errors_5xx", role="bad"),
            ),
        ),
        Shown(
            "error rate",
            "%",
            "Requests that the application answered 5xx, in percent of all.",
            (Drawn("5xx", "target_group.errors_5xx", role="bad", over="target_group.requests"),),
        ),
        Shown(
            "response time",
            "ms",
            "How long the application takes to answer.",
            (
                Drawn("p50", "target_group.latency", "p50", "legacy", 1000),
                Drawn("p95", "target_group.latency", "p95", "legacy", 1000),
                Drawn("p99", "target_group.latency", "p99", "legacy", 1000),
            ),
        ),
        Shown(
            "hosts",
            "1",
            "Hosts that answer the health check, and those that do not.",
            (
                Drawn("healthy", "target_group.healthy", "min", "good"),
                Drawn("unhealthy", "target_group.unhealthy", "max", "bad"),
            ),
        ),
    ),
    "database": (
        Shown(
            "CPU",
            "%",
            "Load of its processors.",
            (Drawn("on average", "database.cpu", "avg"), Drawn("highest", "database.cpu", "max")),
            maximum=100,
        ),
        Shown(
            "latency",
            "ms",
            "How long it takes to read from and write to its disk, and how far a replica is behind.",
            (
                Drawn("read", "database.read_latency", "avg", by=1000),
                Drawn("write", "database.write_latency", "avg", by=1000),
                Drawn("replica is behind", "database.replica_lag", is_right=True),
            ),
            right_unit="s",
        ),
        Shown(
            "free space",
            "By",
            "Disk and memory that are left.",
            (
                Drawn("disk", "database.free_storage", "min"),
                Drawn("memory", "database.free_memory", "min", is_right=True),
            ),
            limits=(("Size of the disk", "storage_gb", _GB),),
            right_unit="By",
        ),
    ),
    "ecs_service": (
        Shown(
            "CPU",
            "%",
            "Load of its processors.",
            (Drawn("on average", "ecs_service.cpu", "avg"), Drawn("highest", "ecs_service.cpu")),
        ),
        Shown(
            "memory",
            "%",
            "Memory that is used.",
            (Drawn("on average", "ecs_service.memory", "avg"), Drawn("highest", "ecs_service.memory")),
        ),
    ),
}
