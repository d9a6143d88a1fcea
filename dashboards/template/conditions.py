"""A template's Conditions -> true, false, or None where only a deployed stack knows.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboards.resources import Place
from dashboards.template.intrinsics import resolve
from dashboards.template.scope import Scope
from dashboards.template.substitution import shown

#: Conditions of conditions of conditions; CloudFormation's users nest three.
_MOST_DEEP = 8


def evaluate(
    conditions: Any, scope: Scope, place: Callable[..., Place] = lambda *_: Place()
) -> dict[str, bool | None]:
    """Return each condition's value by name. scope: the parameters and mappings that they look at; place:
    path in the template -> where that is written."""
    declared = conditions if isinstance(conditions, dict) else {}
    judge = _Judge(declared, scope, place)
    return {name: judge.named(name) for name in declared}


class _Judge:
    def __init__(self, declared: dict[str, Any], scope: Scope, place: Callable[..., Place]) -> None:
        self._declared = declared
        self._place = place
        self._scope = scope
        self._known: dict[str, bool | None] = {}
        self._deep = 0

    def named(self, name: str) -> bool | None:
        if name not in self._known:
            # A circle comes back here, and finds nothing known; so does a chain that is too long to follow.
            self._known[name] = None
            if self._deep < _MOST_DEEP:
                self._deep += 1
                self._scope.place = self._place("Conditions", name)
                self._known[name] = self._value(self._declared.get(name))
                self._deep -= 1
        return self._known[name]

    def _value(self, node: Any) -> bool | None:
        if not isinstance(node, dict) or len(node) != 1:
            return None
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.named(argument) if isinstance(argument, str) else None
        if not isinstance(argument, list):
            return None
        if name == "Fn::Equals" and len(argument) == 2:
            return self._equal(*(resolve(one, self._scope) for one in argument))
        if name == "Fn::Not" and len(argument) == 1:
            value = self._value(argument[0])
            return None if value is None else not value
        if name in ("Fn::And", "Fn::Or") and argument:
            return _combined([self._value(one) for one in argument], decides=name == "Fn::Or")
        return None

    @staticmethod
    def _equal(first: Any, second: Any) -> bool | None:
        single = (str, int, float)
        if isinstance(first, single) and isinstance(second, single):
            return shown(first) == shown(second)
        return True if first == second else None


def _combined(values: list[bool | None], *, decides: bool) -> bool | None:
    """Or (decides: True): one true is enough; And (decides: False): one false is."""
    if decides in values:
        return decides
    return None if None in values else not decides
