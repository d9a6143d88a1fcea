"""Lambda functions: limits, facts, log groups; their aliases, versions and URLs; where failed events go."""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.model.draft import Draft
from dashboards.model.names import log_group
from dashboards.model.pointers import number, pattern, text
from dashboards.resources import Name, Resource
from dashboards.template.values import Item
from subscribers.config_groups import lambda_log_group
from subscribers.config_tree import at, items

#: What Lambda takes where a template says nothing.
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
_TIMEOUT_S, _MEMORY_MB = 3.0, 128.0
_WRAPPER = "observe-exec"


def described(item: Item, resource: Resource, draft: Draft) -> Resource:
    """Return the function with what its own properties say."""
    properties = item.properties
    limits = {
        "timeout_s": number(properties.get("Timeout", _TIMEOUT_S)),
        "memory_mb": number(properties.get("MemorySize", _MEMORY_MB)),
        "reserved_concurrency": number(properties.get("ReservedConcurrentExecutions")),
    }
    facts = {
        "runtime": text(properties.get("Runtime")),
        "architecture": text(at(properties, "Architectures", 0)) or "x86_64",
        "package": text(properties.get("PackageType")) or "Zip",
        "snap_start": _snap_start(properties),
        "log_format": text(at(properties, "LoggingConfig", "LogFormat")) or "Text",
        "layer": "observe" if _has_layer(properties, draft) else "",
    }
    return msgspec.structs.replace(
        resource,
        limits={name: value for name, value in limits.items() if value is not None},
        facts={name: value for name, value in facts.items() if value},
        log_groups=(_log_group(item, resource.name, draft),),
    )


def connect(draft: Draft) -> None:
    """Add aliases, versions and URLs as their functions, and where what fails asynchronously goes."""
    for item in draft.items_of("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::Url"):
        owner = item.properties.get("FunctionName", item.properties.get("TargetFunctionArn"))
        function = draft.id(owner, "function") or _by_name(owner, draft)
        draft.stands_for(item, function)
        amount = number(
            at(item.properties, "ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
        )
        if function and amount is not None:
            draft.change(function, limits={"provisioned_concurrency": amount})
    for item in draft.items_of("AWS::Lambda::Function"):
        target = draft.id(at(item.properties, "DeadLetterConfig", "TargetArn"))
        draft.edge(draft.of_item(item), target, "dead_letters", "asynchronous")
    for item in draft.items_of("AWS::Lambda::EventInvokeConfig"):
        _destinations(item, draft)


def target_of(value: Any, draft: Draft) -> str:
    """Return the function that a FunctionName (a name, an ARN, an intrinsic) means, "" for none."""
    return draft.id(value, "function") or _by_name(value, draft)


def _by_name(value: Any, draft: Draft) -> str:
    name = text(value)
    return draft.by_name("function", name.partition(":")[0]) if name and not name.startswith("arn:") else ""


def _destinations(item: Item, draft: Draft) -> None:
    function = target_of(item.properties.get("FunctionName"), draft)
    config = at(item.properties, "DestinationConfig")
    draft.edge(function, draft.id(at(config, "OnFailure", "Destination")), "dead_letters", "asynchronous")
    draft.edge(function, draft.id(at(config, "OnSuccess", "Destination")), "writes", "on success")


def _log_group(item: Item, name: Name, draft: Draft) -> Name:
    given = at(item.properties, "LoggingConfig", "LogGroup")
    if given is not None:
        return group_of(given, draft)
    if name.known:
        group = lambda_log_group(name.known)
        return Name(known=group, expression=group, pattern=group)
    expression = {"Fn::Sub": lambda_log_group(f"${{{item.id}}}")}
    return Name(expression=expression, pattern=lambda_log_group(name.pattern))


def group_of(value: Any, draft: Draft) -> Name:
    """Return the log group that a property (a name, an ARN, an intrinsic) means."""
    if (group := draft.item_named(value, "AWS::Logs::LogGroup")) is not None:
        return log_group(group, draft.deployment)
    told = pattern(value)
    if told.startswith("arn:"):
        told = told.partition(":log-group:")[2].removesuffix(":*")
    if told and "*" not in told:
        return Name(known=told, expression=told, pattern=told)
    return Name(expression=value, pattern=told or "*")


def _snap_start(properties: dict[str, Any]) -> str:
    applied = text(at(properties, "SnapStart", "ApplyOn"))
    return "" if applied == "None" else applied


def _has_layer(properties: dict[str, Any], draft: Draft) -> bool:
    wrapper = text(at(properties, "Environment", "Variables", "AWS_LAMBDA_EXEC_WRAPPER"))
    if wrapper.rpartition("/")[2] == _WRAPPER:
        return True
    layers = [layer for _, layer in items(properties.get("Layers"))]
    own = (draft.item_named(layer, "AWS::Lambda::LayerVersion") for layer in layers)
    texts = [pattern(layer) for layer in layers]
    texts += [item.id + pattern(item.properties.get("LayerName")) for item in own if item is not None]
    return any("observe" in told.lower() for told in texts)
