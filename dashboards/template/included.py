"""What a template has in files beside it: definitions of APIs and state machines, AWS::Include.

They are put where the template refers to them, so that nothing else needs to know of files. What lies in S3
is not read, and is told.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/create-reusable-transform-function-snippets-and-add-to-your-template-with-aws-include-transform.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from dashboards.resources import Note, Place
from dashboards.template.intrinsics import resolve
from dashboards.template.scope import Scope
from dashboards.template.source import MOST_DEPTH, Source, read_source
from dashboards.template.values import TemplateError

#: Type -> the property that names a file, the property of what is in it.
_DEFINITIONS = {
    "AWS::Serverless::Api": ("DefinitionUri", "DefinitionBody"),
    "AWS::Serverless::HttpApi": ("DefinitionUri", "DefinitionBody"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", "Definition"),
    "AWS::ApiGateway::RestApi": ("BodyS3Location", "Body"),
    "AWS::ApiGatewayV2::Api": ("BodyS3Location", "Body"),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location", "Definition"),
}
_MACHINE = "AWS::Serverless::StateMachine"
_MOST_FILES = 200
#: Levels that a file put into a template may add to it.
_ADDED_DEPTH = MOST_DEPTH // 2


class Inclusion:
    """Puts files into the resources of one template. files: those that were read."""

    def __init__(self, source: Source, scope: Scope, made_by: dict[str, str]) -> None:
        self.notes: list[Note] = []
        self.files: list[str] = []
        self._source = source
        self._scope = scope
        self._made_by = made_by
        self._folder = Path(source.file).parent
        self._place = Place(source.file)

    def resources(self, resources: dict[str, Any]) -> dict[str, Any]:
        """Return a template's resources with the files in them."""
        return {name: self._resource(name, resource) for name, resource in resources.items()}

    def _resource(self, name: str, resource: Any) -> Any:
        written = self._made_by.get(name, name)
        self._place = self._source.place("Resources", written)
        done = self._inlined(resource, 0)
        names = _DEFINITIONS.get(str(done.get("Type"))) if isinstance(done, dict) else None
        properties = done.get("Properties") if isinstance(done, dict) else None
        if names is None or not isinstance(properties, dict) or names[0] not in properties:
            return done
        location, body = names
        self._place = self._source.place("Resources", written, "Properties", location)
        rest = {key: value for key, value in properties.items() if key != location}
        tree = self._read(properties[location], f"{name}: {location}")
        if tree is None and done["Type"] == _MACHINE:
            # SAM refuses a state machine without a definition; this one is known, only not read.
            return {**done, "Properties": {**rest, location: {"Bucket": "local", "Key": "definition"}}}
        return {**done, "Properties": rest if tree is None else {**rest, body: tree}}

    def _inlined(self, node: Any, depth: int) -> Any:
        if isinstance(node, list):
            return [self._inlined(value, depth) for value in node]
        if not isinstance(node, dict):
            return node
        call = node.get("Fn::Transform")
        if not isinstance(call, dict) or call.get("Name") != "AWS::Include" or depth > 3:
            return {key: self._inlined(value, depth) for key, value in node.items()}
        parameters = call.get("Parameters")
        location = parameters.get("Location") if isinstance(parameters, dict) else None
        tree = self._read(location, "AWS::Include")
        rest = {key: self._inlined(value, depth) for key, value in node.items() if key != "Fn::Transform"}
        if isinstance(tree, dict):
            return {**rest, **tree}
        return rest if tree is None or rest else tree

    def _read(self, location: Any, what: str) -> Any:
        """Return what a file holds, or None, with a note."""
        path = resolve(location, self._scope)
        if not isinstance(path, str) or "://" in path or path.startswith("arn:"):
            self._tell("warning", f"{what} is not in a local file; what it defines is not known here.")
            return None
        if len(self.files) >= _MOST_FILES:
            self._tell("warning", f"{what} is not read: the template names more than {_MOST_FILES} files.")
            return None
        try:
            source = read_source(self._folder / path)
            _must_be_flat(source, source.tree, 0)
        except TemplateError as error:
            self._tell("error", f"{what} cannot be read. {error}")
            return None
        self.files.append(source.file)
        self.notes.extend(source.notes)
        return source.tree

    def _tell(self, level: Literal["warning", "error"], text: str) -> None:
        self.notes.append(Note(level=level, text=text, place=self._place))


def _must_be_flat(source: Source, node: Any, depth: int) -> None:
    if depth > _ADDED_DEPTH:
        raise TemplateError(f"{source.file}:1: It is more than {_ADDED_DEPTH} levels deep.")
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _must_be_flat(source, value, depth + 1)
