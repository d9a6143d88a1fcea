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
    other: an expression that is none of the two; around: a text with references that stands there instead
    where the item exists, and nothing where it does not."""

    item: str = ""
    attribute: str = ""
    other: str = ""
    around: str = ""

    @property
    def is_pseudo(self) -> bool:
        """Whether it is AWS::Region or the like, which every template has."""
        return self.item.startswith("AWS::")


def token(reference: Reference) -> str:
    """Return a text that is this reference."""
    return f"{OPEN}{json.dumps(list(msgspec.structs.astuple(reference)))}{CLOSE}"


def where_it_exists(text: str) -> str:
    """Return a text that is left out where what it refers to does not exist."""
    found = next((one for one in references(text) if not one.is_pseudo), None)
    return token(msgspec.structs.replace(found, around=text)) if found else text


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
#: Key of a widget's other one.
OTHERWISE = "otherwise"


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

    def where(self, condition: str) -> Names:
        """Return the same for what stands where a condition is true; what it asks for, this one asks for."""
        found = Names(is_fragment=self.is_fragment, switches=self._switches, under=condition)
        found.asked = self.asked
        return found

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
        """Return a tree as the text of its JSON, one widget a line, with names put in by Fn::Sub.

        A widget with OTHERWISE, another widget, is that where nothing exists that it refers to.
        """
        either = {f"Widget{index}": one for index, one in enumerate(tree["widgets"]) if OTHERWISE in one}
        names = {id(one): name for name, one in either.items()}
        lines = ["${" + names[id(one)] + "}" if id(one) in names else _json(one) for one in tree["widgets"]]
        head = _json({key: value for key, value in tree.items() if key != "widgets"})[1:-1]
        text = "{" + (head + "," if head else "") + '"widgets":[\n' + ",\n".join(lines) + "\n]}"
        found = references_of({**tree, "widgets": [one for one in tree["widgets"] if OTHERWISE not in one]})
        signs = {name: self._either(one) for name, one in either.items()}
        return self._sub(text, found, signs) if found or signs else text

    def _either(self, widget: dict[str, Any]) -> Any:
        """A widget where anything exists that it searches, else the other one."""
        own = {key: value for key, value in widget.items() if key != OTHERWISE}
        found = [one for one in references_of(own) if self._is_loose(one)]
        conditions = list(dict.fromkeys(map(self.switch, found)))
        value = self._json_text(widget[OTHERWISE])
        for index, condition in reversed(list(enumerate(conditions))):
            # Where this one is asked those before are known to be false: cfn-lint wants no answer twice.
            gone = [token(one) for one in found if self.switch(one) in conditions[:index]]
            query = own["properties"]["query"]
            for one in gone:
                query = query.replace(one, "")
            tree = {**own, "properties": {**own["properties"], "query": query}}
            inner = Names(is_fragment=self.is_fragment, switches=self._switches, under=condition)
            value = {"Fn::If": [condition, inner._json_text(tree), value]}
            self.asked |= inner.asked
        return value

    def _json_text(self, tree: Any) -> Any:
        found = references_of(tree)
        return self._sub(_json(tree), found) if found else _json(tree)

    def _sub(self, text: str, found: list[Reference], signs: dict[str, Any] | None = None) -> Any:
        mapping: dict[str, Any] = dict(signs or {})
        for reference in _plain_last(found):
            if reference.around:
                text = self._around(text, reference, mapping)
                continue
            inside, extra = self._inside(reference)
            mapping.update(extra)
            text = text.replace(token(reference), "${" + inside + "}")
            text = text.replace(json.dumps(token(reference), ensure_ascii=False)[1:-1], "${" + inside + "}")
        return {"Fn::Sub": [text, mapping] if mapping else text}

    def _around(self, text: str, reference: Reference, mapping: dict[str, Any]) -> str:
        """A text around a name, put in by the condition of what is named; where that is sure, as it is."""
        key = json.dumps(token(reference), ensure_ascii=False)[1:-1]
        if not self._is_loose(reference):
            return text.replace(key, _json(reference.around)[1:-1])
        condition = self.switch(reference)
        inner = Names(is_fragment=self.is_fragment, switches=self._switches, under=condition)
        value = {"Fn::If": [condition, inner.value(reference.around), ""]}
        self.asked |= inner.asked
        name = f"{parameter_of(reference).name}Source"
        name += str(len(mapping)) if mapping.get(name, value) != value else ""
        mapping[name] = value
        return text.replace(key, "${" + name + "}")

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


def _plain_last(found: list[Reference]) -> list[Reference]:
    """What stands around a name brings that name into the text."""
    around = [one for one in found if one.around]
    inner = [other for one in around for other in references(one.around)]
    return [*around, *dict.fromkeys([*(one for one in found if not one.around), *inner])]


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


def _json(tree: Any) -> str:
    """A literal `${` as an escape of JSON, of which Fn::Sub knows nothing."""
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return text.replace("${", "\\u0024{")
