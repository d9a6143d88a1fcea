"""Endpoints and services: observe.yaml's matched with the templates', and those of the templates alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.model.build import model_of
from dashboards.model.matching import reach
from dashboards.resources import Place, Route
from dashboards.template.values import Item, Templates
from subscribers.config import load
from tests.dashboards.model.system import arn, item, ref, said, system

F = item(
    "Lambda::Function",
    "SubmitClaimFunction",
    Tags=[{"Key": "Team", "Value": "claims"}],
)
_NAMED = item("Lambda::Function", "F", FunctionName="submit-claim")


def _api(*routes: tuple[str, Any]) -> Item:
    paths: dict[str, Any] = {}
    for route, uri in routes:
        method, _, path = route.partition(" ")
        kind = "http_proxy" if isinstance(uri, str) else "aws_proxy"
        key = "x-amazon-apigateway-any-method" if method == "ANY" else method.lower()
        operation = {"x-amazon-apigateway-integration": {"type": kind, "uri": uri}}
        paths.setdefault(path, {})[key] = operation
    return item("ApiGatewayV2::Api", "Api", ProtocolType="HTTP", Body={"paths": paths})


_LEGACY = "http://legacy.internal.example/{proxy}"
_SERVICES = """
services:
  submit-claim: {side: serverless}
  claims-legacy: {side: legacy, log_groups: [/legacy/claims]}
"""


def test_without_observe_yaml_every_route_is_an_endpoint() -> None:
    """Its service is the function, or the host it is proxied to."""
    found = system(_api(("POST /claims", arn("F")), ("GET /claims/{id}", _LEGACY)), _NAMED)
    assert list(found.endpoints) == ["post-claims", "get-claims-id"]
    new, old = found.endpoints["post-claims"].serverless, found.endpoints["get-claims-id"].legacy
    assert new is not None
    assert (new.service, new.functions, new.is_alone) == ("submit-claim", ("function:F",), True)
    assert old is not None
    assert old.service == "legacy.internal.example"
    assert {name: view.side for name, view in found.services.items()} == {
        "submit-claim": "serverless",
        "legacy.internal.example": "legacy",
    }
    assert found.services["submit-claim"].endpoints == ("post-claims",)


def test_an_endpoint_of_observe_yaml_has_what_the_templates_have_of_both_sides() -> None:
    """Parameters may have other names; a greedy route covers what no other names."""
    observe = _SERVICES + (
        "endpoints:\n"
        "  submit: {route: 'PUT /claims/{n}', serverless: {service: submit-claim},"
        " legacy: {service: claims-legacy}, owner: web}\n"
    )
    api = _api(("PUT /claims/{id}", arn("F")), ("ANY /{proxy+}", _LEGACY))
    found = system(api, _NAMED, observe=observe)
    view = found.endpoints["submit"]
    assert list(found.endpoints) == ["submit"]
    assert view.serverless is not None
    assert view.legacy is not None
    assert view.serverless.routes == ("http_api:Api/PUT /claims/{id}",)
    assert view.legacy.routes == ("http_api:Api/ANY /{proxy+}",)
    assert [group.known for group in view.legacy.log_groups] == ["/legacy/claims"]
    assert view.owner == "web"


@pytest.mark.parametrize(
    ("own", "wanted", "is_covered"),
    [
        ("ANY /{proxy+}", "GET /claims", True),
        ("ANY /claims/{proxy+}", "GET /claims/{id}/lines", True),
        ("ANY /claims/{proxy+}", "GET /claimsman", False),
        ("ANY /claims*", "GET /claimsman", True),
        ("GET /claims/*", "POST /claims/1", False),
        ("ANY $default", "GET /anything", True),
        ("ANY /claims", "GET /claims/1", False),
    ],
)
def test_greedy_routes_cover_what_is_below_them(own: str, wanted: str, is_covered: bool) -> None:
    """And nothing else."""
    method, _, path = own.partition(" ")
    assert bool(reach(Route(id="r", api="a", method=method, path=path, side="legacy"), wanted)) is is_covered


@pytest.mark.parametrize(
    ("service", "observe"),
    [
        ("submit-claim", "{side: serverless}"),
        ("other", "{side: serverless, resources: [SubmitClaimFunction]}"),
        ("other", "{side: serverless, functions: [shop-SubmitClaimFunction-1A2B]}"),
        ("other", "{side: serverless, log_groups: [/aws/lambda/shop-SubmitClaimFunction-1A2B]}"),
    ],
)
def test_a_function_belongs_to_the_service_that_names_it(service: str, observe: str) -> None:
    """By its logical ID, its deployed name, its log group, or the service's own name."""
    found = system(F, observe=f"services: {{{service}: {observe}}}\n")
    assert found.services[service].functions == ("function:SubmitClaimFunction",)
    assert found.services[service].owner == "claims"
    assert found.resources["function:SubmitClaimFunction"].facts["service"] == service
    assert list(found.services) == [service]


