"""What functions may write to and read: from the policies of their roles, and from environment variables.

A function whose role may send to a queue passes requests on to it; one that may only receive does not. What
an environment variable names counts where no policy of the template says otherwise.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.pointers import named, text
from dashboards.resources import Kind
from dashboards.template.values import Item
from subscribers.config_tree import at, items, texts

#: Kind -> the actions that pass something on to it; `reads` are those that only ask it.
_WRITES: dict[Kind, tuple[str, ...]] = {
    "queue": ("sqs:SendMessage", "sqs:SendMessageBatch"),
    "topic": ("sns:Publish",),
    "table": ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"),
    "bucket": ("s3:PutObject", "s3:DeleteObject"),
    "stream": ("kinesis:PutRecord", "kinesis:PutRecords"),
    "firehose": ("firehose:PutRecord", "firehose:PutRecordBatch"),
    "bus": ("events:PutEvents",),
    "state_machine": ("states:StartExecution", "states:StartSyncExecution"),
    "function": ("lambda:InvokeFunction", "lambda:InvokeAsync"),
    "database": ("rds-db:connect", "rds-data:ExecuteStatement"),
    "database_cluster": ("rds-db:connect", "rds-data:ExecuteStatement"),
}
_READS: dict[Kind, tuple[str, ...]] = {
    "table": ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:BatchGetItem"),
    "bucket": ("s3:GetObject",),
}
#: Kinds that a variable may name beside those.
_ALSO: tuple[Kind, ...] = ("load_balancer", "rest_api", "http_api", "websocket_api", "graphql")
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


def connect(draft: Draft) -> None:
    """Add what functions write to."""
    policies = list(draft.items_of(*_POLICIES))
    for item in draft.items_of("AWS::Lambda::Function"):
        function = draft.of_item(item)
        granted: set[str] = set()
        for statement in _statements(item, policies, draft):
            granted |= _grant(function, statement, draft)
        variables = at(item.properties, "Environment", "Variables")
        _variables(function, variables if isinstance(variables, dict) else {}, granted, draft)
    for item in draft.items_of("AWS::ECS::Service"):
        _variables(draft.of_item(item), _of_containers(item, draft), set(), draft)


def _of_containers(item: Item, draft: Draft) -> dict[str, Any]:
    """The environment variables of an ECS service's containers."""
    task = draft.item_named(item.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    containers = items(task.properties.get("ContainerDefinitions")) if task is not None else ()
    pairs = [pair for _, one in containers for _, pair in items(at(one, "Environment"))]
    return {text(at(pair, "Name")): at(pair, "Value") for pair in pairs}


def _statements(function: Item, policies: list[Item], draft: Draft) -> Iterator[Any]:
    role = draft.item_named(function.properties.get("Role"), "AWS::IAM::Role")
    if role is None:
        return
    for _, policy in items(role.properties.get("Policies")):
        yield from _of_document(at(policy, "PolicyDocument"))
    managed = role.properties.get("ManagedPolicyArns")
    for policy in policies:
        roles = [policy.properties.get("Roles"), policy.properties.get("RoleName")]
        if role.id in set(named(roles)) or policy.id in set(named(managed)):
            yield from _of_document(policy.properties.get("PolicyDocument"))


def _of_document(document: Any) -> Iterator[Any]:
    statements = at(document, "Statement")
    for one in statements if isinstance(statements, list) else [statements]:
        if at(one, "Effect") == "Allow":
            yield one


def _grant(function: str, statement: Any, draft: Draft) -> set[str]:
    """Add what one statement lets a function write to or read; return all that it names."""
    actions = texts(at(statement, "Action"))
    targets = draft.ids(at(statement, "Resource"))
    for target in targets:
        kind = draft.resources[target].kind
        if draft.has_edge(function, target, "dead_letters"):
            continue
        if _allows(actions, _WRITES.get(kind, ())):
            draft.edge(function, target, "writes")
        elif _allows(actions, _READS.get(kind, ())) and not draft.has_edge(target, function, "feeds"):
            draft.edge(function, target, "writes", "reads")
    return set(targets)


def _allows(actions: list[str], wanted: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(one.lower(), action.lower()) for action in actions for one in wanted)


def _variables(function: str, variables: dict[str, Any], granted: set[str], draft: Draft) -> None:
    for name, value in variables.items():
        for target in draft.ids(value, *_WRITES, *_ALSO) or _by_plain_name(str(name), text(value), draft):
            known = draft.has_edge(target, function, "feeds") or draft.has_edge(
                function, target, "dead_letters"
            )
            if target not in granted and not known:
                draft.edge(function, target, "writes", "by an environment variable")


def _by_plain_name(variable: str, value: str, draft: Draft) -> list[str]:
    """A variable such as TABLE_NAME whose value is the name of a table: the word in it makes it no chance."""
    words = ((kind, kind.rpartition("_")[2]) for kind in _WRITES)
    kinds = [kind for kind, word in words if value and word in variable.lower()]
    return [found for kind in kinds if (found := draft.by_name(kind, value))]
