"""What names mean inside of one template: parameters, pseudo parameters, mappings, conditions, IDs.

IDs of resources are qualified here: a nested stack's `Queue` is `Data/Queue` everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dashboards.resources import Note, Place
from dashboards.template.values import Deployment

#: Characters and entries that intrinsics of one template may make; a text of a text of a text has no end.
MOST_MADE = 20_000_000
_LISTS = ("CommaDelimitedList", "List<")
_SUFFIXES = {"cn-": "amazonaws.com.cn"}
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}


class Scope(msgspec.Struct, kw_only=True):
    """Of one template. values: known parameters; ids: logical ID or parameter -> its ID everywhere;
    conditions: None for one that is not known; nested: logical ID of a stack -> its outputs."""

    values: dict[str, Any] = {}
    ids: dict[str, str] = {}
    pseudo: dict[str, Any] = {}
    mappings: dict[str, Any] = {}
    conditions: dict[str, bool | None] = {}
    nested: dict[str, dict[str, Any]] = {}
    #: Notes that were told already, in order; None where nobody listens.
    notes: dict[tuple[str, str], Note] | None = None
    #: Where the tree that is resolved right now is written.
    place: Place = Place()
    subject: str = ""
    made: int = 0

    def tell(self, level: str, text: str) -> None:
        """Keep a note of the tree that is resolved right now, once."""
        if self.notes is not None:
            note = Note(level=level, text=text, place=self.place, subject=self.subject)  # type: ignore[arg-type]
            self.notes.setdefault((text, str(self.place)), note)

    def may_make(self, size: int) -> bool:
        """Whether intrinsics may make that much more, in characters or entries; it is counted."""
        if self.made + size > MOST_MADE:
            self.tell(
                "warning", "What the intrinsics of this template make is too long; the rest stays unread."
            )
            return False
        self.made += size
        return True


def pseudo_parameters(deployment: Deployment, stack: str = "") -> dict[str, Any]:
    """Return what is known of AWS::Region and the like. stack: name of the stack, where it is known."""
    known: dict[str, Any] = {}
    if deployment.region:
        known["AWS::Region"] = deployment.region
        known["AWS::URLSuffix"] = _by_region(deployment.region, _SUFFIXES, "amazonaws.com")
        known["AWS::Partition"] = _by_region(deployment.region, _PARTITIONS, "aws")
    if deployment.account:
        known["AWS::AccountId"] = deployment.account
    if stack:
        known["AWS::StackName"] = stack
    return known


def _by_region(region: str, values: Mapping[str, str], default: str) -> str:
    return next((value for start, value in values.items() if region.startswith(start)), default)


def parameter_values(declared: Any, given: Mapping[str, Any], *, is_open: bool = False) -> dict[str, Any]:
    """Return the known values of parameters by name, lists as lists.

    declared: the template's Parameters; given: what the deployment or the parent stack says. What is NoEcho
    (unless is_open: for conditions, which show nothing of it) or read from SSM is not known.
    """
    values: dict[str, Any] = {}
    for name, one in declared.items() if isinstance(declared, dict) else ():
        is_hidden = is_secret(one) and not is_open
        if not isinstance(one, dict) or is_hidden or str(one.get("Type")).startswith("AWS::SSM::"):
            continue
        value = given[name] if name in given else _single(one.get("Default"))
        if value is not None:
            values[name] = _typed(value, str(one.get("Type", "String")))
    return values


def _single(value: Any) -> Any:
    """Return a default, None where it is none: CloudFormation takes texts and numbers."""
    return value if isinstance(value, str | int | float) else None


def is_secret(parameter: Any) -> bool:
    """Whether a parameter's value must not be shown."""
    return isinstance(parameter, dict) and str(parameter.get("NoEcho", "")).lower() == "true"


def _typed(value: Any, kind: str) -> Any:
    if not kind.startswith(_LISTS) or not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",")] if value else []
