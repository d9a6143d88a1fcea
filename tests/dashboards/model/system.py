"""Items by hand for the tests of the model: what a template's resources are once they are read."""

from __future__ import annotations

from typing import Any

from dashboards.model.build import model_of
from dashboards.resources import Place, System
from dashboards.template.values import Deployment, Item, Templates
from subscribers.config import EMPTY, Config, loads


def item(type_name: str, logical_id: str, **properties: Any) -> Item:
    """Return one resource of a template."""
    return Item(
        id=logical_id,
        logical_id=logical_id,
        type=f"AWS::{type_name}",
        properties=properties,
        place=Place("template.yaml", 7),
    )


def arn(logical_id: str, attribute: str = "Arn") -> dict[str, Any]:
    """Return Fn::GetAtt."""
    return {"Fn::GetAtt": [logical_id, attribute]}


def ref(logical_id: str) -> dict[str, Any]:
    """Return Ref."""
    return {"Ref": logical_id}


def system(*items: Item, observe: str = "", **deployment: Any) -> System:
    """Return the model of some items and of observe.yaml's text."""
    config: Config = loads(f"version: 1\n{observe}") if observe else EMPTY
    templates = Templates(
        items={one.id: one for one in items},
        files=("template.yaml",),
        deployment=Deployment(**deployment),
    )
    return model_of(templates, config)


def edges(found: System) -> set[tuple[str, str, str]]:
    """Return (source, how, target) of every edge, without what IDs begin with."""
    return {(one.source.partition(":")[2], one.how, one.target.partition(":")[2]) for one in found.edges}


def said(found: System, *words: str) -> bool:
    """Whether a note has all of some words."""
    return any(all(word in note.text for word in words) for note in found.notes)
