"""What templates hold once they are read: resources with resolved properties, and what was not understood.

    TemplateError (a ValueError): a file cannot be read at all; the text has file, line and a sentence

Properties are plain JSON. What only a deployed stack knows stays as an intrinsic in its long form:
{"Ref": ID}, {"Fn::GetAtt": [ID, attribute]}, {"Fn::Sub": "text with ${ID} and ${ID.attribute}"} (never with
a mapping), {"Fn::ImportValue": name}, and {"Fn::Join"|"Fn::Select"|"Fn::Split"|...} around one of these. IDs
in them are those of Templates.items: `<logical ID>`, in a nested stack `<stack>/<logical ID>`, whatever the
file calls them. {"Ref": "AWS::Region"} and the like stay where the Deployment does not say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.resources import Note, Place


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of where the templates are or will be deployed. names: ID of an item -> its physical ID,
    as `aws cloudformation describe-stack-resources` tells it."""

    region: str = ""
    account: str = ""
    stack: str = ""
    parameters: dict[str, str] = {}
    names: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as CloudFormation has it: SAM's are translated. source_id: what the file calls it or what
    made it (the function of a permission, the loop of Fn::ForEach)."""

    id: str
    logical_id: str
    type: str
    properties: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    #: "" where it always exists; conditions that are known to be false leave no item.
    condition: str = ""
    #: Name of its condition, also where the parameters' defaults make that true.
    declared: str = ""
    stack: tuple[str, ...] = ()
    source_id: str = ""
    place: Place = Place()
    depends_on: tuple[str, ...] = ()


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was read. files: as they were given, nested ones too."""

    items: dict[str, Item] = {}
    notes: tuple[Note, ...] = ()
    files: tuple[str, ...] = ()
    description: str = ""
    deployment: Deployment = Deployment()


class TemplateError(ValueError):
    """A template cannot be read at all."""
