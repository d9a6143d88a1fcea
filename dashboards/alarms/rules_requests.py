"""Rules about requests: endpoints, functions, gateways."""

from __future__ import annotations

from dashboards.alarms.rule import GATE, Rule, outage, share

REQUESTS: dict[str, Rule] = {
    # Endpoints
    "endpoint-errors": share(
        "endpoint",
        "{} fails",
        (
            "Requests of this side of the endpoint fail. Look at the newest errors and at what was "
            "deployed last."
        ),
    ),
    "endpoint-outage": outage(
        "endpoint",
        "{} hardly ever succeeds",
        (
            "Most of the few requests of this side fail. Send one yourself, then look at its error and at "
            "what was deployed last."
        ),
    ),
    "endpoint-slow": Rule(
        of="endpoint",
        title="{} is slow",
        about=(
            "Requests of this side take longer than promised. Compare the sides, then look at what it calls."
        ),
        unit="ms",
    ),
    "endpoint-parity": Rule(
        of="endpoint",
        title="{} fails more than its baseline",
        about=(
            "The serverless side fails more often than the legacy side did. Compare errors before more "
            "traffic is moved."
        ),
        severity="warning",
        unit="%",
        period_s=900,
        periods=4,
        minimum=GATE,
    ),
    "endpoint-parity-latency": Rule(
        of="endpoint",
        title="{} is slower than its baseline",
        about=(
            "The serverless side is slower than the legacy side was. Look at cold starts, memory and "
            "what it calls."
        ),
        severity="warning",
        unit="ms",
        period_s=900,
        periods=4,
    ),
    "endpoint-silent": Rule(
        of="endpoint",
        title="{} gets no requests",
        about=(
            "An endpoint that is always busy has no requests on either side. Look at the gateway, DNS, "
            "and whether logs arrive."
        ),
        severity="critical",
        op="<",
        threshold=1.0,
        reason="It is marked as busy, so a quarter of an hour without a request is a fault.",
        missing="breaching",
    ),
    "endpoint-slo-availability": Rule(
        of="endpoint",
        title="{} succeed",
        about=(
            "The error budget is spent too fast: at this rate the promise is broken before the window ends."
        ),
        severity="critical",
        minimum=50.0,
    ),
    "endpoint-slo-latency": Rule(
        of="endpoint",
        title="{}",
        about=(
            "Too many requests are slower than promised: at this rate the promise is broken before the "
            "window ends."
        ),
        severity="critical",
        minimum=50.0,
    ),
    # Lambda
    "function-errors": share(
        "function", "{} fails", "Invocations end with an error. Look at the newest errors of its log group."
    ),
    "function-outage": outage(
        "function",
        "{} hardly ever succeeds",
        "Most of its few invocations fail. Look at the newest error of its log group.",
    ),
    "function-throttles": Rule(
        of="function",
        title="{} is throttled",
        about=(
            "Lambda refuses invocations: its reserved concurrency or the account's is used up. Raise "
            "it or slow the sender down."
        ),
        threshold=0.0,
        reason=(
            "Any throttle in each of five minutes: AWS's recommended 5 of 5; a short burst is tried "
            "again by itself."
        ),
        period_s=60,
        periods=5,
        datapoints=5,
    ),
    "function-near-timeout": Rule(
        of="function",
        title="{} comes near its timeout",
        about=(
            "The slowest invocations nearly run into the timeout. Find what they wait for before the "
            "timeout is raised."
        ),
        severity="warning",
        op=">=",
        unit="ms",
        periods=5,
    ),
    "function-timeouts": Rule(
        of="function",
        title="{} runs into its timeout",
        about=(
            "Invocations are killed by the timeout, and whoever sent the event sends it again. Look at "
            "the slowest calls."
        ),
        threshold=0.0,
        reason="A timeout now and then is tried again; one in three of six periods is a state.",
        periods=6,
        # A timeout is a failed invocation, and function-near-timeout tells before: this one counts the few
        # that are left, from a metric made of log lines.
        is_opt_in=True,
    ),
    "function-concurrency": Rule(
        of="function",
        title="{} nearly uses its reserved concurrency",
        about=(
            "What exceeds the reserved concurrency is throttled. Raise it, or look at why invocations "
            "take longer."
        ),
        severity="warning",
        op=">=",
    ),
    "function-iterator-age": Rule(
        of="function",
        title="{} falls behind its stream",
        about=(
            "The records it reads are old: it is too slow, or one record fails again and again. Look "
            "at its errors."
        ),
        unit="ms",
    ),
    "function-async-dropped": Rule(
        of="function",
        title="{} loses events",
        about=(
            "Asynchronous events were dropped, and there is no queue of dead letters for them. Add "
            "one; look at errors and throttles."
        ),
        threshold=0.0,
        reason="A dropped event is lost for good.",
        periods=1,
        datapoints=1,
    ),
    "function-silent": Rule(
        of="function",
        title="{} is not invoked",
        about=(
            "A function that is always busy is not invoked. Look at its event source, schedule and "
            "permissions."
        ),
        op="<",
        threshold=1.0,
        reason="It is marked as busy, so a quarter of an hour without an invocation is a fault.",
        missing="breaching",
    ),
    # Gateways
    "api-errors": share(
        "api", "{} answers 5xx", "The API answers 5xx. Look at which routes, at authorizers and integrations."
    ),
    "api-latency": Rule(
        of="api",
        title="{} comes near its limit",
        about="Answers come shortly before the gateway gives up with 504. Look at the slowest routes.",
        severity="warning",
        unit="ms",
    ),
    "graphql-errors": share(
        "graphql", "{} answers 5xx", "The GraphQL API answers 5xx. Look at its resolvers."
    ),
    "graphql-latency": Rule(
        of="graphql",
        title="{} comes near its limit",
        about="Answers come shortly before AppSync gives up. Look at the slowest resolvers.",
        severity="warning",
        unit="ms",
        threshold=24_000.0,
        reason="80% of the 30 s after which AppSync ends a request.",
    ),
    "distribution-errors": Rule(
        of="distribution",
        title="{} answers 5xx",
        about="CloudFront answers 5xx. Look at the origin first. These metrics are in us-east-1 alone.",
        unit="%",
        threshold=5.0,
        reason=(
            "CloudFront tells the share alone, without the number behind it, so all of a quarter of an "
            "hour must be bad."
        ),
    ),
}
