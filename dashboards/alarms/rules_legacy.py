"""Rules about legacy applications and what they run on."""

from __future__ import annotations

from dashboards.alarms.rule import Rule, share

LEGACY: dict[str, Rule] = {
    "load-balancer-errors": share(
        "load_balancer",
        "{} answers 5xx",
        "The load balancer itself answers 5xx: no healthy target, or targets that do not answer in time.",
    ),
    "load-balancer-rejected": Rule(
        of="load_balancer",
        title="{} rejects connections",
        about=(
            "The load balancer has its maximum of connections. Look at slow targets and at bursts of clients."
        ),
        threshold=0.0,
        reason="A rejected connection is a user who was not served.",
    ),
    "target-errors": share(
        "target_group",
        "The application behind {} answers 5xx",
        "Targets answer 5xx. Look at the application's errors.",
    ),
    "target-none-healthy": Rule(
        of="target_group",
        title="{} has no healthy host",
        about="No host is left that answers. Look at the newest deployment and at the log of a host.",
        op="<",
        threshold=1.0,
        reason="Three minutes in a row without any: shorter is a single host that is restarted.",
        period_s=60,
    ),
    "target-unhealthy": Rule(
        of="target_group",
        title="{} has unhealthy hosts",
        about="Hosts fail their health check, others answer. Look at the host's log and its saturation.",
        severity="warning",
        threshold=0.0,
        reason="Five minutes in a row: shorter is a deployment or a restart.",
        period_s=60,
        periods=5,
        datapoints=5,
    ),
    "target-latency": Rule(
        of="target_group",
        title="The application behind {} is slow",
        about="Targets answer late. Look at the pool of connections and at the database.",
        severity="warning",
        unit="s",
    ),
    "database-cpu": Rule(
        of="database",
        title="{} is busy",
        about="The CPU is nearly used up. Look at the slowest statements in Performance Insights.",
        severity="warning",
        unit="%",
        threshold=90.0,
        reason="AWS's recommended limit.",
    ),
    "database-connections": Rule(
        of="database",
        title="{} runs out of connections",
        about=(
            "Nearly all connections are taken. Both sides may share them: look at pools and at "
            "concurrent functions."
        ),
        op=">=",
    ),
    "database-storage": Rule(
        of="database",
        title="{} runs out of storage",
        about="A database without storage stops. Raise AllocatedStorage or turn storage autoscaling on.",
        op="<",
        unit="By",
    ),
    "database-replica-lag": Rule(
        of="database",
        title="{} is behind its source",
        about="The replica answers with old data. Look at long transactions and at its CPU.",
        severity="warning",
        unit="s",
        threshold=60.0,
        reason="AWS's recommended limit.",
    ),
    "ecs-cpu": Rule(
        of="ecs_service",
        title="{} is busy",
        about="Tasks use nearly all of their CPU. Look at load and whether the service scales.",
        severity="warning",
        unit="%",
        threshold=90.0,
        reason="Ten points above what services are usually scaled at (80%).",
    ),
    "ecs-memory": Rule(
        of="ecs_service",
        title="{} runs out of memory",
        about="Tasks use nearly all of their memory; at 100% they are killed. Look for a leak.",
        severity="warning",
        unit="%",
        threshold=90.0,
        reason="At 100% tasks are killed.",
    ),
    # Legacy services, where no endpoint of theirs is judged
    "legacy-errors": share(
        "service", "{} fails", "Requests of this legacy application fail. Look at its newest errors."
    ),
    "legacy-latency": Rule(
        of="service",
        title="{} is slow",
        about=(
            "This legacy application answers late. Look at its pool of connections, its host and its "
            "database."
        ),
        severity="warning",
        unit="ms",
    ),
    "legacy-pool": Rule(
        of="service",
        title="{} has no connection left",
        about=(
            "Lines of its log say that no database connection was free. Look at slow statements and at "
            "who else uses the database."
        ),
        threshold=2.0,
        reason="Up to two lines in five minutes are one request that was tried again.",
        datapoints=2,
    ),
    "legacy-pool-used": Rule(
        of="service",
        title="{} nearly uses all connections",
        about=(
            "Nearly all connections of its pool are in use. It exists where it is asked for: the "
            "application must tell its pool."
        ),
        severity="warning",
        unit="%",
        threshold=90.0,
        reason="What is above waits for a connection.",
        is_opt_in=True,
    ),
}
