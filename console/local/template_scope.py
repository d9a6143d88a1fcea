"""What is settled before resources are read: parameters, conditions, which resources there are. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from console.local.template_references import function_of, references
from console.local.template_section import Section
from console.local.template_source import TemplateError
from console.local.template_values import NO_VALUE, Place, Scope, evaluate, kind_of, text_of


def pseudo_parameters(stack_name: str, region: str, account: str) -> dict[str, Any]:
    """Return AWS::Region and its kind."""
    arn = f"arn:aws:cloudformation:{region}:{account}:stack/{stack_name}/local"
    return {
        "AWS::Region": region,
        "AWS::AccountId": account,
        "AWS::StackName": stack_name,
        "AWS::StackId": arn,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NotificationARNs": [],
        "AWS::NoValue": NO_VALUE,
    }


def parameters_of(declared: Section, given: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Return every parameter's value. Raises TemplateError: none given, not allowed, not declared."""
    if unknown := sorted(set(given) - set(declared)):
        raise declared.place.error(f"the template does not declare the parameter {', '.join(unknown)}")
    return {name: _parameter(name, declared.section(name), given) for name in declared}


def _parameter(name: str, declared: Section, given: Mapping[str, str]) -> str | list[str]:
    kind = declared.text("Type") or "String"
    stored = kind.startswith("AWS::SSM::Parameter::Value")
    text = given[name] if name in given else None if stored else declared.text("Default")
    if text is None:
        why = "its value is in Parameter Store; give it" if stored else "has no default; give it a value"
        raise declared.place.error(why)
    items = [item.strip() for item in text.split(",")] if "List" in kind else [text]
    allowed = declared.texts("AllowedValues")
    for item in items:
        if allowed and item not in allowed:
            raise declared.place.error(f"{item!r} is none of its AllowedValues: {', '.join(allowed)}")
        if "Number" in kind and not _is_number(item):
            raise declared.place.error(f"a number is expected, not {item!r}")
    return items if "List" in kind else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def conditions_of(declared: Section) -> dict[str, bool]:
    """Return what each condition comes to. Raises TemplateError, also when they go round in a circle."""
    conditions = _Conditions(declared)
    return {name: conditions.named(name, ()) for name in declared}


#: Conditions that name conditions that name ...: beyond any that a team writes.
_DEPTH_MAX = 50


class _Conditions:
    def __init__(self, declared: Section) -> None:
        self._declared = declared
        self._known: dict[str, bool] = {}

    def named(self, name: str, above: tuple[str, ...]) -> bool:
        if name not in self._known:
            self._known[name] = self._named(name, above)
        return self._known[name]

    def _named(self, name: str, above: tuple[str, ...]) -> bool:
        place = self._declared.place.inside(name)
        if len(above) > _DEPTH_MAX:
            raise place.error(f"is more than {_DEPTH_MAX} conditions deep")
        if name in above:
            raise place.error(f"goes round in a circle: {' -> '.join((*above, name))}")
        if name not in self._declared:
            raise self._declared.place.error(f"there is no condition {name!r}")
        return self._holds(self._declared.raw(name), place, (*above, name))

    def _holds(self, node: Any, place: Place, above: tuple[str, ...]) -> bool:
        match node:
            case {"Condition": str() as name}:
                return self.named(name, above)
            case {"Fn::Equals": [first, second]}:
                return self._text(first, place) == self._text(second, place)
            case {"Fn::Not": [child]}:
                return not self._holds(child, place, above)
            case {"Fn::And": list() as children}:
                return all(self._holds(child, place, above) for child in children)
            case {"Fn::Or": list() as children}:
                return any(self._holds(child, place, above) for child in children)
        raise place.error("a condition is Fn::Equals, Fn::Not, Fn::And, Fn::Or or the name of one")

    def _text(self, node: Any, place: Place) -> str:
        found = evaluate(node, self._declared.scope, place)
        return ",".join(map(str, found)) if isinstance(found, list) else text_of(found, place)


def pruned(node: Any, scope: Scope, place: Place) -> Any:
    """Return the node with each Fn::If replaced by its branch, and AWS::NoValue removed."""
    if node == {"Ref": "AWS::NoValue"}:
        return NO_VALUE
    if function_of(node) == "Fn::If":
        match node["Fn::If"]:
            case [str() as name, then, otherwise] if name in scope.conditions:
                return pruned(then if scope.conditions[name] else otherwise, scope, place)
        raise place.error("Fn::If takes the name of one of the Conditions and two values")
    if isinstance(node, dict):
        pairs = ((name, pruned(child, scope, place)) for name, child in node.items())
        return {name: child for name, child in pairs if child is not NO_VALUE}
    if isinstance(node, list):
        items = (pruned(child, scope, place) for child in node)
        return [child for child in items if child is not NO_VALUE]
    return node


def merged(globally: Any, own: Any) -> Any:
    """Return what SAM makes of a value in Globals and one of the resource's own.

    Mappings are merged, lists concatenated, anything else is the resource's.
    """
    if (
        isinstance(globally, dict)
        and isinstance(own, dict)
        and not (function_of(globally) or function_of(own))
    ):
        names = [*globally, *(name for name in own if name not in globally)]
        return {
            name: merged(globally[name], own[name])
            if name in globally and name in own
            else own[name]
            if name in own
            else globally[name]
            for name in names
        }
    if isinstance(globally, list) and isinstance(own, list):
        return [*globally, *own]
    return own


def check_references(file: Path, resources: Mapping[str, Any], scope: Scope) -> None:
    """Raise TemplateError for a name nobody knows, and for resources that need each other."""
    graph = {name: _needs(file, name, node, scope) for name, node in resources.items()}
    for name, node in resources.items():
        for bucket in _notifying(node, resources):
            graph[bucket].add(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise TemplateError(file, f"resources refer to each other in a circle: {circle}") from None


def _needs(file: Path, name: str, node: Mapping[str, Any], scope: Scope) -> set[str]:
    properties = node.get("Properties")
    wanted = properties if isinstance(properties, dict) else {}
    found: set[str] = set()
    for key, child in wanted.items():
        place = Place(file, name, str(key))
        known = set(_known(references(child), scope, place))
        # what calls a function is deployed after it, as a resource of its own
        if not (key == "Events" and node.get("Type") == "AWS::Serverless::Function"):
            found |= known
    return found


def _known(found: Iterable[tuple[str, str]], scope: Scope, place: Place) -> Iterable[str]:
    for name, attribute in found:
        if name in scope.resources:
            yield name
        elif attribute != "Ref" or name not in scope.parameters:
            evaluate({"Fn::GetAtt": [name, attribute]}, scope, place)  # says what is wrong


def _notifying(node: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterable[str]:
    """The buckets that send events to a function: their configuration names it, so they need it."""
    match node:
        case {"Type": "AWS::Serverless::Function", "Properties": {"Events": dict() as events}}:
            for event in events.values():
                match event:
                    case {"Type": "S3", "Properties": {"Bucket": bucket}}:
                        yield from (name for name, _ in references(bucket) if name in resources)


def kind_checked(resource: Section) -> str:
    """Return a resource's Type. Raises TemplateError."""
    kind = resource.raw("Type")
    if not isinstance(kind, str):
        raise resource.error("Type", f"a text is expected, not {kind_of(kind)}")
    return kind
