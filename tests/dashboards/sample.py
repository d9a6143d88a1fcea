"""A system by hand for the tests of renderers: a resource of every kind, every measure, every kind of panel.

What the model, the pages and the alarms of real templates look like is tested elsewhere; here is everything
that a renderer may be given, known names and unknown ones, both sides and one.
"""

from __future__ import annotations

from dashboards.alarms.values import Alarm, Alarms, Burn, Composite, Condition, Slo
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Statistic, Total
from dashboards.measures import MEASURES
from dashboards.panels import Line, Link, LogQuery, Mark, Page, Panel, Section, Series
from dashboards.resources import (
    Edge,
    EndpointView,
    Implementation,
    Kind,
    Name,
    Place,
    Resource,
    Route,
    ServiceView,
    System,
)
from subscribers.config import loads

CONFIG = loads(
    """
version: 1
endpoint_metrics: true
services:
  submit-claim: {side: serverless, log_groups: [/aws/lambda/submit-claim], owner: claims}
  claims-legacy:
    side: legacy
    log_groups: [{name: /legacy/claims/access, format: apache}, {name: /legacy/claims/application}]
endpoints:
  submit:
    route: POST /claims
    legacy: {service: claims-legacy}
    serverless: {service: submit-claim}
    split: 75
    baseline: {from: 2026-09-01, to: 2026-09-30, p95_ms: 420, error_percent: 0.8}
    cutover: 2026-10-01T06:00:00Z
    slo: {availability: 99.5, latency: {p: 95, ms: 1000}}
  policy: {route: "GET /policies/{number}", legacy: {service: claims-legacy}}
links:
  trace: "https://traces.example/t/{correlation_id}?from={from}&to={to}"
sinks:
  elk: {type: elasticsearch, url: "https://elk.example:9200"}
dashboards:
  actions: {critical: ["arn:aws:sns:eu-west-1:123456789012:on-call"]}
  datadog_notify: {critical: ["@pagerduty-claims"], error: ["@slack-claims"]}
"""
)
_KINDS: dict[Kind, str] = {
    "function": "AWS::Lambda::Function",
    "rest_api": "AWS::ApiGateway::RestApi",
    "http_api": "AWS::ApiGatewayV2::Api",
    "websocket_api": "AWS::ApiGatewayV2::Api",
    "queue": "AWS::SQS::Queue",
    "topic": "AWS::SNS::Topic",
    "stream": "AWS::Kinesis::Stream",
    "firehose": "AWS::KinesisFirehose::DeliveryStream",
    "table": "AWS::DynamoDB::Table",
    "state_machine": "AWS::StepFunctions::StateMachine",
    "bus": "AWS::Events::EventBus",
    "rule": "AWS::Events::Rule",
    "bucket": "AWS::S3::Bucket",
    "load_balancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "target_group": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "database": "AWS::RDS::DBInstance",
    "database_cluster": "AWS::RDS::DBCluster",
    "ecs_service": "AWS::ECS::Service",
    "graphql": "AWS::AppSync::GraphQLApi",
    "distribution": "AWS::CloudFront::Distribution",
}
_FACTS: dict[Kind, dict[str, str]] = {
    "function": {"runtime": "python3.13", "architecture": "arm64", "log_format": "Text"},
    "rest_api": {"stage": "Prod", "metrics": "detailed"},
    "http_api": {"stage": "$default", "metrics": "detailed"},
    "websocket_api": {"stage": "live"},
    "bucket": {"metrics": "EntireBucket"},
    "load_balancer": {"type": "application", "full_name": "app/legacy/50dc6c495c0c9188"},
    "target_group": {
        "load_balancer": "load_balancer:TheLoadBalancer",
        "full_name": "targetgroup/legacy/943f017f100becff",
    },
    "rule": {"bus": "bus:TheBus"},
    "ecs_service": {"cluster": "legacy"},
    "database": {"engine": "postgres", "class": "db.t4g.medium"},
}


def _logical_id(kind: Kind) -> str:
    return "The" + "".join(word.capitalize() for word in kind.split("_"))


def _resource(kind: Kind) -> Resource:
    logical_id = _logical_id(kind)
    name = f"the-{kind.replace('_', '-')}"
    return Resource(
        id=f"{kind}:{logical_id}",
        kind=kind,
        logical_id=logical_id,
        type=_KINDS[kind],
        name=Name(known=name, expression=name, pattern=name),
        facts=_FACTS.get(kind, {}),
        limits={"timeout_s": 10.0, "memory_mb": 256.0} if kind == "function" else {},
        place=Place("template.yaml", 10),
    )