def test_a_function_that_other_things_start_does_not_serve_its_endpoint_alone() -> None:
    """A queue, a schedule or a second endpoint: its metrics are not the endpoint's own."""
    api = _api(("POST /claims", arn("F")))
    queue = item("SQS::Queue", "Q")
    feeds = item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("Q"), FunctionName=ref("F"))
    timer = item("Scheduler::Schedule", "S", ScheduleExpression="rate(1 day)", Target={"Arn": arn("F")})
    for others in ((queue, feeds), (timer,)):
        side = system(api, _NAMED, *others).endpoints["post-claims"].serverless
        assert side is not None
        assert not side.is_alone
    two = system(_api(("POST /claims", arn("F")), ("GET /claims", arn("F"))), _NAMED)
    assert not any(side.is_alone for view in two.endpoints.values() for side in view.sides)


def test_what_requests_pass_on_to_is_downstream_nearest_first_and_without_circles() -> None:
    """With the dead letters of all of it."""
    dead = {"deadLetterTargetArn": arn("D")}
    variables = {"Variables": {"QUEUE_URL": ref("Q")}}
    found = system(
        _api(("POST /claims", arn("F"))),
        item("Lambda::Function", "F", FunctionName="f", Environment=variables),
        item("SQS::Queue", "Q", RedrivePolicy=dead),
        item("SQS::Queue", "D"),
        item("Lambda::Function", "G", FunctionName="g", Environment=variables),
        item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("Q"), FunctionName=ref("G")),
    )
    view = found.endpoints["post-claims"]
    assert view.downstream == ("queue:Q", "function:G")
    assert view.dead_letters == ("queue:D",)


@pytest.fixture
def observe(tmp_path: Path) -> Path:
    """An observe.yaml with two mistakes."""
    file = tmp_path / "observe.yaml"
    file.write_text(
        "version: 1\nservices:\n  nobody: {side: serverless}\nendpoints:\n"
        "  submit: {route: POST /claims, serverless: {service: nobody}}\n"
        "dashboards:\n  resources:\n    Quue: {hide: true}\n"
    )
    return file


def test_what_names_nothing_is_a_sentence_with_file_and_line(observe: Path) -> None:
    """An endpoint without a function is a warning, an override of nothing an error."""
    items = {"Queue": item("SQS::Queue", "Queue")}
    notes = model_of(Templates(items=items), load(observe)).notes
    told = {note.place: (note.level, note.text) for note in notes if note.place.file == str(observe)}
    assert told[Place(str(observe), 5)][0] == "warning"
    assert "no function and no route" in told[Place(str(observe), 5)][1]
    assert told[Place(str(observe), 8)][0] == "error"
    assert "did you mean 'Queue'?" in told[Place(str(observe), 8)][1]


def test_what_is_hidden_is_nowhere_but_in_a_note() -> None:
    """A resource by observe.yaml or its Metadata, an endpoint, a service."""
    hidden = "dashboards: {resources: {Q: {hide: true}, get-x: {hide: true}}}\n"
    queue = item("SQS::Queue", "Q")
    feeds = item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("Q"), FunctionName=ref("F"))
    other = Item(
        id="O", logical_id="O", type="AWS::Lambda::Function", metadata={"HybridObserve": {"Hide": True}}
    )
    found = system(_api(("GET /x", arn("F"))), _NAMED, queue, feeds, other, observe=hidden)
    assert list(found.resources) == ["http_api:Api", "function:F"]
    assert not found.endpoints
    assert list(found.services) == ["submit-claim"]
    assert found.services["submit-claim"].endpoints == ()
    assert said(found, "queue:Q is hidden")
    assert said(found, "get-x is hidden")
    assert not any("queue:Q" in (edge.source, edge.target) for edge in found.edges)


def test_metadata_of_the_template_is_checked_and_says_who_answers() -> None:
    """What is wrong in it is left out and said."""
    written = {"Owner": "billing", "runbook": "https://runbooks.example/f", "bsy": True}
    one = Item(
        id="F",
        logical_id="F",
        type="AWS::Lambda::Function",
        metadata={"HybridObserve": written},
        place=Place("template.yaml", 3),
    )
    found = system(one)
    assert found.resources["function:F"].metadata == {
        "owner": "billing",
        "runbook": "https://runbooks.example/f",
    }
    assert (found.services["F"].owner, found.services["F"].runbook) == (
        "billing",
        "https://runbooks.example/f",
    )
    note = next(note for note in found.notes if note.level == "error")
    assert "bsy" in note.text
    assert note.place == Place("template.yaml", 3)


def test_the_pipeline_of_hybrid_observe_is_no_service_of_the_team() -> None:
    """Its functions, its queues and its table."""
    dead = {"deadLetterTargetArn": arn("D")}
    found = system(
        item("Lambda::Function", "Subscriber", Handler="subscribers.handler.handler"),
        item("SQS::Queue", "Q", RedrivePolicy=dead),
        item("SQS::Queue", "D"),
        item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("Q"), FunctionName=ref("Subscriber")),
        _NAMED,
        item("SQS::Queue", "Other"),
    )
    assert found.pipeline == ("function:Subscriber", "queue:Q", "queue:D")
    assert list(found.services) == ["submit-claim"]
