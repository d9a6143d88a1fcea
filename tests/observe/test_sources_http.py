"""Sources of requests and of platform events: what each tells, and what none ever does."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from observe import wire
from observe.context import current, extract
from observe.services import SOURCES, source_of
from observe.testing import Lines
from tests.observe.running import run
from tests.observe.sources import EVENTS, records
from tests.observe.sources import told as told_of

#: What the events of tests/data/events have in the place of tokens, credentials and persons.
SECRET = "must-not-be-told"


def test_no_secret_and_no_person_is_told() -> None:
    """Tokens, cookies, signed URLs, credentials, users, addresses and what they said are in no span."""
    told = [name for name, case in EVENTS.items() if SECRET in json.dumps(case["event"])]
    assert len(told) > 40
    for name in told:
        assert SECRET not in json.dumps(EVENTS[name]["span"]), name


@pytest.mark.parametrize("name", EVENTS)
def test_an_invocation_tells_its_source_and_no_secret(name: str, lines: Lines) -> None:
    """Every event, a list or null too, ends in one span of its source and in nothing else on stdout."""
    case = EVENTS[name]
    run(copy.deepcopy(case["event"]))
    assert len(lines.raw) == 1
    (span,) = lines.spans
    assert SECRET.encode() not in lines.raw[0]
    if case["source"] is not None:
        assert span["name"] == case["span"]["name"]
        assert case["span"]["attributes"].keys() <= span["attributes"].keys()


def _sources() -> dict[str, Any]:
    found = [getattr(import_module(f"observe.services.{module}"), name) for _, (module, name) in SOURCES]
    return {source.name: source for source in found}


def test_every_source_says_what_triggers_it() -> None:
    """faas.trigger is one of OpenTelemetry's five; the span is a server's or a consumer's."""
    for source in _sources().values():
        assert source.trigger in ("http", "pubsub", "datasource", "timer", "other"), source.name
        assert source.kind in (wire.KIND_SERVER, wire.KIND_CONSUMER), source.name


def test_what_strangers_can_send_to_is_public() -> None:
    """The trust edge applies to these and to nothing that takes AWS's word for its caller."""
    public = {
        *("HTTP API or function URL", "Application Load Balancer", "REST API"),
        *("REST API with mapping template", "WebSocket API", "Token authorizer", "Request authorizer"),
        *("HTTP API authorizer", "AppSync", "AppSync authorizer", "Lambda@Edge", "Cognito", "SES"),
        *("Connect", "Lex", "Alexa skill", "Alexa smart home", "S3 Object Lambda"),
    }
    sources = _sources()
    assert public <= sources.keys()
    internal = {
        *("VPC Lattice 1.0", "VPC Lattice 2.0", "Step Functions", "Direct invocation or IoT rule"),
        *("Lambda destination", "S3 Batch Operations", "Bedrock agent", "DocumentDB"),
    }
    assert all(sources[name].public for name in public)
    assert not any(sources[name].public for name in internal)


def test_a_sources_module_is_loaded_with_its_first_event() -> None:
    """Attaching the layer loads the shapes, and of the sources only the one that comes."""
    code = (
        "import sys\n"
        "from observe.services import source_of\n"
        "before = set(sys.modules)\n"
        "source_of({'triggerSource': 'a', 'userPoolId': 'b'})\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "observe.services.cognito" in done.stdout.split()
    assert not {"observe.services.lex", "observe.services.appsync"} & set(done.stdout.split())


@pytest.mark.parametrize("name", ["websocket-message", "websocket-disconnect", "authorizer-token"])
def test_nothing_is_invented_where_nothing_is_carried(name: str) -> None:
    """Without headers of ours the context is a fresh one each time; the connection is only an attribute."""
    event = EVENTS[name]["event"]
    source = source_of(event)
    assert source is not None
    (first,), (second,) = source.records(event), source.records(event)
    assert extract(first.headers).trace_id != extract(second.headers).trace_id


@pytest.mark.parametrize("method", ["get", "PROPFIND", "X" * 10_000, "GET /admin"])
def test_a_method_that_is_not_of_http_names_no_span(method: str) -> None:
    """A function URL and a load balancer hand over whatever a stranger calls one."""
    event = {"requestContext": {"elb": {}}, "httpMethod": method, "path": "/claims", "headers": {}}
    source = source_of(event)
    assert source is not None
    name, attributes = source.describe(event)
    assert name == "HTTP"
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["http.request.method_original"] == method


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ("query Claims { claims { id } }", "query"),
        ("query($id: ID!) { claim(id: $id) { id } }", "query"),
        ("\n mutation\n{ submit }", "mutation"),
        ("subscription{ claims }", "subscription"),
        ("{ claims { id } }", "query"),
        ("fragment F on Claim { id }", None),
        ("", None),
    ],
)
def test_an_operation_of_graphql_is_known_by_its_first_word(document: str, kind: str | None) -> None:
    """Before a name, a brace, a list of variables or the end of a line; a query needs none."""
    event = {"authorizationToken": "t", "requestContext": {"queryString": document}}
    assert told_of(event).get("graphql.operation.type") == kind


