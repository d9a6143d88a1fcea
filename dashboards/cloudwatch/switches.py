"""What exists only under a condition: which alarms share it, and what stands where it is missing.

In a fragment the condition is the template's own. A stack of its own does not know it: there the name of such
a resource is a parameter that may be empty, and `Has<parameter>` is the condition.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dashboards.cloudwatch.dimensions import item_of
from dashboards.cloudwatch.references import Names, Switches, references_of, text_of
from dashboards.resources import Resource, System

_TERM = re.compile(r'ALARM\("((?:[^"\ue000]|\ue000[^\ue001]*\ue001)*)"\)')
NO_VALUE = {"Ref": "AWS::NoValue"}


def switches_of(system: System) -> Switches:
    """Return the items of a system that exist only under a condition, with its name.

    A log group is no resource of the system: it is as its functions are, where all of them say the same.
    """
    found = {item_of(one): one.declared for one in system.resources.values() if _is_switched(one)}
    groups: dict[str, set[str]] = {}
    for one in system.resources.values():
        for group in one.log_groups:
            for reference in references_of(text_of(group)):
                own = one.declared if _is_switched(one) else ""
                groups.setdefault(reference.item, set()).add(own)
    for item, conditions in groups.items():
        if item not in found and len(conditions) == 1 and (only := next(iter(conditions))):
            found[item] = only
    return found


def _is_switched(resource: Resource) -> bool:
    # A condition inside of a nested stack is none of the template that includes it.
    return bool(resource.declared) and not resource.stack


def needed(properties: Mapping[str, Any], subject: str, names: Names, system: System) -> str:
    """Return the condition under which a resource exists: that of all it watches, "" for always."""
    watched = [
        value
        for key, value in properties.items()
        if key in ("Dimensions", "Metrics", "LogGroupName", "LogGroupNames")
    ]
    found = {
        condition for one in references_of(watched) if not one.is_pseudo for condition in [names.switch(one)]
    }
    own = system.resources.get(subject)
    if names.is_fragment and own is not None and _is_switched(own):
        found.add(own.declared)
    return found.pop() if len(found) == 1 else ""


def rule_of(rule: str, own: str, conditions: Mapping[str, str], names: Names, ids: Mapping[str, str]) -> Any:
    """Return the rule of a composite: what exists only under a condition other than its own is put in by it.

    own: the composite's condition; conditions: names of alarms -> theirs.
    """
    children = _TERM.findall(rule)
    between = " AND " if " AND " in rule else " OR "
    free = [child for child in children if conditions.get(child, "") in ("", own)]
    if len(free) == len(children):
        return names.value(rule)
    head = between.join(f'ALARM("{child}")' for child in free) or ("TRUE" if between == " AND " else "FALSE")
    tail = [
        {"Fn::If": [conditions[child], _term(between, child, names, ids), ""]}
        for child in children
        if child not in free
    ]
    return {"Fn::Join": ["", [names.value(head), *tail]]}


def _term(between: str, child: str, names: Names, ids: Mapping[str, str]) -> Any:
    """Ref of an alarm is its name, and waits for it: DependsOn takes nothing that may be missing."""
    name = {"Ref": ids[child]} if child in ids else names.value(child)
    return {"Fn::Join": ["", [f'{between}ALARM("', name, '")']]}


def children_of(rule: str) -> list[str]:
    """Return the names of the alarms of a rule."""
    return list(_TERM.findall(rule))


def common(children: Iterable[str], conditions: Mapping[str, str]) -> str:
    """Return the condition that all of some alarms share, "" where they do not."""
    found = {conditions.get(child, "") for child in children}
    return found.pop() if len(found) == 1 else ""
