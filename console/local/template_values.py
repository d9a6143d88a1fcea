"""CloudFormation's functions: what a template's node means, now or once resources are there. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
Not played: Fn::ImportValue, Fn::Transform, Fn::GetAZs, Fn::Cidr, Fn::ForEach and the rest of the
language extensions; a property that is read and uses one of them is a TemplateError.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.local.template_references import PLACEHOLDER, attribute_pair, function_of, sub_parts
from console.local.template_source import TemplateError

Attributes = Mapping[tuple[str, str], str]  # (logical ID, "Ref" or an attribute's name) -> value

# What a deployment can tell of a resource.
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "AWS::Serverless::Function": frozenset({"Ref", "Arn"}),
    "AWS::SQS::Queue": frozenset({"Ref", "Arn", "QueueName", "QueueUrl"}),
    "AWS::SNS::Topic": frozenset({"Ref", "TopicArn", "TopicName"}),
    "AWS::S3::Bucket": frozenset({"Ref", "Arn"}),
    "AWS::Events::EventBus": frozenset({"Ref", "Arn", "Name"}),
    "AWS::Kinesis::Stream": frozenset({"Ref", "Arn"}),
}


class _Absent:
    """AWS::NoValue."""


NO_VALUE = _Absent()


class PendingError(Exception):
    """The node refers to a resource whose attributes are not known yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the template a node stands; `property` is a dotted path."""

    file: Path
    logical_id: str | None = None
    property: str | None = None

    def error(self, text: str) -> TemplateError:
        """Return a TemplateError about this place."""
        return TemplateError(self.file, text, logical_id=self.logical_id, property=self.property)

    def inside(self, name: str) -> Place:
        """Return the place of a property in this one."""
        return Place(self.file, self.logical_id, f"{self.property}.{name}" if self.property else name)


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean in a template. resources: logical ID -> type; left_out: those whose Condition is false.

    parameters: with the pseudo parameters; a list for list types.
    """

    parameters: Mapping[str, str | list[str] | _Absent]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deferred:
    """A text that depends on what a deployment makes: a queue's URL, an ARN."""

    node: Any
    scope: Scope = field(repr=False)
    place: Place

    def resolve(self, attributes: Attributes) -> str:
        """Return the text. Raises TemplateError."""
        return text_of(evaluate(self.node, self.scope, self.place, attributes), self.place)


Value = str | Deferred


def resolve(value: Value, attributes: Attributes) -> str:
    """Return the text of a value, with the attributes of what was deployed. Raises TemplateError."""
    return value if isinstance(value, str) else value.resolve(attributes)


def evaluate(node: Any, scope: Scope, place: Place, attributes: Attributes | None = None) -> Any:
    """Return what the node means; NO_VALUE for a removed one. Raises TemplateError.

    Raises PendingError when it refers to a resource and no attributes are given.
    """
    return _Evaluator(scope, place, attributes).value(node)


def value_of(node: Any, scope: Scope, place: Place) -> Value | None:
    """Return the node as text, now or later; None for AWS::NoValue. Raises TemplateError."""
    try:
        found = evaluate(node, scope, place)
    except PendingError:
        return Deferred(node, scope, place)
    return None if found is NO_VALUE else text_of(found, place)


