"""Sources of requests and of platform events: what each tells, and what none ever does."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import wire
from observe.context import extract
from observe.services import SOURCES, source_of
from observe.testing import Lines
from tests.observe.running import run

EVENTS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))
}
#: What the events of tests/data/events have in the place of tokens, credentials and persons.
SECRET = "must-not-be-told"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
#: Keys that make an arbitrary event look like one of ours.
KEYS = st.sampled_from(
    [
        *("requestContext", "connectionId", "eventType", "routeKey", "type", "methodArn", "routeArn"),
        *("headers", "multiValueHeaders", "httpMethod", "resource", "path", "http", "version", "rawPath"),
        *("body-json", "params", "header", "context", "raw_path", "method", "serviceNetworkArn"),
        *("info", "fieldName", "typeName", "parentTypeName", "channelNamespace", "request", "queryString"),
        *("authorizationToken", "requestHeaders", "Records", "cf", "config", "ses", "mail", "eventSource"),
        *("userRequest", "xAmzRequestId", "configuration", "accessPointArn", "invocationSchemaVersion"),
        *("tasks", "job", "userArguments", "events", "event", "fullDocument", "ns", "_id", "requestPayload"),
        *("Execution", "StateMachine", "State", "Input", "Name", "Id", "RetryCount", "triggerSource"),
        *("userPoolId", "clientMetadata", "awslogs", "data", "alarmArn", "alarmData", "state"),
        *("widgetContext", "invokingEvent", "configRuleArn", "CodePipeline.job", "DeploymentId"),
        *("LifecycleEventHookExecutionId", "ResponseURL", "RequestType", "SecretId", "Step", "Details"),
        *(
            "ContactData",
            "Parameters",
            "actionGroup",
            "agent",
            "sessionAttributes",
            "invocationSource",
            "bot",
        ),
        *("sessionState", "intent", "System", "session", "directive", "_observe", "__context__", "_datadog"),
        *("traceparent", "tracestate", "baggage", "x-correlation-id", "name", "value"),
    ]
)
WORDS = st.sampled_from(["2.0", "TOKEN", "REQUEST", "aws:ses", "aws:docdb", "ContactFlowEvent", TRACEPARENT])
SHAPES = st.recursive(
    JSON | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=40,
)


def _reads(event: Any) -> None:
    """Whatever matches `event` reads it without raising and without changing it."""
    before = copy.deepcopy(event)
    source = source_of(event)
    if source is not None:
        for record in source.records(event):
            assert all(isinstance(k, str) and isinstance(v, str) for k, v in record.headers.items())
            assert isinstance(record.message_id, str)
            extract(record.headers)
        name, attributes = source.describe(event)
        assert isinstance(name, str)
        assert name
        assert all(isinstance(value, str | int) for value in attributes.values())
    assert repr(event) == repr(before)


@given(SHAPES)
def test_capture_never_raises_on_any_json(event: Any) -> None:
    """Whatever JSON comes, the source that matches it yields records of strings and a name."""
    _reads(event)


def _spots(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside `value`, without its own."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, item in items for spot in ((*at, key), *_spots(item, (*at, key)))]


@given(st.data())
def test_capture_never_raises_on_an_event_with_one_thing_wrong(data: st.DataObject) -> None:
    """A real event with anything at all in one of its places is still read."""
    case = EVENTS[data.draw(st.sampled_from([name for name in EVENTS if _spots(EVENTS[name]["event"])]))]
    event = copy.deepcopy(case["event"])
    *way, last = data.draw(st.sampled_from(_spots(event)))
    spot = event
    for key in way:
        spot = spot[key]
    spot[last] = data.draw(JSON | SHAPES)
    _reads(event)


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
        *("Connect", "Lex", "Alexa skill", "Alexa smart home"),
    }
    sources = _sources()
    assert public <= sources.keys()
    internal = {
        *("VPC Lattice 1.0", "VPC Lattice 2.0", "Step Functions", "Direct invocation or IoT rule"),
        *("Lambda destination", "S3 Object Lambda", "S3 Batch Operations", "Bedrock agent", "DocumentDB"),
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
