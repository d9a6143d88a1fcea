"""Intrinsics -> what they stand for, as far as that is known; the rest in the long forms of values.py.

    resolve(node, scope)   a tree with everything resolved that the scope knows; twice is the same as once

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboards.template.functions import FUNCTIONS
from dashboards.template.scope import Scope
from dashboards.template.substitution import substitute

__all__ = ["NO_VALUE", "is_intrinsic", "resolve"]

#: What {"Ref": "AWS::NoValue"} stands for: nothing at all.
NO_VALUE: dict[str, Any] = {"Ref": "AWS::NoValue"}
_PSEUDO = "AWS::"
#: What CloudFormation knows and nothing here can: left as it is, without a word.
_LEFT = ("Fn::GetAZs", "Fn::Cidr", "Fn::ImportValue", "Fn::Base64", "Fn::GetStackOutput")
#: What belongs to Conditions and Rules; its arguments are resolved, the rest is theirs.
_CONDITIONAL = (
    "Fn::Equals",
    "Fn::And",
    "Fn::Or",
    "Fn::Not",
    "Fn::Contains",
    "Fn::EachMemberIn",
    "Fn::RefAll",
)


def kind_of(node: Any) -> str:
    """What a tree is, as people say it."""
    kinds = ((list, "list"), (dict, "mapping"), (type(None), "null"))
    return next((word for kind, word in kinds if isinstance(node, kind)), "single value")


def is_intrinsic(node: Any) -> bool:
    """Whether a tree is one call of an intrinsic function: a mapping of `Ref` or `Fn::...` alone."""
    if not isinstance(node, dict) or len(node) != 1:
        return False
    name = str(next(iter(node)))
    return name == "Ref" or name.startswith("Fn::")


def resolve(node: Any, scope: Scope) -> Any:
    """Return a tree with what is known put in; NoValue leaves no entry. node is not changed."""
    if isinstance(node, dict):
        return _intrinsic(node, scope) if is_intrinsic(node) else _mapping(node, scope)
    if isinstance(node, list):
        done = (resolve(value, scope) for value in node)
        return [value for value in done if value != NO_VALUE]
    return node


def _mapping(node: dict[str, Any], scope: Scope) -> dict[str, Any]:
    done = {}
    for key, value in node.items():
        resolved = resolve(value, scope)
        if resolved != NO_VALUE:
            done[key] = resolved
    return done


def _intrinsic(node: dict[str, Any], scope: Scope) -> Any:
    ((name, argument),) = node.items()
    special = _SPECIAL.get(name)
    if special is not None:
        return special(argument, scope)
    done = resolve(argument, scope)
    known = FUNCTIONS.get(name)
    if known is not None:
        return known(done, scope)
    if name not in _LEFT and name not in _CONDITIONAL:
        scope.tell("warning", f"{name} is a function that is not known here; it is left as it is.")
    return {name: done}


def _ref(argument: Any, scope: Scope) -> Any:
    name = resolve(argument, scope)
    if not isinstance(name, str):
        scope.tell("warning", f"Ref must name one parameter or resource; this is a {kind_of(name)}.")
        return {"Ref": name}
    if name in scope.values:
        return scope.values[name]
    if name in scope.pseudo:
        return scope.pseudo[name]
    if name not in scope.ids and not name.startswith(_PSEUDO) and "/" not in name:
        scope.tell("warning", f"Ref names {name!r}, which the template does not have.")
    return {"Ref": scope.ids.get(name, name)}


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else resolve(argument, scope)
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], str) or len(parts) < 2:
        scope.tell("warning", "Fn::GetAtt must be a resource and one of its attributes; it is left as it is.")
        return {"Fn::GetAtt": parts}
    if not all(isinstance(part, str) for part in parts):
        return {"Fn::GetAtt": parts}
    owner, attribute = parts[0], ".".join(parts[1:])
    outputs = scope.nested.get(owner)
    if outputs is not None and attribute.removeprefix("Outputs.") in outputs:
        return outputs[attribute.removeprefix("Outputs.")]
    if owner not in scope.ids and "/" not in owner:
        scope.tell("warning", f"Fn::GetAtt names {owner!r}, which the template does not have.")
    return {"Fn::GetAtt": [scope.ids.get(owner, owner), attribute]}


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        scope.tell("warning", "Fn::If must be a condition and two values; it is left as it is.")
        return {"Fn::If": resolve(argument, scope)}
    name, first, second = argument
    is_true = scope.conditions.get(name)
    if name not in scope.conditions:
        scope.tell("warning", f"Fn::If names the condition {name!r}, which the template does not have.")
    if is_true is not None:
        return resolve(first if is_true else second, scope)
    taken = resolve(first, scope)
    which = "where it is true"
    if taken == NO_VALUE:
        taken, which = resolve(second, scope), "where it is false"
    scope.tell(
        "info", f"The condition {name} is known only when it is deployed; what is used here holds {which}."
    )
    return taken


def _sub(argument: Any, scope: Scope) -> Any:
    text, given = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        text, given = argument[0], resolve(argument[1], scope)
    text = text if isinstance(text, str) else resolve(text, scope)
    if not isinstance(text, str) or not isinstance(given, dict):
        scope.tell("warning", "Fn::Sub must be a text, alone or with a mapping; it is left as it is.")
        return {"Fn::Sub": resolve(argument, scope)}

    def meaning(name: str) -> Any:
        if name in given:
            return given[name]
        if "." in name:
            return _get_att(name, scope)
        return _ref(name, scope)

    return substitute(text, meaning, scope)


_SPECIAL: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Sub": _sub,
}