def text_of(value: object, place: Place) -> str:
    """Return a scalar as CloudFormation hands it on. Raises TemplateError for what is no scalar."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise place.error(f"a text is expected, not {kind_of(value)}")


def kind_of(value: object) -> str:
    """Return the word for what a value is, for people."""
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", int: "a number"}
    return names.get(type(value), "nothing" if value in (None, NO_VALUE) else "a number")


class _Evaluator:
    def __init__(self, scope: Scope, place: Place, attributes: Attributes | None) -> None:
        self._scope = scope
        self._place = place
        self._attributes = attributes

    def value(self, node: Any) -> Any:
        name = function_of(node)
        if name is not None:
            function = _FUNCTIONS.get(name)
            if function is None:
                raise self._place.error(f"{name} is not supported by the local Lambda")
            return function(self, node[name])
        if isinstance(node, dict):
            pairs = ((key, self.value(child)) for key, child in node.items())
            return {key: child for key, child in pairs if child is not NO_VALUE}
        if isinstance(node, list):
            return [child for child in map(self.value, node) if child is not NO_VALUE]
        return node

    def ref(self, argument: Any) -> Any:
        if not isinstance(argument, str):
            raise self._place.error(f"Ref takes a name, not {kind_of(argument)}")
        if argument in self._scope.parameters:
            return self._scope.parameters[argument]
        return self._attribute(argument, "Ref")

    def get_att(self, argument: Any) -> Any:
        pair = attribute_pair(argument)
        if pair is None:
            raise self._place.error("Fn::GetAtt takes a logical ID and an attribute's name")
        return self._attribute(*pair)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self._scope.resources.get(logical_id)
        if kind is None:
            raise self._place.error(self._unknown(logical_id))
        supported = ATTRIBUTES.get(kind)
        placeholder = logical_id if attribute == "Ref" else f"{logical_id}.{attribute}"
        if supported is None:
            return placeholder  # not deployed here; listed in Template.ignored
        if attribute not in supported:
            raise self._place.error(f"the attribute {attribute} of {logical_id} ({kind}) is not known here")
        if self._attributes is None:
            raise PendingError(logical_id)
        return self._attributes.get((logical_id, attribute), placeholder)

    def _unknown(self, name: str) -> str:
        if name in self._scope.left_out:
            return f"refers to {name!r}, which its Condition leaves out"
        return f"refers to {name!r}, which is neither a parameter nor a resource of the template"

    def sub(self, argument: Any) -> str:
        text, local = sub_parts(argument)
        if not text and argument != "":
            raise self._place.error("Fn::Sub takes a text, or a text and a mapping")
        return PLACEHOLDER.sub(lambda found: self._placeholder(found[1], found[2], local), text)

    def _placeholder(self, literal: str, raw: str, local: dict[str, Any]) -> str:
        if literal:
            return "${" + raw + "}"
        name = raw.strip()
        if name in local:
            found = self.value(local[name])
        else:
            head, dot, attribute = name.partition(".")
            found = self._attribute(head, attribute) if dot else self.ref(name)
        return text_of(found, self._place)

    def join(self, argument: Any) -> str:
        match argument:
            case [str() as between, parts] if isinstance(items := self.value(parts), list):
                return between.join(text_of(item, self._place) for item in items)
        raise self._place.error("Fn::Join takes a delimiter and a list")

    def split(self, argument: Any) -> list[str]:
        match argument:
            case [str() as between, node] if between:
                return text_of(self.value(node), self._place).split(between)
        raise self._place.error("Fn::Split takes a delimiter and a text")

    def select(self, argument: Any) -> Any:
        match argument:
            case [raw, node]:
                items, index = self.value(node), text_of(self.value(raw), self._place)
                if isinstance(items, list) and index.isdecimal() and int(index) < len(items):
                    return items[int(index)]
        raise self._place.error("Fn::Select takes the number of an item and a list that has it")

    def find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            raise self._place.error("Fn::FindInMap takes a map's name and two keys")
        found: Any = self._scope.mappings
        keys = [text_of(self.value(node), self._place) for node in argument[:3]]
        for key in keys:
            found = {str(name): child for name, child in found.items()}.get(key) if _is_map(found) else None
        if found is None and argument[3:] and _is_map(argument[3]) and "DefaultValue" in argument[3]:
            return self.value(argument[3]["DefaultValue"])
        if found is None:
            raise self._place.error(f"Mappings has no {'.'.join(keys)}")
        return found

    def choose(self, argument: Any) -> Any:
        match argument:
            case [str() as condition, then, otherwise]:
                if condition in self._scope.conditions:
                    return self.value(then if self._scope.conditions[condition] else otherwise)
                raise self._place.error(f"Fn::If names the condition {condition!r}, which is not there")
        raise self._place.error("Fn::If takes a condition's name and two values")

    def base64(self, argument: Any) -> str:
        return base64.b64encode(text_of(self.value(argument), self._place).encode()).decode()


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


_FUNCTIONS: Mapping[str, Callable[[_Evaluator, Any], Any]] = {
    "Ref": _Evaluator.ref,
    "Fn::GetAtt": _Evaluator.get_att,
    "Fn::Sub": _Evaluator.sub,
    "Fn::If": _Evaluator.choose,
    "Fn::Join": _Evaluator.join,
    "Fn::Split": _Evaluator.split,
    "Fn::Select": _Evaluator.select,
    "Fn::FindInMap": _Evaluator.find_in_map,
    "Fn::Base64": _Evaluator.base64,
}
