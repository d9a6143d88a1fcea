"""Rules about Hybrid Observe's own pipeline."""

from __future__ import annotations

from dashboards.alarms.rule import Rule

PIPELINE: dict[str, Rule] = {
    "pipeline-failed": Rule(
        of="pipeline",
        title="Logs are neither delivered nor stored",
        about=(
            "The subscriber could neither deliver parts of its input nor store them. Look at its log "
            "group; Lambda tries again twice."
        ),
        severity="critical",
        threshold=0.0,
        reason="One period is made good by Lambda's retries; two of three are not.",
        datapoints=2,
    ),
    "pipeline-errors": Rule(
        of="function",
        title="{} fails",
        about=(
            "It ended with an error: a crash, a timeout, no memory, or nothing could be stored. Its log "
            "group says why. Lambda tries events of logs twice again, then they are dead letters."
        ),
        severity="critical",
        threshold=0.0,
        reason="It answers for every part by itself, so that any failed invocation is a fault.",
        periods=1,
        datapoints=1,
    ),
    "pipeline-throttled": Rule(
        of="table",
        title="{} is throttled",
        about=(
            "What is counted for alert rules is written late. A partition takes 1,000 writes a second: give "
            "the rule with most groups fewer of them."
        ),
        threshold=0.0,
        reason="On demand it may throttle for a moment when traffic doubles; three periods are no moment.",
    ),
    "pipeline-lag": Rule(
        of="function",
        title="{} is behind",
        about=(
            "Logs wait before they are read, so dashboards and alerts are late. Look at the function's "
            "throttles and errors."
        ),
        unit="ms",
        threshold=300_000.0,
        reason="Alerts wait two minutes for late events; more than five minutes make them wrong.",
    ),
    "pipeline-backlog": Rule(
        of="queue",
        title="{} is not emptied",
        about=(
            "What a sink did not take waits for it. Look at which sink fails; what waits longer than "
            "its retention is lost."
        ),
        unit="s",
        threshold=3_600.0,
        reason="A sink that is back takes all within minutes: an hour means that it is not.",
    ),
    "pipeline-dead-letters": Rule(
        of="queue",
        title="Logs were given up: {}",
        about="What was tried to the end waits here. Repair the sink, then `observe redrive`.",
        threshold=0.0,
        reason="Nothing reads this queue by itself, and it forgets.",
        periods=1,
        datapoints=1,
    ),
    "pipeline-notifications": Rule(
        of="pipeline",
        title="Notifications fail",
        about=(
            "A destination does not take what it is told. Look at its address, secret and quota; the "
            "others are told."
        ),
        threshold=0.0,
        reason="A notice is tried every minute; two of three periods mean that the destination is down.",
        datapoints=2,
    ),
    "pipeline-rules": Rule(
        of="pipeline",
        title="Alert rules cannot be judged",
        about="Rules of observe.yaml are not judged. The evaluator's log group says which and why.",
        threshold=0.0,
        reason="One minute is made good by the next; two of three periods are not.",
        datapoints=2,
    ),
    "pipeline-silent": Rule(
        of="function",
        title="{} does not run: no rule is judged",
        about="Nobody judges the rules of observe.yaml. Is the schedule off, or the concurrency 0?",
        severity="critical",
        op="<",
        threshold=1.0,
        reason="It runs every minute, so five minutes without a run are a fault.",
        periods=1,
        datapoints=1,
        missing="breaching",
    ),
}
