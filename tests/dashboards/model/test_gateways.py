"""Routes of APIs: what each leads to, whether it has metrics, how long the gateway waits."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.resources import Route
from tests.dashboards.model.system import arn, edges, item, ref, said, system

_INVOKE = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
SUBMIT = item("Lambda::Function", "Submit", FunctionName="submit-claim", Handler="app.handler")


def _rest(integration: dict[str, Any], *others: Any, key: str = "post") -> Route:
    body = {"paths": {"/claims": {key: {"x-amazon-apigateway-integration": integration}}}}
    found = system(item("ApiGateway::RestApi", "Api", Name="claims", Body=body), SUBMIT, *others)
    return next(iter(found.routes.values()))


@pytest.mark.parametrize(
    "uri",
    [
        {"Fn::Sub": _INVOKE + "${Submit.Arn}/invocations"},
        {"Fn::Sub": _INVOKE + "${Alias}/invocations"},
        {"Fn::Sub": _INVOKE + "arn:aws:lambda:eu-west-1:123456789012:function:submit-claim:live/invocations"},
        _INVOKE + "arn:aws:lambda:eu-west-1:123456789012:function:submit-claim/invocations",
        {"Fn::Join": ["", ["arn:aws:apigateway:eu-west-1:lambda:path/x/functions/", arn("Submit"), "/i"]]},
        _INVOKE + "arn:aws:lambda:eu-west-1:1:function:${stageVariables.fn}/invocations",
        {"Fn::Sub": _INVOKE + "arn:aws:lambda:eu-west-1:1:function:${!stageVariables.fn}/invocations"},
    ],
)
def test_every_way_to_name_a_function_is_understood(uri: Any) -> None:
    """By attribute, alias, known ARN, a joined text or a variable of the stage."""
    alias = item("Lambda::Alias", "Alias", FunctionName=ref("Submit"), Name="live")
    stage = item(
        "ApiGateway::Stage", "Stage", RestApiId=ref("Api"), StageName="live", Variables={"fn": "submit-claim"}
    )
    route = _rest({"type": "aws_proxy", "httpMethod": "POST", "uri": uri}, alias, stage)
    assert (route.side, route.target, route.limit_s) == ("serverless", "function:Submit", 29)


@pytest.mark.parametrize("connection", ["INTERNET", "VPC_LINK"])
@pytest.mark.parametrize("kind", ["http", "http_proxy"])
def test_a_proxied_address_is_legacy(kind: str, connection: str) -> None:
    """Whatever way it is reached."""
    uri = "http://legacy.internal.example/claims"
    route = _rest({"type": kind, "connectionType": connection, "uri": uri, "timeoutInMillis": 5000})
    assert (route.side, route.target, route.url, route.limit_s) == ("legacy", "", uri, 5.0)


def test_a_service_integration_leads_to_the_resource_that_it_names() -> None:
    """SQS by its path, Step Functions by the template of its request."""
    queue = item("SQS::Queue", "Claims", QueueName="claims")
    sqs = {"type": "aws", "uri": {"Fn::Sub": "arn:aws:apigateway:eu-west-1:sqs:path/1/${Claims.QueueName}"}}
    assert _rest(sqs, queue).target == "queue:Claims"
    machine = item("StepFunctions::StateMachine", "Flow", DefinitionString="{}")
    templates = {"application/json": {"Fn::Sub": '{"stateMachineArn": "${Flow}"}'}}
    states = {"type": "aws", "uri": "arn:aws:apigateway:eu-west-1:states:action/StartExecution"}
    assert _rest({**states, "requestTemplates": templates}, machine).target == "state_machine:Flow"


def test_any_and_mock_and_what_is_not_in_the_templates() -> None:
    """A mock is no side; a function of elsewhere is said."""
    route = _rest({"type": "mock"}, key="x-amazon-apigateway-any-method")
    assert (route.method, route.side) == ("ANY", "unknown")
    uri = _INVOKE + "arn:aws:lambda:eu-west-1:123456789012:function:elsewhere/invocations"
    body = {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri}}}}}
    found = system(item("ApiGateway::RestApi", "Api", Name="claims", Body=body))
    assert said(found, "elsewhere", "none of the templates")


def _method(logical_id: str, resource: Any, method: str) -> Any:
    integration = {"Type": "AWS_PROXY", "Uri": {"Fn::Sub": _INVOKE + "${Submit.Arn}/invocations"}}
    return item(
        "ApiGateway::Method",
        logical_id,
        RestApiId=ref("Api"),
        ResourceId=resource,
        HttpMethod=method,
        Integration=integration,
    )


def _tree(*settings: dict[str, Any]) -> dict[str, bool]:
    found = system(
        item("ApiGateway::RestApi", "Api", Name="claims"),
        item(
            "ApiGateway::Resource",
            "Claims",
            RestApiId=ref("Api"),
            ParentId=arn("Api", "RootResourceId"),
            PathPart="claims",
        ),
        item(
            "ApiGateway::Resource", "One", RestApiId=ref("Api"), ParentId=ref("Claims"), PathPart="{number}"
        ),
        _method("Get", ref("One"), "GET"),
        _method("Root", arn("Api", "RootResourceId"), "POST"),
        SUBMIT,
        item("ApiGateway::Stage", "S", RestApiId=ref("Api"), StageName="live", MethodSettings=list(settings)),
    )
    return {route.route: route.is_metered for route in found.routes.values()}


def test_trees_of_resources_and_methods_have_metrics_by_route_where_the_stage_says_so() -> None:
    """Of all, of one, of all but one."""
    every = {"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": True}
    one = {"HttpMethod": "GET", "ResourcePath": "/~1claims~1{number}", "MetricsEnabled": True}
    assert _tree() == {"GET /claims/{number}": False, "POST /": False}
    assert _tree(every) == {"GET /claims/{number}": True, "POST /": True}
    assert _tree(one) == {"GET /claims/{number}": True, "POST /": False}
    assert _tree(every, {**one, "MetricsEnabled": "false"}) == {"GET /claims/{number}": False, "POST /": True}


def _http(settings: dict[str, Any], key: str = "POST /claims") -> Route:
    found = system(
        item("ApiGatewayV2::Api", "Api", ProtocolType="HTTP", Name="claims"),
        item("ApiGatewayV2::Integration", "Way", IntegrationType="AWS_PROXY", IntegrationUri=arn("Submit")),
        item(
            "ApiGatewayV2::Route",
            "Route",
            ApiId=ref("Api"),
            RouteKey=key,
            Target={"Fn::Join": ["/", ["integrations", ref("Way")]]},
        ),
        item("ApiGatewayV2::Stage", "Stage", ApiId=ref("Api"), StageName="$default", **settings),
        SUBMIT,
    )
    assert ("Api", "routes", "Submit") in edges(found)
    return next(iter(found.routes.values()))


def test_an_http_api_has_metrics_by_route_where_its_stage_says_so() -> None:
    """By default, and of one route."""
    on = {"DetailedMetricsEnabled": True}
    assert not _http({}).is_metered
    assert _http({"DefaultRouteSettings": on}).is_metered
    assert _http({"RouteSettings": {"POST /claims": on}}).is_metered
    assert not _http({"RouteSettings": {"GET /claims": on}}).is_metered


def test_route_keys_of_every_kind_are_read() -> None:
    """An HTTP API waits 30 s; `$default` is a route of any method."""
    assert (_http({}).id, _http({}).limit_s) == ("http_api:Api/POST /claims", 30)
    assert _http({}, "$default").route == "ANY $default"


def test_blind_routes_and_functions_that_outlive_their_gateway_are_said() -> None:
    """With what to switch on."""
    slow = item("Lambda::Function", "Submit", Timeout=60)
    found = system(item("ApiGatewayV2::Api", "Api", ProtocolType="HTTP", Target=arn("Submit")), slow)
    assert said(found, "no metrics of ANY $default", "DetailedMetricsEnabled")
    assert said(found, "function:Submit may take 60 s", "waits 30 s")
