"""What calls a function: its Events, and the routes of an HTTP API's definition. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.local.gateway_routes import RouteTable
from console.local.template_callers import Callers, source_of
from console.local.template_eventbridge import event_rule
from console.local.template_kinesis import stream_event
from console.local.template_parts import Route, S3Trigger, SnsTrigger, Split, SqsTrigger
from console.local.template_references import references
from console.local.template_section import Section
from console.local.template_source import TemplateError
from console.local.template_values import Place, Value

_INTEGRATION = "x-amazon-apigateway-integration"
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_ANY_METHOD = "x-amazon-apigateway-any-method"
_FILTERS = ("FilterCriteria",)


def events_of(logical_id: str, events: Section) -> Callers:
    """Return what a function's Events say. Raises TemplateError."""
    callers = Callers()
    for name in events:
        event = events.section(name)
        kind = event.required("Type")
        reader = _EVENTS.get(kind)
        label = f"{logical_id}.{name}"
        if reader is None:
            callers.ignore(label, kind, "this event type is not played")
        elif not event.section("Properties").flag("Enabled", True):
            callers.ignore(label, kind, "it is not enabled")
        else:
            reader(event.section("Properties"), logical_id, label, callers)
    return callers


def _sqs(event: Section, function: str, label: str, callers: Callers) -> None:
    del function
    queue = source_of(event, "Queue", "AWS::SQS::Queue", label, callers)
    if queue is None:
        return
    for name in _FILTERS:
        if name in event:
            callers.ignore(label, name, "every message is delivered")
    partial = "ReportBatchItemFailures" in event.texts("FunctionResponseTypes")
    window_s = event.number("MaximumBatchingWindowInSeconds", 0, 0, 300)
    callers.triggers.append(SqsTrigger(queue, event.integer("BatchSize", 10, 1, 10_000), window_s, partial))


def _sns(event: Section, function: str, label: str, callers: Callers) -> None:
    del function
    topic = source_of(event, "Topic", "AWS::SNS::Topic", label, callers)
    if topic is None:
        return
    if event.data("SqsSubscription") not in (None, False, "false"):
        callers.ignore(label, "SqsSubscription", "a queue between topic and function")
        return
    policy, scope = filter_policy(event)
    callers.triggers.append(SnsTrigger(topic, policy, scope))


def filter_policy(section: Section) -> tuple[Mapping[str, Any] | None, str]:
    """Return FilterPolicy and FilterPolicyScope. Raises TemplateError."""
    policy = section.data("FilterPolicy")
    if policy is not None and not isinstance(policy, dict):
        raise section.error("FilterPolicy", "a mapping is expected")
    scope = section.text("FilterPolicyScope") or "MessageAttributes"
    if scope not in ("MessageAttributes", "MessageBody"):
        raise section.error("FilterPolicyScope", "is MessageAttributes or MessageBody")
    return policy, scope


def _s3(event: Section, function: str, label: str, callers: Callers) -> None:
    del function
    bucket = source_of(event, "Bucket", "AWS::S3::Bucket", label, callers)
    if bucket is None:
        return
    names = event.texts("Events")
    if not names or not all(name.startswith("s3:") for name in names):
        raise event.error("Events", "names of S3 events are expected, such as s3:ObjectCreated:*")
    rules = _filter_rules(event)
    callers.triggers.append(S3Trigger(bucket, names, rules.get("prefix", ""), rules.get("suffix", "")))


def _filter_rules(event: Section) -> dict[str, str]:
    key = event.section("Filter").section("S3Key")
    rules = key.raw("Rules") or []
    if not isinstance(rules, list):
        raise key.error("Rules", "a list is expected")
    read = [Section(rule, event.scope, key.place.inside("Rules")) for rule in rules]
    found = {rule.required("Name").lower(): rule.text("Value") or "" for rule in read}
    if unknown := set(found) - {"prefix", "suffix"}:
        raise key.error("Rules", f"a rule is a prefix or a suffix, not {', '.join(sorted(unknown))}")
    return found


