"""State machines: what the tasks of a definition call, and how long an execution may take.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.functions import group_of
from dashboards.model.pointers import HOLE, number
from dashboards.template.values import Item
from subscribers.config_tree import at, items

#: Kinds that a task starts; what it sends to another is written.
_STARTED = ("function", "state_machine", "ecs_service")
_DEPTH_MAX = 40


def connect(draft: Draft) -> None:
    """Add what the tasks of state machines call."""
    for item in draft.items_of(
        "AWS::StepFunctions::StateMachineAlias", "AWS::StepFunctions::StateMachineVersion"
    ):
        owner = item.properties.get("StateMachineRevisionArn") or at(item.properties, "RoutingConfiguration")
        draft.stands_for(item, draft.id(owner, "state_machine"))
    for item in draft.items_of("AWS::StepFunctions::StateMachine"):
        _machine(item, draft)


def _machine(item: Item, draft: Draft) -> None:
    machine = draft.of_item(item)
    groups = items(at(item.properties, "LoggingConfiguration", "Destinations"))
    named = (at(one, "CloudWatchLogsLogGroup", "LogGroupArn") for _, one in groups)
    draft.change(machine, log_groups=tuple(group_of(arn, draft) for arn in named if arn is not None))
    given = item.properties.get("Definition") or item.properties.get("DefinitionString")
    if given is None:
        where = "DefinitionS3Location" if "DefinitionS3Location" in item.properties else "its definition"
        draft.note(
            "warning", f"What {machine} calls is not known: {where} cannot be read.", item.place, machine
        )
        _add(machine, [item.properties.get("DefinitionSubstitutions")], "", draft)
        return
    definition = _parsed(given)
    if isinstance(definition, dict) and isinstance(definition.get("States"), dict):
        _read(machine, definition, item, draft)
    else:
        draft.note(
            "info",
            f"The definition of {machine} is not whole before it is deployed: only the resources that it"
            " names are known, not its states.",
            item.place,
            machine,
        )
        _add(machine, [given, item.properties.get("DefinitionSubstitutions")], "", draft)


def _parsed(given: Any) -> Any:
    """Return a definition as a tree. Intrinsics in its text become `${ID.attribute}` in the tree's texts."""
    if isinstance(given, dict) and "Fn::Sub" in given:
        sub = given["Fn::Sub"]
        given = sub[0] if isinstance(sub, list) and sub else sub
    elif isinstance(given, dict) and "Fn::Join" in given:
        given = _joined(given["Fn::Join"])
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return None


def _joined(join: Any) -> Any:
    between, parts = at(join, 0), at(join, 1)
    if not isinstance(between, str) or not isinstance(parts, list):
        return None
    return between.join(part if isinstance(part, str) else _hole(part) for part in parts)


def _hole(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("Ref"), str):
        return f"${{{part['Ref']}}}"
    found = at(part, "Fn::GetAtt")
    return f"${{{found[0]}.Arn}}" if isinstance(found, list) and found else "unknown"


def _read(machine: str, definition: dict[str, Any], item: Item, draft: Draft) -> None:
    if (limit := number(definition.get("TimeoutSeconds"))) is not None:
        draft.change(machine, limits={"timeout_limit_s": limit})
    own = item.properties.get("DefinitionSubstitutions")
    sub = at(item.properties, "DefinitionString", "Fn::Sub", 1)
    meanings = {**(own if isinstance(own, dict) else {}), **(sub if isinstance(sub, dict) else {})}
    for name, task in _tasks(definition, 0):
        called = [task.get(key) for key in ("Resource", "Parameters", "Arguments")]
        _add(machine, [_resolved(text, meanings) for text in _texts(called, 0)], name, draft)


def _tasks(tree: Any, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, state) of each Task, those in branches and iterators included."""
    states = at(tree, "States")
    if depth > _DEPTH_MAX or not isinstance(states, dict):
        return
    for name, state in states.items():
        if at(state, "Type") == "Task":
            yield str(name), state
        for key in ("Iterator", "ItemProcessor"):
            yield from _tasks(at(state, key), depth + 1)
        for _, branch in items(at(state, "Branches")):
            yield from _tasks(branch, depth + 1)


def _texts(value: Any, depth: int) -> Iterator[Any]:
    """Yield each text and intrinsic of a task, in order."""
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, dict) and not ({"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join"} & value.keys()):
        for one in value.values():
            yield from _texts(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, depth + 1)
    elif value is not None:
        yield value


def _resolved(value: Any, meanings: dict[str, Any]) -> Any:
    """Return a text with its placeholders as an intrinsic that names what they stand for."""
    if not isinstance(value, str) or not HOLE.search(value):
        return value
    whole = HOLE.fullmatch(value)
    if whole and whole[1] in meanings:
        return meanings[whole[1]]
    used = {hole: meanings[hole] for hole in HOLE.findall(value) if hole in meanings}
    return {"Fn::Sub": [value, used]} if used else {"Fn::Sub": value}


def _add(machine: str, values: list[Any], label: str, draft: Draft) -> None:
    for target in draft.ids(values):
        is_started = draft.resources[target].kind in _STARTED
        draft.edge(machine, target, "feeds" if is_started else "writes", label)
