"""One template file, read and translated, before names are put in: what nested stacks and several share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from dashboards.resources import Note, Place
from dashboards.template.conditions import evaluate
from dashboards.template.included import Inclusion
from dashboards.template.loops import Expanded
from dashboards.template.sam import Refusal, is_sam, translate
from dashboards.template.scope import Scope, parameter_values, pseudo_parameters
from dashboards.template.source import Source, read_template
from dashboards.template.values import Deployment

_KNOWN_TRANSFORMS = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions")
_KNOWN_TYPES = ("AWS::", "Custom::", "Alexa::")


class Loaded(msgspec.Struct, kw_only=True):
    """A template of plain CloudFormation. origins: ID -> what the file calls it; scope: without IDs yet."""

    source: Source
    tree: dict[str, Any]
    scope: Scope
    origins: dict[str, str]
    #: Names of what the file has, left out or not: parameters and resources.
    declared: tuple[str, ...]
    files: list[str]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Its resources by logical ID."""
        resources: dict[str, dict[str, Any]] = self.tree["Resources"]
        return resources

    def place(self, name: str) -> Place:
        """Return where a resource, or what made it, is written."""
        origin = self.origins.get(name, name)
        return self.source.place("Resources", origin)


def load(path: Path, given: Mapping[str, Any], deployment: Deployment, stack: str) -> Loaded:
    """Read one template. given: values of parameters; stack: name of the stack. Raises TemplateError."""
    source = read_template(path)
    tree = source.tree
    notes = {(note.text, str(note.place)): note for note in source.notes}
    scope = Scope(
        values=parameter_values(tree.get("Parameters"), given),
        pseudo=pseudo_parameters(deployment, stack),
        mappings=mapping(tree.get("Mappings")),
    )
    scope.ids = {name: name for name in mapping(tree.get("Parameters"))}
    expanded = Expanded(source, scope)
    scope.notes = notes
    for note in expanded.notes:
        notes.setdefault((note.text, str(note.place)), note)
    opened = parameter_values(tree.get("Parameters"), given, is_open=True)
    judged = msgspec.structs.replace(scope, values=opened)
    scope.conditions = evaluate(expanded.tree.get("Conditions"), judged, source.place)
    origins = dict(expanded.made_by)
    whole = {**expanded.tree, "Resources": _sound(expanded.tree["Resources"], source, scope, origins)}
    _tell_transforms(whole, source, scope)
    inclusion = Inclusion(source, scope, origins)
    whole["Resources"] = inclusion.resources(whole["Resources"])
    for note in inclusion.notes:
        notes.setdefault((note.text, str(note.place)), note)
    loaded = Loaded(
        source=source,
        tree=whole,
        scope=scope,
        origins=origins,
        declared=(*scope.ids, *expanded.tree["Resources"]),
        files=[str(path), *inclusion.files],
    )
    if is_sam(whole):
        _translate(loaded, deployment)
    return loaded


def mapping(node: Any) -> dict[str, Any]:
    """Return a tree where it is a mapping, else an empty one."""
    return node if isinstance(node, dict) else {}


def _sound(resources: Any, source: Source, scope: Scope, origins: dict[str, str]) -> dict[str, Any]:
    """Return the resources that are mappings with a type and may exist; the others are told."""
    done = {}
    for name, resource in mapping(resources).items():
        scope.place = source.place("Resources", origins.get(name, name))
        scope.subject = name
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            scope.tell("error", f"{name} is no resource: it has no Type. It is left out.")
        elif not isinstance(resource.get("Properties", {}), dict):
            scope.tell("error", f"{name} is left out: its Properties are no mapping.")
        elif scope.conditions.get(str(resource.get("Condition", ""))) is False:
            scope.tell("info", f"{name} is left out: its condition {resource['Condition']} is false.")
        else:
            done[name] = resource
            if not resource["Type"].startswith(_KNOWN_TYPES):
                scope.tell("info", f"{name} is of the type {resource['Type']}, which is not known here.")
    scope.subject = ""
    return done


def _tell_transforms(tree: dict[str, Any], source: Source, scope: Scope) -> None:
    transforms = tree.get("Transform")
    for one in transforms if isinstance(transforms, list) else [transforms]:
        name = one.get("Name") if isinstance(one, dict) else one
        if name is not None and name not in _KNOWN_TRANSFORMS:
            scope.place = source.place("Transform")
            scope.tell("warning", f"The macro {name} is not run: what it would change is not seen here.")


def _translate(loaded: Loaded, deployment: Deployment) -> None:
    scope, before = loaded.scope, loaded.tree
    done = translate(before, scope.values, deployment.region)
    loaded.tree = {**done.tree, "Resources": mapping(done.tree.get("Resources"))}
    for refusal in done.refusals:
        _tell_refusal(loaded, refusal)
    loaded.origins.update({name: loaded.origins.get(by, by) for name, by in done.made_by.items()})
    # The translator adds conditions of its own, such as those of deployments.
    added = mapping(loaded.tree.get("Conditions"))
    new = evaluate({name: one for name, one in added.items() if name not in scope.conditions}, scope)
    scope.conditions = {**scope.conditions, **new}


def _tell_refusal(loaded: Loaded, refusal: Refusal) -> None:
    level: Literal["error"] = "error"
    name, text = refusal.id, refusal.text
    place = loaded.place(name) if name else loaded.source.place("Transform")
    said = text if text.endswith(".") else f"{text}."
    whole = f"{name} is left out. {said}" if name else f"SAM cannot be translated. {said}"
    if refusal.wide[1]:
        place = loaded.source.place("Globals", *refusal.wide)
        whole = f"Globals are read without {'.'.join(refusal.wide)}. {said}"
    if refusal.event:
        written = ("Resources", loaded.origins.get(name, name), "Properties", "Events", refusal.event)
        place, whole = loaded.source.place(*written), f"{name} is without its event {refusal.event}. {said}"
    note = Note(level=level, text=whole, place=place, subject=name)
    if loaded.scope.notes is not None:
        loaded.scope.notes.setdefault((note.text, str(place)), note)
