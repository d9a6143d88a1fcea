"""Texts with names that only the deployed stack knows, and what they become in a template.

Inside of a text a reference is a private-use character, the key and another one; `Names` turns such texts
into CloudFormation: of a stack of its own a Parameter per reference, of a fragment the expression itself.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from dashboards.resources import Name

OPEN, CLOSE = "\ue000", "\ue001"
_TOKEN = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_SUB = re.compile(r"\$\{(!?)([^}]*)\}")


#: An attribute of our own: what is after the bar of `bus|rule`, which Ref gives for a rule of a custom bus.
AFTER_BAR = "|"


class Reference(msgspec.Struct, frozen=True):
    """What a key of a text stands for. item: `<logical ID>` or `<stack>/<logical ID>`; attribute: "" for Ref;
    other: an expression that is none of the two."""

    item: str = ""
    attribute: str = ""
    other: str = ""

    @property
    def is_pseudo(self) -> bool:
        """Whether it is AWS::Region or the like, which every template has."""
        return self.item.startswith("AWS::")


def token(reference: Reference) -> str:
    """Return a text that is this reference."""
    return f"{OPEN}{json.dumps([reference.item, reference.attribute, reference.other])}{CLOSE}"


REGION, ACCOUNT, PARTITION = (
    token(Reference(f"AWS::{name}")) for name in ("Region", "AccountId", "Partition")
)


def references(text: str) -> list[Reference]:
    """Return the references of a text, in order, each once."""
    return list(dict.fromkeys(_reference(key) for key in _TOKEN.findall(text)))


def text_of(name: Name, fallback: str = "") -> str:
    """Return a deployed name as a text: the known one, else references, else the fallback."""
    return name.known or (text_of_expression(name.expression) if name.expression else fallback)


def text_of_expression(expression: Any) -> str:
    """Return an expression of a template (Ref, GetAtt, Sub, Join, others) as a text with references."""
    match expression:
        case str():
            return expression
        case {"Ref": str(item)}:
            return token(Reference(item))
        case {"Fn::GetAtt": [str(item), str(attribute)]}:
            return token(Reference(item, attribute))
        case {"Fn::GetAtt": str(both)} if "." in both:
            return token(Reference(*both.split(".", 1)))
        case {"Fn::Sub": str(text)}:
            return _SUB.sub(_substituted, text)
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(map(text_of_expression, parts))
        case _:
            return token(Reference(other=json.dumps(expression, sort_keys=True)))


def _substituted(match: re.Match[str]) -> str:
    is_literal, inner = match.groups()
    if is_literal:
        return "${" + inner + "}"
    item, _, attribute = inner.strip().partition(".")
    return token(Reference(item, attribute))


def _reference(key: str) -> Reference:
    return Reference(*json.loads(key))


class Parameter(msgspec.Struct, frozen=True):
    """A parameter that a stack of its own asks for."""

    name: str
    description: str
    #: Whether it may be empty: then what it names does not exist.
    is_optional: bool = False


def parameter_of(reference: Reference) -> Parameter:
    """Return the parameter by which a stack of its own is told a name."""
    if reference.other:
        words = re.findall(r"[A-Za-z0-9]+", reference.other)
        return Parameter(
            "".join(word[:1].upper() + word[1:] for word in words)[:240] + "Text",
            f"What {reference.other} is in the deployed stack."[:4000],
        )
    base = "".join(re.findall(r"[A-Za-z0-9]+", reference.item))
    stack, _, logical = reference.item.rpartition("/")
    where = f"{logical} in the nested stack {stack}" if stack else logical
    if reference.attribute in ("", AFTER_BAR):
        return Parameter(f"{base}Name", f"Deployed name (physical ID) of {where}.")
    suffix = "".join(re.findall(r"[A-Za-z0-9]+", reference.attribute))
    return Parameter(f"{base}{suffix}", f"{reference.attribute} of the deployed {where}.")


#: Items that exist only under a condition -> its name in the team's template.
Switches = dict[str, str]
#: What stands where something does not exist.
NOTHING = "none"


class Names:
    """Turns texts into values of one template. is_fragment: it is part of the team's own template.

    switches: what exists only under a condition; under: the condition of the resource that is written.
    """

    def __init__(self, *, is_fragment: bool, switches: Switches | None = None, under: str = "") -> None:
        self.is_fragment = is_fragment
        self._switches = switches or {}
        self._under = under
        #: What the template asks for: name -> parameter; a fragment asks only for names of nested stacks.
        self.asked: dict[str, Parameter] = {}

    def switch(self, reference: Reference) -> str:
        """Return the condition under which something exists in this template, "" for always."""
        own = self._switches.get(reference.item, "")
        if not own or self.is_fragment:
            return own
        return f"Has{parameter_of(reference).name}"

    def value(self, text: str) -> Any:
        """Return the text as a value: itself, a Ref or GetAtt, or a Fn::Sub."""
        found = references(text)
        if not found:
            return text
        if _TOKEN.fullmatch(text) and text.count(OPEN) == 1:
            return self._whole(found[0])
        # Fn::Sub's own escape, `${!x}`, needs the brace that closes: a sign by a name needs nothing.
        is_literal = "${" in text
        return self._sub(text.replace("${", "${Dollar}{"), found, {"Dollar": "$"} if is_literal else {})

    def json_value(self, tree: Any) -> Any:
        """Return a tree as the text of its JSON, one widget a line, with names put in by Fn::Sub."""
        text = _lines(tree)
        found = references_of(tree)
        return self._sub(text, found) if found else text

    def _sub(self, text: str, found: list[Reference], signs: dict[str, Any] | None = None) -> Any:
        mapping: dict[str, Any] = dict(signs or {})
        for reference in found:
            inside, extra = self._inside(reference)
            mapping.update(extra)
            text = text.replace(token(reference), "${" + inside + "}")
            text = text.replace(json.dumps(token(reference), ensure_ascii=False)[1:-1], "${" + inside + "}")
        return {"Fn::Sub": [text, mapping] if mapping else text}

    def _asks(self, reference: Reference) -> bool:
        return not reference.is_pseudo and (not self.is_fragment or "/" in reference.item)

    def _inside(self, reference: Reference) -> tuple[str, dict[str, Any]]:
        if self._is_loose(reference):
            name = f"{parameter_of(reference).name}OrNone"
            return name, {name: self._whole(reference)}
        if self._asks(reference):
            return self._parameter(reference), {}
        if reference.other or reference.attribute == AFTER_BAR:
            name = parameter_of(reference).name
            return name, {name: self._whole(reference)}
        return reference.item + (f".{reference.attribute}" if reference.attribute else ""), {}

    def _is_loose(self, reference: Reference) -> bool:
        return self.switch(reference) not in ("", self._under)

    def _whole(self, reference: Reference) -> Any:
        sure = self._sure(reference)
        return {"Fn::If": [self.switch(reference), sure, NOTHING]} if self._is_loose(reference) else sure

    def _sure(self, reference: Reference) -> Any:
        if self._asks(reference):
            return {"Ref": self._parameter(reference)}
        if reference.other:
            return json.loads(reference.other)
        if reference.attribute == AFTER_BAR:
            return {"Fn::Select": [1, {"Fn::Split": ["|", {"Ref": reference.item}]}]}
        if reference.attribute:
            return {"Fn::GetAtt": [reference.item, reference.attribute]}
        return {"Ref": reference.item}

    def _parameter(self, reference: Reference) -> str:
        parameter = parameter_of(reference)
        if reference.item in self._switches:
            said = f"{parameter.description} Empty where it does not exist."
            parameter = Parameter(parameter.name, said, is_optional=True)
        self.asked[parameter.name] = parameter
        return parameter.name


def references_of(tree: Any) -> list[Reference]:
    """Return the references of all texts of a tree, in order, each once."""
    match tree:
        case str():
            return references(tree)
        case dict():
            return list(dict.fromkeys(one for value in tree.values() for one in references_of(value)))
        case list() | tuple():
            return list(dict.fromkeys(one for value in tree for one in references_of(value)))
        case _:
            return []


def _lines(tree: Any) -> str:
    """JSON with a line per widget; a literal `${` as an escape of JSON, of which Fn::Sub knows nothing."""
    widgets = [_json(widget) for widget in tree.get("widgets", [])]
    head = _json({key: value for key, value in tree.items() if key != "widgets"})[1:-1]
    return "{" + (head + "," if head else "") + '"widgets":[\n' + ",\n".join(widgets) + "\n]}"


def _json(tree: Any) -> str:
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return text.replace("${", "\\u0024{")
