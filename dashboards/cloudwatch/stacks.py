"""Resources as templates: stacks of their own, or a fragment that the team's template includes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import yaml

from dashboards.cloudwatch.content import ALARM, COMPOSITE, Part
from dashboards.cloudwatch.references import Names, Parameter, Switches, references, references_of, token
from dashboards.cloudwatch.switches import (
    NO_VALUE,
    children_of,
    common,
    needed,
    rule_of,
    switches_of,
)
from dashboards.resources import System
from subscribers.alerts.model import SEVERITIES, Severity

RESOURCES_MAX, PARAMETERS_MAX = 500, 200
#: 1 MB from S3, less what parameters and comments need; 51,200 bytes as an argument of a command.
BYTES_MAX, DIRECT_BYTES_MAX = 900_000, 51_200
#: Of a template with all that it includes.
INCLUDED_BYTES_MAX = 1_000_000
Actions = dict[str, list[str]]
#: What a parameter for actions says where nobody shall be told: a list of nothing has one empty text.
NOBODY = "none"


class Written(msgspec.Struct, frozen=True):
    """One resource as text. asked: parameters that it needs."""

    part: Part
    text: str
    asked: dict[str, Parameter]
    #: Its condition, "" for always.
    condition: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """For what resources are written. actions: of severities; topic: what a fragment's alarms tell instead,
    as a value of CloudFormation; here: logical IDs of the same template; conditions: of alarms, by name."""

    system: System
    is_fragment: bool
    actions: Actions
    topic: Any = None
    switches: Switches = {}
    here: frozenset[str] = frozenset()
    conditions: dict[str, str] = {}
    #: Alarms of the same template by name -> logical ID.
    ids: dict[str, str] = {}
    #: Of a stack of its own: conditions -> the parameters they look at.
    parameters: dict[str, Parameter] = {}

    def names(self, under: str = "") -> Names:
        """Return what turns texts into values, of a resource under a condition."""
        return Names(is_fragment=self.is_fragment, switches=self.switches, under=under)


def setting_of(
    parts: Sequence[Part], system: System, actions: Actions, *, is_fragment: bool, topic: Any = None
) -> Setting:
    """Return how resources are written: which alarms exist only under a condition is found first."""
    bare = Setting(
        system=system,
        is_fragment=is_fragment,
        actions=actions,
        topic=topic,
        switches=switches_of(system),
        here=frozenset(part.id for part in parts),
    )
    conditions: dict[str, str] = {}
    for part in parts:
        if part.type == ALARM:
            found = needed(part.properties, part.subject, bare.names(), system)
            conditions[part.properties["AlarmName"]] = found
        elif part.type == COMPOSITE:
            found = common(children_of(part.properties["AlarmRule"]), conditions)
            conditions[part.properties["AlarmName"]] = found
    return msgspec.structs.replace(
        bare, conditions=conditions, ids=_ids(parts), parameters=_parameters(parts, bare)
    )


def _ids(parts: Sequence[Part]) -> dict[str, str]:
    return {part.properties["AlarmName"]: part.id for part in parts if "AlarmName" in part.properties}


def _parameters(parts: Sequence[Part], setting: Setting) -> dict[str, Parameter]:
    """Conditions of a stack of its own -> the parameters they look at."""
    if setting.is_fragment:
        return {}
    names = setting.names()
    for part in parts:
        for reference in references_of(part.properties):
            if names.switch(reference):
                names.value(token(reference))
    return {f"Has{name}": one for name, one in names.asked.items() if one.is_optional}


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Texts of several lines as blocks; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def _text(dumper: Any, data: str) -> Any:
    is_block = "\n" in data and not any(line != line.rstrip() for line in data.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if is_block else None)


_Dumper.add_representer(str, _text)


def dumped(tree: Any) -> str:
    """Return YAML: order as it is, Unicode as it is."""
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))


def written(part: Part, setting: Setting) -> Written:
    """Return a resource as text."""
    condition = _condition(part, setting)
    names = setting.names(condition)
    properties = dict(part.properties)
    rule, suppressor = properties.pop("AlarmRule", ""), properties.get("ActionsSuppressor", "")
    properties = _valued(properties, names)
    if rule:
        properties["AlarmRule"] = rule_of(rule, condition, setting.conditions, names, setting.ids)
    if suppressor and (other := setting.conditions.get(suppressor, "")) not in ("", condition):
        for key in (one for one in properties if one.startswith("ActionsSuppressor")):
            properties[key] = {"Fn::If": [other, properties[key], NO_VALUE]}
        if suppressor in setting.ids:
            properties["ActionsSuppressor"]["Fn::If"][1] = {"Ref": setting.ids[suppressor]}
    if "LogGroupNames" in properties:
        properties["LogGroupNames"] = _groups(part.properties["LogGroupNames"], condition, names)
    if part.body is not None:
        properties["DashboardBody"] = names.json_value(part.body)
    if part.severity:
        properties |= _actions(part.severity, setting)
    tree: dict[str, Any] = {"Type": part.type}
    if condition:
        tree["Condition"] = condition
    if after := [one for one in part.after if one in setting.here and one not in _loose(condition, setting)]:
        tree["DependsOn"] = after
    tree["Properties"] = properties
    # An alarm that a composite names may be in another template: its condition is needed here, too.
    others = [setting.conditions.get(one, "") for one in (*children_of(rule), suppressor)]
    needs = [setting.parameters[one] for one in (condition, *others) if one in setting.parameters]
    asked = names.asked | {one.name: one for one in needs}
    return Written(part, dumped({part.id: tree}), asked, condition)


def _loose(condition: str, setting: Setting) -> set[str]:
    """Logical IDs of alarms that may be missing where a resource of a condition is there."""
    return {id for name, id in setting.ids.items() if setting.conditions[name] not in ("", condition)}


def _condition(part: Part, setting: Setting) -> str:
    if part.type in (ALARM, COMPOSITE):
        return setting.conditions[part.properties["AlarmName"]]
    if part.body is not None:
        return ""
    return needed(part.properties, part.subject, setting.names(), setting.system)


def _groups(groups: Sequence[str], condition: str, names: Names) -> list[Any]:
    """Log groups of a saved query: one that does not exist is none of them."""
    values: list[Any] = []
    for group in groups:
        other = next((one for one in map(names.switch, references(group)) if one not in ("", condition)), "")
        value = (names.where(other) if other else names).value(group)
        values.append({"Fn::If": [other, value, NO_VALUE]} if other else value)
    return values


def _valued(tree: Any, names: Names) -> Any:
    match tree:
        case str():
            return names.value(tree)
        case dict():
            return {key: _valued(value, names) for key, value in tree.items()}
        case list():
            return [_valued(value, names) for value in tree]
        case _:
            return tree


def _actions(severity: Severity, setting: Setting) -> dict[str, Any]:
    if setting.is_fragment and setting.topic is not None:
        return {"AlarmActions": setting.topic}
    if setting.is_fragment:
        return {"AlarmActions": setting.actions[severity]} if setting.actions.get(severity) else {}
    name = f"{severity.capitalize()}Actions"
    return {"AlarmActions": {"Fn::If": [f"Has{name}", {"Ref": name}, NO_VALUE]}}


def packed(parts: Sequence[Part], system: System, actions: Actions) -> list[list[Written]]:
    """Distribute resources over templates, in order, within the limits of each."""
    setting = setting_of(parts, system, actions, is_fragment=False)
    stacks: list[list[Written]] = [[]]
    size, asked = 0, set[str]()
    for part in parts:
        one = written(part, setting)
        length = len(one.text.encode()) + 2 * one.text.count("\n")
        more = asked | set(one.asked)
        is_full = (
            len(stacks[-1]) >= RESOURCES_MAX
            or size + length > BYTES_MAX
            or len(more) > PARAMETERS_MAX - len(SEVERITIES)
        )
        if stacks[-1] and is_full:
            stacks.append([])
            size, more = 0, set(one.asked)
        stacks[-1].append(one)
        size, asked = size + length, more
    return [_settled(stack, setting) for stack in stacks]


def _settled(stack: list[Written], setting: Setting) -> list[Written]:
    """What stands in another template cannot be waited for: that one is deployed before."""
    here = msgspec.structs.replace(
        setting, here=frozenset(one.part.id for one in stack), ids=_ids([one.part for one in stack])
    )
    return [written(one.part, here) if one.part.type == COMPOSITE else one for one in stack]


def template(stack: Sequence[Written], system: System, number: int, count: int, actions: Actions) -> str:
    """Return one template as text."""
    which = f", part {number} of {count}" if count > 1 else ""
    head: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Dashboards and alarms of {system.title}{which}, generated by observe dashboards."[
            :1000
        ],
    }
    severities = [one for one in reversed(SEVERITIES) if any(part.part.severity == one for part in stack)]
    asked = {name: one for part in stack for name, one in part.asked.items()}
    parameters = {
        **{f"{one.capitalize()}Actions": _action_parameter(one, actions) for one in severities},
        **{name: _name_parameter(one) for name, one in sorted(asked.items())},
    }
    if parameters:
        head["Parameters"] = parameters
    conditions = {
        **{f"Has{one.capitalize()}Actions": _is_somebody(f"{one.capitalize()}Actions") for one in severities},
        **{
            f"Has{name}": {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
            for name, one in sorted(asked.items())
            if one.is_optional
        },
    }
    if conditions:
        head["Conditions"] = conditions
    return _comment(_about_stack(sorted(asked), number, count)) + dumped(head) + _resources(stack)


def _is_somebody(name: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": name}]}, NOBODY]}]}


def _name_parameter(one: Parameter) -> dict[str, Any]:
    default = {"Default": ""} if one.is_optional else {}
    return {"Type": "String", **default, "Description": one.description}


def _action_parameter(severity: Severity, actions: Actions) -> dict[str, Any]:
    return {
        "Type": "CommaDelimitedList",
        "Default": ",".join(actions.get(severity, [])) or NOBODY,
        "Description": f"ARNs of at most 5 actions of alarms of severity {severity}; none: tell nobody.",
    }


def _about_stack(asked: Sequence[str], number: int, count: int) -> list[str]:
    name = "template.yaml" if number == 1 else f"template-{number}.yaml"
    lines = [
        "Generated by observe dashboards. Deploy:",
        f"  aws cloudformation deploy --template-file {name} --stack-name NAME [--s3-bucket BUCKET]",
        "The log groups of metric filters must exist: that of a function does after its first invocation.",
    ]
    if count > 1:
        lines.append(f"Part {number} of {count}: deploy the parts in order, each as a stack of its own.")
    if asked:
        lines.append(
            "Names that only the deployed stack knows are parameters (--parameter-overrides NAME=VALUE):"
        )
        lines += [f"  {one}" for one in asked]
    return lines


def fragment_text(
    parts: Sequence[Part], system: System, actions: Actions, topic: Any = None
) -> tuple[str, list[str]]:
    """Return the fragment, and the names of parameters that the including template must declare."""
    setting = setting_of(parts, system, actions, is_fragment=True, topic=topic)
    stack = [written(part, setting) for part in parts]
    asked = sorted({name for one in stack for name in one.asked})
    lines = [
        "Generated by observe dashboards: resources for the team's own template, which knows their names.",
        "Include it at the top level of the template (the file must be in S3;",
        "aws cloudformation package puts it there):",
        "  Transform:",
        "    Name: AWS::Include",
        "    Parameters: {Location: fragment.yaml}",
        "or merge its Resources into the template's own.",
    ]
    if asked:
        lines.append(
            "What is in nested stacks has parameters here, which the template must declare (String):"
        )
        lines += [f"  {one}" for one in asked]
    return _comment(lines) + _resources(stack), asked


def _comment(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _resources(stack: Sequence[Written]) -> str:
    if not stack:
        return "Resources: {}\n"
    lines = (f"  {line}" if line else line for one in stack for line in one.text.splitlines())
    return "Resources:\n" + "\n".join(lines) + "\n"
