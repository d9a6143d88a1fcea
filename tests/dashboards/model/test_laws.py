"""Laws of the model: whatever a template says it is made, whole and the same every time."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.dashboards_model_view import as_json, render
from dashboards.model.build import model_of
from dashboards.model.kinds import KINDS
from dashboards.resources import System
from dashboards.template.values import Item, Templates
from subscribers.config import EMPTY
from tests.dashboards.model.test_edges import CASES, OTHERS

_IDS = st.sampled_from(["A", "B", "C", "Nested/D", "Missing", "AWS::Region"])
_TYPES = st.sampled_from(
    [
        *KINDS,
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::SNS::Subscription",
        "AWS::Pipes::Pipe",
        "AWS::Scheduler::Schedule",
        "AWS::ApiGateway::Stage",
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Stage",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::AppSync::DataSource",
        "AWS::AppSync::Resolver",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::Logs::LogGroup",
        "",
    ]
)
#: Keys that the model looks for.
_KEYS = st.sampled_from(
    """
    Arn Body Targets Target Source Endpoint TopicArn FunctionName EventSourceArn RedrivePolicy
    Tags Role Policies deadLetterTargetArn maxReceiveCount Environment Variables LoggingConfig
    LogGroup Layers RestApiId ApiId RouteKey StageName MethodSettings ResourcePath ParentId
    ResourceId PathPart Integration Uri IntegrationUri Type uri type paths /a get post
    x-amazon-apigateway-integration Conditions Actions ForwardConfig TargetGroups
    TargetGroupArn ListenerArn LoadBalancerArn DistributionConfig Origins CacheBehaviors
    DefaultCacheBehavior TargetOriginId Id DomainName Definition DefinitionString States
    Resource EventPattern detail bucket name PolicyDocument Statement Action Effect Ref
    DBInstanceClass Engine MaximumBatchingWindowInSeconds
    Fn::GetAtt Fn::Sub Fn::Join Timeout VisibilityTimeout ScheduleExpression Cluster
    """.split()  # noqa: SIM905
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | _IDS
    | st.sampled_from(
        ["${A.Arn}", "arn:aws:sqs:::q", "arn:::::", "http://", "[red]", "$default", "aws_proxy", "http_proxy"]
    )
    | st.fixed_dictionaries({"Ref": _IDS})
    | st.fixed_dictionaries({"Fn::GetAtt": st.tuples(_IDS, st.just("Arn")).map(list)})
    | st.fixed_dictionaries({"Fn::Sub": st.just("arn:aws:lambda:x:y:function:${A}:live")})
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)
_ITEMS = st.dictionaries(
    st.sampled_from(["A", "B", "C", "Nested/D"]),
    st.tuples(
        _TYPES,
        st.dictionaries(_KEYS, _VALUES, max_size=8),
        st.dictionaries(st.sampled_from(["HybridObserve", "Other"]), _VALUES, max_size=2),
    ),
    max_size=4,
)


def _model(items: dict[str, Any]) -> System:
    made = {
        name: Item(
            id=name,
            logical_id=name.rpartition("/")[2],
            type=kind,
            properties=properties,
            metadata=metadata,
            stack=tuple(name.split("/")[:-1]),
        )
        for name, (kind, properties, metadata) in items.items()
    }
    return model_of(Templates(items=made), EMPTY)


@given(_ITEMS)
def test_no_template_breaks_the_model_and_all_that_it_names_exists(items: dict[str, Any]) -> None:
    """Edges, routes, endpoints and services name resources of the model; it is the same every time."""
    found = _model(items)
    known = set(found.resources)
    for edge in found.edges:
        assert {edge.source, edge.target} <= known
    for route in found.routes.values():
        assert route.api in known
        assert not route.target or route.target in known
    for view in found.endpoints.values():
        assert set(view.downstream) | set(view.dead_letters) <= known
        for side in view.sides:
            assert side.service in found.services
            assert set(side.functions) | set(side.resources) <= known
            assert set(side.routes) <= set(found.routes)
    assert _model(items) == found


def _spoilt(tree: Any, path: list[int], junk: Any) -> Any:
    """Return a tree with junk in the place that a path of numbers leads to."""
    if not path or not isinstance(tree, dict | list) or not tree:
        return junk
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    chosen = keys[path[0] % len(keys)]
    pairs = [(key, _spoilt(tree[key], path[1:], junk) if key == chosen else tree[key]) for key in keys]
    return dict(pairs) if isinstance(tree, dict) else [value for _, value in pairs]


_WHOLE = {
    name: (one.type, one.properties, {"HybridObserve": {"owner": "claims"}})
    for number, (case, _) in enumerate(CASES.values())
    for name, one in [(f"E{number}", case), *((other.id, other) for other in OTHERS)]
}


@given(st.sampled_from(sorted(_WHOLE)), st.lists(st.integers(0, 9), min_size=1, max_size=6), _VALUES)
def test_a_template_that_is_spoilt_in_one_place_still_makes_a_model(
    name: str, path: list[int], junk: Any
) -> None:
    """Of a system with every kind of event source; what is not spoilt stays."""
    kind, properties, metadata = _WHOLE[name]
    spoilt = _spoilt(properties, path, junk)
    kept = spoilt if isinstance(spoilt, dict) else {}
    found = _model({**_WHOLE, name: (kind, kept, metadata)})
    assert len(found.resources) == len(_model(_WHOLE).resources)


@given(_ITEMS)
def test_every_model_can_be_printed_and_is_json(items: dict[str, Any]) -> None:
    """Whatever is in it is data, never markup."""
    found = _model(items)
    out = Console(width=200, record=True, quiet=True)
    render(found, out)
    assert json.dumps(as_json(found), default=str)