#: A function whose name only the deployed stack has.
UNNAMED = Resource(
    id="function:AssessClaim",
    kind="function",
    logical_id="AssessClaim",
    type="AWS::Lambda::Function",
    name=Name(expression={"Ref": "AssessClaim"}, pattern="*-AssessClaim-*"),
    limits={"timeout_s": 3.0, "memory_mb": 128.0},
    facts={"runtime": "python3.13"},
    place=Place("template.yaml", 90),
)
SUBMIT = Resource(
    id="function:SubmitClaim",
    kind="function",
    logical_id="SubmitClaim",
    type="AWS::Lambda::Function",
    name=Name(known="submit-claim", expression="submit-claim", pattern="submit-claim"),
    limits={"timeout_s": 2.0, "memory_mb": 256.0},
    facts={"runtime": "python3.13"},
    log_groups=(
        Name(
            known="/aws/lambda/submit-claim",
            expression="/aws/lambda/submit-claim",
            pattern="/aws/lambda/submit-claim",
        ),
    ),
    place=Place("template.yaml", 80),
)
_ALL = [_resource(kind) for kind in _KINDS]
#: `of` of a measure -> a subject; `api` stands for the three kinds of API.
SUBJECTS: dict[str, str] = {
    **{resource.kind: resource.id for resource in _ALL},
    "api": "http_api:TheHttpApi",
    "route": "http_api:TheHttpApi/POST /claims",
    "endpoint": "submit/serverless",
    "service": "claims-legacy",
    "sink": "elk",
    "pipeline": "",
}


def _named(text: str) -> Name:
    return Name(known=text, expression=text, pattern=text)


_ACCESS = _named("/legacy/claims/access")
_GROUP = _named("/aws/lambda/submit-claim")
_SUBMIT = EndpointView(
    name="submit",
    route="POST /claims",
    legacy=Implementation(
        side="legacy", service="claims-legacy", route="POST /claims", log_groups=(_ACCESS,)
    ),
    serverless=Implementation(
        side="serverless",
        service="submit-claim",
        route="POST /claims",
        routes=(SUBJECTS["route"],),
        functions=(SUBMIT.id,),
        log_groups=(_GROUP,),
        is_alone=True,
    ),
    config=CONFIG.endpoints["submit"],
    downstream=("queue:TheQueue", UNNAMED.id),
    owner="claims",
)
_POLICY = EndpointView(
    name="policy",
    route="GET /policies/{number}",
    legacy=Implementation(
        side="legacy", service="claims-legacy", route="GET /policies/{number}", log_groups=(_ACCESS,)
    ),
    config=CONFIG.endpoints["policy"],
)
SYSTEM = System(
    title="Claims",
    resources={resource.id: resource for resource in (*_ALL, SUBMIT, UNNAMED)},
    edges=(
        Edge(source=SUBMIT.id, target="queue:TheQueue", how="writes"),
        Edge(source="queue:TheQueue", target=UNNAMED.id, how="feeds"),
    ),
    routes={
        SUBJECTS["route"]: Route(
            id=SUBJECTS["route"],
            api="http_api:TheHttpApi",
            method="POST",
            path="/claims",
            side="serverless",
            target=SUBMIT.id,
            limit_s=30,
            is_metered=True,
        )
    },
    endpoints={"submit": _SUBMIT, "policy": _POLICY},
    services={
        "claims-legacy": ServiceView(
            name="claims-legacy",
            side="legacy",
            log_groups=(_ACCESS,),
            endpoints=("submit", "policy"),
            config=CONFIG.services["claims-legacy"],
        ),
        "submit-claim": ServiceView(
            name="submit-claim",
            side="serverless",
            functions=(SUBMIT.id,),
            log_groups=(_GROUP,),
            endpoints=("submit",),
            config=CONFIG.services["submit-claim"],
            owner="claims",
        ),
    },
    config=CONFIG,
    files=("template.yaml",),
    region="eu-west-1",
    account="123456789012",
)


def metric(name: str, statistic: Statistic | None = None, subject: str | None = None) -> Metric:
    """Return a metric of the catalogue, of the sample's subject of its kind."""
    measure = MEASURES[name]
    fitting: dict[str, Statistic] = {"count": "sum", "gauge": "max", "distribution": "p95"}
    return Metric(
        name, SUBJECTS[measure.of] if subject is None else subject, statistic or fitting[measure.shape]
    )


_ERRORS = LogQuery(
    name="errors-submit",
    title="Newest errors of submit",
    services=("claims-legacy", "submit-claim"),
    log_groups=(_ACCESS, _GROUP),
    is_errors=True,
    endpoint="submit",
)
_STORY = LogQuery(
    name="story",
    title="One correlation ID, both sides",
    log_groups=(_ACCESS, _GROUP),
    is_by_correlation_id=True,
    limit=1000,
)
_SIDES = ("legacy", "serverless")


