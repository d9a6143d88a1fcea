"""Event buses and the rules that call functions, as a template has them. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventbridgerule.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.local.event_pattern import PatternError, checked
from console.local.template_callers import Callers, check_played, target_of
from console.local.template_parts import BusPart, EventTrigger
from console.local.template_section import Section
from console.local.template_values import Value

if TYPE_CHECKING:
    from console.local.template_resources import Parts

BUS = "AWS::Events::EventBus"
DEFAULT_BUS = "default"
_FUNCTION = "AWS::Serverless::Function"
_EVENT = ("EventBusName", "Input", "Pattern", "RuleName", "State", "Enabled", "Target")
_RULE = ("Description", "EventBusName", "EventPattern", "Name", "RoleArn", "State", "Tags", "Targets")
_TARGET = ("Arn", "Id", "Input")


def event_rule(event: Section, function: str, label: str, callers: Callers) -> None:
    """Add an event of type EventBridgeRule or CloudWatchEvent to what calls `function`."""
    del function
    check_played(event, _EVENT)
    if not _is_on(event):
        callers.ignore(label, "EventBridgeRule", "it is disabled")
        return
    callers.triggers.append(_trigger(event, "Pattern", label, _input(event)))


def rule(logical_id: str, section: Section, parts: Parts) -> None:
    """Add an AWS::Events::Rule: a trigger of each function that it has as target."""
    if "ScheduleExpression" in section:
        parts.ignore(logical_id, "AWS::Events::Rule", "schedules are not played")
        return
    check_played(section, _RULE)
    if not _is_on(section):
        parts.ignore(logical_id, "AWS::Events::Rule", "it is disabled")
        return
    for place, target in enumerate(_targets(section)):
        check_played(target, _TARGET)
        function = target_of(target, "Arn", _FUNCTION)
        if function is None:
            raise target.error("Arn", "a function of this template is expected; no other target is played")
        own = f"{logical_id}.{place}"  # two functions of one rule are two rules here
        parts.rules.append((function, _trigger(section, "EventPattern", own, _input(target))))


def bus(logical_id: str, section: Section, parts: Parts) -> None:
    """Add an AWS::Events::EventBus."""
    if "EventSourceName" in section:
        raise section.error("EventSourceName", "events of partners are not played by the local Lambda")
    name = section.required("Name")
    if name == DEFAULT_BUS or "/" in name:
        raise section.error("Name", f"{name!r} is no name for a bus: default and slashes are EventBridge's")
    parts.buses[logical_id] = BusPart(logical_id, name)


def _targets(section: Section) -> list[Section]:
    found = section.raw("Targets") or []
    if not isinstance(found, list):
        raise section.error("Targets", "a list is expected")
    place = section.place.inside("Targets")
    return [Section(target, section.scope, place) for target in found]


def _trigger(section: Section, pattern: str, name: str, given: Mapping[str, Any] | None) -> EventTrigger:
    return EventTrigger(_bus_name(section), name, _pattern(section, pattern), given)


def _bus_name(section: Section) -> Value:
    """The bus's name or ARN. Raises TemplateError when it refers to something else than a bus."""
    target_of(section, "EventBusName", BUS)
    return section.value("EventBusName") or DEFAULT_BUS


def _pattern(section: Section, name: str) -> str:
    if name not in section:
        raise section.error(name, "is missing")
    try:
        return json.dumps(checked(section.data(name)))
    except PatternError as error:
        raise section.error(name, str(error)) from None


def _input(section: Section) -> Mapping[str, Any] | None:
    """The constant that a function gets instead of the event, None for the event itself."""
    text = section.text("Input")
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        raise section.error("Input", "is not JSON") from None
    if not isinstance(found, dict):
        raise section.error("Input", "a JSON object is expected; the local Lambda plays no other")
    return found


def _is_on(section: Section) -> bool:
    state = section.text("State") or "ENABLED"
    if state not in ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"):
        raise section.error("State", f"{state!r} is neither ENABLED nor DISABLED")
    return state != "DISABLED"