@pytest.mark.parametrize("name", ["must not be told", "x" * 1_000_000, "jane@example.com", 3])
def test_an_operation_of_graphql_has_a_name_that_is_one(name: Any) -> None:
    """The caller makes it up; what no document could have is no attribute."""
    request: dict[str, Any] = {"queryString": "{a}", "operationName": name}
    event = {"authorizationToken": "t", "requestContext": request}
    assert "graphql.operation.name" not in told_of(event)
    request["operationName"] = "SubmitClaim"
    assert told_of(event)["graphql.operation.name"] == "SubmitClaim"


def test_what_is_not_known_is_no_attribute() -> None:
    """An attribute is left out rather than empty."""
    events: list[Any] = [
        {"Records": [{"cf": {}}]},
        {"requestContext": {"connectionId": None}},
        {"invocationSchemaVersion": "2.0", "tasks": [{}]},
        {"Records": [{"eventSource": "aws:s3"}]},
    ]
    for event in events:
        assert "" not in told_of(event).values()


@pytest.mark.parametrize(
    ("key", "name"),
    [("a/b.json", "a/b.json"), ("K%C3%B6ln+2026/%2B1.pdf", "Köln 2026/+1.pdf"), ("100%", "100%")],
)
def test_an_object_is_called_as_its_writer_called_it(key: str, name: str) -> None:
    """Notifications encode keys; PutObject's span has them as they are."""
    item = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}}
    assert told_of({"Records": [item]})["faas.document.name"] == name


@pytest.mark.parametrize(
    ("event_name", "operation"),
    [
        ("ObjectCreated:CompleteMultipartUpload", "insert"),
        ("ObjectRemoved:DeleteMarkerCreated", "delete"),
        ("LifecycleExpiration:Delete", "delete"),
        ("ObjectTagging:Put", "edit"),
        ("ObjectRestore:Completed", "ObjectRestore"),
    ],
)
def test_what_was_done_to_an_object(event_name: str, operation: str) -> None:
    """In OpenTelemetry's words where it has one."""
    told = told_of({"Records": [{"eventSource": "aws:s3", "eventName": event_name}]})
    assert told["faas.document.operation"] == operation


def test_what_was_done_to_documents_is_told_if_it_was_the_same_to_all() -> None:
    """insert, update, replace and delete in the words of OpenTelemetry."""

    def changes(*kinds: str) -> dict[str, Any]:
        return {"eventSource": "aws:docdb", "events": [{"event": {"operationType": kind}} for kind in kinds]}

    for kind, word in (("insert", "insert"), ("update", "edit"), ("replace", "edit"), ("delete", "delete")):
        assert told_of(changes(kind, kind))["faas.document.operation"] == word
    assert "faas.document.operation" not in told_of(changes("insert", "delete"))


@pytest.mark.parametrize(
    ("updated", "full", "found"),
    [
        ({"amount": 3}, True, ""),
        ({"amount": 3, "_observe": {"x-correlation-id": "CLM-1"}}, True, "CLM-1"),
        ({"_observe.x-correlation-id": "CLM-1"}, True, "CLM-1"),
        ({"_observe": {"x-correlation-id": "CLM-1"}}, False, "CLM-1"),
        (None, True, ""),
    ],
)
def test_an_update_carries_what_it_wrote(updated: Any, full: bool, found: str) -> None:
    """What was in the document before is somebody else's."""
    change = {
        "operationType": "update",
        "updateDescription": {"updatedFields": updated},
        "fullDocument": {"_observe": {"x-correlation-id": "CLM-1"}, "amount": 3} if full else None,
    }
    (record,) = records({"eventSource": "aws:docdb", "events": [{"event": change}]})
    assert record.headers.get("x-correlation-id", "") == found


def test_a_presigned_request_for_an_object_is_a_strangers(lines: Lines) -> None:
    """Whoever has the address may add headers: neither debug nor hops are believed."""
    asked = {"X-Correlation-Id": "CLM-1", "Baggage": "observe.debug=1,observe.hops=9999"}
    event = {"xAmzRequestId": "r", "getObjectContext": {}, "userRequest": {"headers": asked}}
    found: list[Any] = []
    run(event, lambda event, context: found.append(current()))
    (context,) = found
    assert (context.correlation_id, context.debug, context.hops) == ("CLM-1", False, 1)
    assert records(event)[0].message_id == "r"