def _of(measure: str, side: str, statistic: Statistic) -> Metric:
    return metric(measure, statistic, f"submit/{side}")


_REQUESTS = {side: _of("endpoint.requests", side, "sum") for side in _SIDES}
_SHARE = Percent(_REQUESTS["serverless"], Total((_REQUESTS["serverless"], _REQUESTS["legacy"])))
ENDPOINT_PAGE = Page(
    name="endpoint-submit",
    title="submit: POST /claims",
    kind="endpoint",
    subject="submit",
    about='Legacy **and** serverless. "Quotes", `ticks`, ${braces}, 100%.',
    queries=(_ERRORS, _STORY),
    sections=(
        Section(
            title="Side by side",
            note="What both sides do.",
            panels=(
                Panel(
                    id="share",
                    title="Share of traffic",
                    kind="area",
                    unit="%",
                    maximum=100,
                    series=(Series(label="serverless", of=_SHARE, role="serverless"),),
                    marks=(Mark(label="Cutover", at="2026-10-01T06:00:00Z"),),
                ),
                Panel(
                    id="errors",
                    title="Error rate",
                    kind="lines",
                    unit="%",
                    series=tuple(
                        Series(
                            label=side,
                            of=Percent(_of("endpoint.errors", side, "sum"), _REQUESTS[side], gate=20),
                            role=side,  # type: ignore[arg-type]
                        )
                        for side in _SIDES
                    ),
                    lines=(Line(label="Legacy baseline", value=0.8, role="baseline"),),
                    empty="No requests in this time.",
                    help="Failed requests, in percent of all.",
                ),
                Panel(
                    id="p95",
                    title="p95",
                    kind="lines",
                    unit="ms",
                    right_unit="1",
                    series=(
                        *(
                            Series(label=side, of=_of("endpoint.duration", side, "p95"), role=side)  # type: ignore[arg-type]
                            for side in _SIDES
                        ),
                        Series(
                            label="ratio",
                            of=Quotient(
                                _of("endpoint.duration", "serverless", "p95"),
                                _of("endpoint.duration", "legacy", "p95"),
                            ),
                            is_right=True,
                        ),
                    ),
                    lines=(
                        Line(label="Legacy baseline", value=420, role="baseline"),
                        Line(label="SLO", value=1000, role="objective"),
                    ),
                    marks=(Mark(label="Cutover", at="2026-10-01T06:00:00Z"),),
                    links=(Link(label="Errors", query="errors-submit"),),
                ),
            ),
        ),
        Section(
            title="Newest errors",
            panels=(
                Panel(id="newest", title="Newest errors", kind="logs", width=24, query=_ERRORS, height=8),
                Panel(
                    id="alarms", title="Alarms", kind="alarms", width=12, alarms=("endpoint-errors-submit",)
                ),
                Panel(
                    id="text",
                    title="Where to look",
                    kind="text",
                    width=12,
                    text="[All](page:system), [the story](query:story), [docs](https://docs.example/a?b=c&d=e)",
                ),
                Panel(
                    id="now",
                    title="Requests",
                    kind="number",
                    width=6,
                    height=4,
                    series=(Series(label="all", of=Total(tuple(_REQUESTS.values()))),),
                ),
                Panel(
                    id="cost",
                    title="Cost",
                    kind="bars",
                    unit="{USD}",
                    series=(
                        Series(
                            label="a day",
                            of=Scaled(metric("function.cost", "sum", SUBMIT.id), 1.5),
                            role="bad",
                        ),
                    ),
                ),
                Panel(
                    id="table",
                    title="Queues",
                    kind="table",
                    width=10,
                    series=(
                        Series(label="waiting", of=metric("queue.visible")),
                        Series(label="in flight", of=metric("queue.in_flight")),
                    ),
                ),
            ),
        ),
    ),
)
_STATISTICS: dict[str, tuple[Statistic, ...]] = {
    "count": ("sum",),
    "gauge": ("avg", "max", "min"),
    "distribution": ("avg", "p50", "p90", "p95", "p99", "max", "count"),
}


def _every(measure: str) -> Panel:
    found = MEASURES[measure]
    series: list[Expression] = [metric(measure, statistic) for statistic in _STATISTICS[found.shape]]
    return Panel(
        id=measure,
        title=found.title,
        kind="lines",
        width=6,
        unit=found.unit,
        series=tuple(Series(label=one.statistic, of=one) for one in series if isinstance(one, Metric)),
        empty=found.empty,
    )