def _http_api(event: Section, function: str, label: str, callers: Callers) -> None:
    if "Auth" in event:
        callers.ignore(label, "Auth", "the front door lets everybody in")
    path = event.text("Path") or "$default"
    key = "$default" if path == "$default" else f"{(event.text('Method') or 'ANY').upper()} {path}"
    callers.routes.append(Route(checked_key(key, event.place.inside("Path")), function=function))


_EVENTS: Mapping[str, Callable[[Section, str, str, Callers], None]] = {
    "SQS": _sqs,
    "SNS": _sns,
    "S3": _s3,
    "HttpApi": _http_api,
    "EventBridgeRule": event_rule,
    "CloudWatchEvent": event_rule,  # its name in older templates
    "Kinesis": stream_event,
}


def definition_of(logical_id: str, api: Section) -> Callers:
    """Return the routes of an AWS::Serverless::HttpApi's DefinitionBody. Raises TemplateError."""
    callers = Callers()
    for name in ("DefinitionUri", "Auth", "CorsConfiguration"):
        if name in api:
            callers.ignore(logical_id, name, "the front door does not read it")
    paths = api.section("DefinitionBody").section("paths")
    for path in paths:
        methods = paths.section(path)
        for method in methods:
            if method.lower() in (*_METHODS, _ANY_METHOD):
                _operation(logical_id, _key(path, method, methods.place), methods.section(method), callers)
    return callers


def _key(path: str, method: str, place: Place) -> str:
    if path in ("/$default", "$default"):
        return "$default"
    return checked_key(f"{'ANY' if method.lower() == _ANY_METHOD else method.upper()} {path}", place)


def _operation(logical_id: str, key: str, operation: Section, callers: Callers) -> None:
    integration = operation.section(_INTEGRATION)
    kind = (integration.text("type") or "none").lower()
    functions = [
        name
        for name, _ in references(integration.raw("uri"))
        if integration.scope.resources.get(name) == "AWS::Serverless::Function"
    ]
    if "requestParameters" in integration:
        callers.ignore(logical_id, key, "its requestParameters are not applied")
    if kind == "http_proxy":
        callers.routes.append(Route(key, url=url_of(integration, "uri")))
    elif kind == "aws_proxy" and functions:
        callers.routes.append(Route(key, function=functions[0]))
    else:
        callers.ignore(logical_id, key, f"an integration of type {kind} is not played")


def url_of(section: Section, name: str) -> Value:
    """Return a URL. Raises TemplateError for what can be seen to be none."""
    value = section.value(name)
    if not value:
        raise section.error(name, "is missing")
    if isinstance(value, str) and not value.startswith(("http://", "https://")):
        raise section.error(name, f"a URL is expected, not {value!r}")
    return value


def checked_key(key: str, place: Place) -> str:
    """Return the route key. Raises TemplateError if the front door cannot read it."""
    try:
        RouteTable({key: None})
    except ValueError as error:
        raise place.error(str(error)) from None
    return key


def split_of(split: Section) -> Split:
    """Return a Metadata.Split: {Route, Percent, To, Else}. Raises TemplateError."""
    method, _, path = split.required("Route").partition(" ")
    key = checked_key(f"{method.upper()} {path}" if path else method, split.place.inside("Route"))
    if "Percent" not in split:
        raise split.error("Percent", "is missing")
    percent = split.number("Percent", 0, 0, 100)
    return Split(key, percent, _to(split), url_of(split, "Else"))


def _to(split: Section) -> str:
    found = [name for name, _ in references(split.raw("To"))]
    name = found[0] if found else split.required("To")
    if split.scope.resources.get(name) != "AWS::Serverless::Function":
        raise _no_function(split, name)
    return name


def _no_function(split: Section, name: str) -> TemplateError:
    return split.error("To", f"{name!r} is no function of the template")