#: A panel for every measure, with every statistic it may have.
EVERY_PAGE = Page(
    name="system",
    title="Claims",
    kind="system",
    sections=(Section(title="Everything", panels=tuple(_every(name) for name in MEASURES)),),
)
#: A function whose name is not known before it is deployed.
UNNAMED_PAGE = Page(
    name="service-assess-claim",
    title="assess-claim",
    kind="service",
    subject="assess-claim",
    sections=(
        Section(
            title="Function",
            panels=(
                Panel(
                    id="duration",
                    title="Duration",
                    kind="lines",
                    unit="ms",
                    series=(
                        Series(label="p95", of=metric("function.duration", "p95", UNNAMED.id)),
                        Series(label="cold", of=metric("function.cold_starts", "sum", UNNAMED.id)),
                    ),
                    lines=(Line(label="Timeout", value=3000, role="limit"),),
                ),
            ),
        ),
    ),
)
PAGES = (EVERY_PAGE, ENDPOINT_PAGE, UNNAMED_PAGE)
ALARMS = Alarms(
    alarms=(
        Alarm(
            name="endpoint-errors-submit",
            rule="endpoint-errors",
            subject="submit",
            title="submit fails",
            condition=Condition(
                of=Percent(_of("endpoint.errors", "serverless", "sum"), _REQUESTS["serverless"], gate=20),
                op=">",
                threshold=5,
                unit="%",
            ),
            severity="critical",
            about='Requests fail. "Look" at the newest errors.',
            reason="5% of at least 20 requests.",
            owner="claims",
            runbook="https://runbooks.example/submit",
            links=(Link(label="Errors", query="errors-submit"),),
            page="endpoint-submit",
            suppressed_by=("slo-submit-availability",),
            place=Place("observe.yaml", 3),
        ),
        Alarm(
            name="function-near-timeout-assess-claim",
            rule="function-near-timeout",
            subject=UNNAMED.id,
            title="assess-claim comes near its timeout",
            condition=Condition(
                of=metric("function.duration", "p99", UNNAMED.id),
                op=">=",
                threshold=2700,
                unit="ms",
                period_s=300,
                missing="ok",
            ),
            severity="warning",
        ),
        Alarm(
            name="dead-letters-the-queue",
            rule="dead-letters",
            subject="queue:TheQueue",
            title="Messages of the-queue were given up",
            condition=Condition(
                of=metric("queue.visible"), op=">", threshold=0, periods=1, datapoints=1, missing="keep"
            ),
            severity="error",
            is_told=False,
        ),
        Alarm(
            name="endpoint-silent-submit",
            rule="endpoint-silent",
            subject="submit",
            title="submit gets no requests",
            condition=Condition(
                of=Total(tuple(_REQUESTS.values())), op="<", threshold=1, missing="breaching"
            ),
            severity="error",
            page="endpoint-submit",
        ),
        *(
            Alarm(
                name=f"every-{name.replace('.', '-').replace('_', '-')}",
                rule="every",
                subject=SUBJECTS[measure.of],
                title=measure.title,
                condition=Condition(of=metric(name), op=">", threshold=1, unit=measure.unit),
                is_told=False,
            )
            for name, measure in MEASURES.items()
        ),
    ),
    slos=(
        Slo(
            name="slo-submit-availability",
            endpoint="submit",
            title="99.5% of POST /claims succeed",
            objective=99.5,
            window_s=28 * 86_400,
            bad=Total(tuple(_of("endpoint.errors", side, "sum") for side in _SIDES)),
            total=Total(tuple(_REQUESTS.values())),
            burns=(
                Burn(factor=14.4, long_s=3600, short_s=300, severity="critical"),
                Burn(factor=6, long_s=21600, short_s=1800, severity="critical"),
                Burn(factor=3, long_s=86400, short_s=7200, severity="warning"),
                Burn(factor=1, long_s=259200, short_s=21600, severity="warning"),
            ),
            minimum=50,
            page="endpoint-submit",
        ),
        Slo(
            name="slo-submit-latency",
            endpoint="submit",
            title="95% of POST /claims within 1000 ms",
            objective=95,
            window_s=28 * 86_400,
            bad=Total(tuple(_of("endpoint.slow", side, "sum") for side in _SIDES)),
            total=Total(tuple(_REQUESTS.values())),
            latency_ms=1000,
            burns=(Burn(factor=6, long_s=21600, short_s=1800, severity="error"),),
            page="endpoint-submit",
        ),
    ),
    composites=(
        Composite(
            name="endpoint-submit",
            title="submit is in trouble",
            children=("endpoint-errors-submit", "dead-letters-the-queue"),
            severity="critical",
            page="endpoint-submit",
        ),
    ),
)
