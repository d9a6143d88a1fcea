"""SAM -> CloudFormation, by AWS's own translator, offline.

What the translator refuses is told and left out, and the rest is translated again: one broken function of a
template must not hide the others. Nothing is asked of AWS: managed policies and the region stay names.
https://github.com/aws/serverless-application-model
"""

from __future__ import annotations

import copy
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from dashboards.template.scope import is_secret

SAM = "AWS::Serverless::"
_TRANSFORM = "AWS::Serverless-2016-10-31"
_MOST_ROUNDS = 8
#: Names of what SAM makes for several sources at once -> what a source has that makes it.
_SHARED = {
    "ServerlessRestApi": "Api",
    "ServerlessHttpApi": "HttpApi",
    "ServerlessDeploymentApplication": "DeploymentPreference",
    "CodeDeployServiceRole": "DeploymentPreference",
}
#: Type -> the property with its code; what stands in for code that `sam package` will upload.
_CODE = {f"{SAM}Function": "CodeUri", f"{SAM}LayerVersion": "ContentUri"}
_UPLOADED = "s3://local/code"
_ALIASED = (f"{SAM}Function", f"{SAM}StateMachine")
#: Stands in for an alias that is a parameter without a value; no metric has it.
_ALIAS = "alias"
_WIDE = re.compile(r"'Globals' section is invalid\. '([^']+)' is not a supported property of '([^']+)'")
_EVENT = re.compile(r"[Ee]vent with id \[([^\]]+)\]")
#: Partition that stands in while the region is unknown; names of policies alone have it.
_REGION = "us-east-1"


class Refusal(msgspec.Struct, frozen=True):
    """What the translator said no to. id: logical ID; "" for the whole template. event: of a function, the
    one that is left out; "" where the whole resource is. wide: the property of Globals, (kind, name)."""

    id: str
    text: str
    event: str = ""
    wide: tuple[str, str] = ("", "")


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """A template without SAM. made_by: ID of a resource that SAM made -> ID of what it was made of."""

    tree: dict[str, Any]
    made_by: dict[str, str] = {}
    refusals: tuple[Refusal, ...] = ()


def is_sam(tree: Mapping[str, Any]) -> bool:
    """Whether a template asks for SAM, or has resources of it all the same."""
    transforms = tree.get("Transform")
    asked = transforms if isinstance(transforms, list) else [transforms]
    return _TRANSFORM in asked or any(_is_source(one) for one in tree["Resources"].values())


def translate(tree: dict[str, Any], values: Mapping[str, Any], region: str = "") -> Translation:
    """Return a template of plain CloudFormation.

    tree: with Resources that are mappings; it is not changed. values: known parameters.
    """
    left = _prepared(tree, values)
    refusals: list[Refusal] = []
    for _ in range(_MOST_ROUNDS):
        done, refused = _once(left, values, region)
        if done is not None:
            return Translation(tree=done, made_by=_makers(tree, done), refusals=tuple(refusals))
        refusals.extend(refused)
        if any(not one.id and not one.wide[1] for one in refused):
            break
        left = {
            **left,
            "Resources": _without(left["Resources"], refused),
            **({"Globals": _narrowed(left["Globals"], refused)} if "Globals" in left else {}),
        }
        if not left["Resources"]:
            return Translation(tree=left, refusals=tuple(refusals))
    plain = {key: one for key, one in left["Resources"].items() if not _is_source(one)}
    return Translation(tree={**left, "Resources": plain}, refusals=tuple(refusals))


def _without(resources: dict[str, Any], refused: list[Refusal]) -> dict[str, Any]:
    """Return the resources without what was refused: an event where that is enough."""
    gone = {one.id for one in refused if not one.event}
    left = {key: one for key, one in resources.items() if key not in gone}
    for one in refused:
        if one.event and one.id in left:
            properties = left[one.id]["Properties"]
            events = {key: event for key, event in properties["Events"].items() if key != one.event}
            left[one.id] = {**left[one.id], "Properties": {**properties, "Events": events}}
    return left


def _narrowed(globals_: dict[str, Any], refused: list[Refusal]) -> dict[str, Any]:
    """Return Globals without the properties that were refused."""
    gone = {one.wide for one in refused}
    return {
        kind: {name: value for name, value in one.items() if (kind, name) not in gone}
        if isinstance(one, dict)
        else one
        for kind, one in globals_.items()
    }


def _prepared(tree: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy without what would make the translator ask AWS, and without secrets' defaults."""
    done = copy.copy(tree)
    parameters = tree.get("Parameters")
    if isinstance(parameters, dict):
        done["Parameters"] = {
            name: {key: value for key, value in one.items() if key != "Default"} if is_secret(one) else one
            for name, one in parameters.items()
        }
    done["Globals"] = {
        kind: _with_code(f"{SAM}{kind}", _with_alias(one, values), {}) if isinstance(one, dict) else one
        for kind, one in (tree["Globals"] if isinstance(tree.get("Globals"), dict) else {}).items()
    }
    if not done["Globals"]:
        done.pop("Globals")
    done["Resources"] = {
        name: _uploaded(_published(_as_stack(one), values), done) for name, one in tree["Resources"].items()
    }
    return done


def _published(resource: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties")
    if resource.get("Type") not in _ALIASED or not isinstance(properties, dict):
        return resource
    return {**resource, "Properties": _with_alias(properties, values)}


def _with_alias(properties: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties whose alias is a text: the translator refuses one that only a deployment knows."""
    done = dict(properties)
    alias, digest = done.get("AutoPublishAlias"), done.get("AutoPublishCodeSha256")
    if isinstance(alias, dict) and not isinstance(values.get(str(alias.get("Ref"))), str):
        done["AutoPublishAlias"] = _ALIAS
    if isinstance(digest, dict):
        done.pop("AutoPublishCodeSha256")
    return done


def _uploaded(resource: dict[str, Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource as it is once its code is uploaded: the translator takes nothing else."""
    kind = str(resource.get("Type"))
    if kind not in _CODE:
        return resource
    wide = tree.get("Globals", {}).get(kind.removeprefix(SAM))
    wide = wide if isinstance(wide, dict) else {}
    return {**resource, "Properties": _with_code(kind, resource.get("Properties", {}), wide, is_whole=True)}


def _with_code(
    kind: str, properties: dict[str, Any], wide: dict[str, Any], *, is_whole: bool = False
) -> dict[str, Any]:
    """Return properties whose code is in S3, or an image. wide: those of Globals."""
    name = _CODE.get(kind)
    if name is None:
        return properties
    done = dict(properties)
    written = done.get(name)
    is_known = isinstance(written, str) and written.startswith("s3://")
    if isinstance(written, str | dict) and not is_known and not {"Bucket", "Key"} <= set(written):
        done[name] = _UPLOADED
    every = {**wide, **done}
    if is_whole and every.get("PackageType") == "Image":
        done.setdefault("ImageUri", every.get("ImageUri", "local:latest"))
        done.pop(name, None)
    elif is_whole and name not in every and "InlineCode" not in done:
        done[name] = _UPLOADED
    return done


def _as_stack(resource: dict[str, Any]) -> dict[str, Any]:
    """Return an application as the nested stack that it becomes: the translator would ask the repository."""
    properties = resource.get("Properties")
    if resource.get("Type") != f"{SAM}Application" or not isinstance(properties, dict):
        return resource
    rest = {key: value for key, value in properties.items() if key != "Location"}
    location = properties.get("Location")
    return {
        **resource,
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {**rest, "TemplateURL": location},
    }


def _is_source(resource: Any) -> bool:
    return isinstance(resource, dict) and str(resource.get("Type")).startswith(SAM)


def _once(
    tree: dict[str, Any], values: Mapping[str, Any], region: str
) -> tuple[dict[str, Any] | None, list[Refusal]]:
    from samtranslator.model.exceptions import InvalidDocumentException  # 0.8 s, which few commands need

    try:
        return _translated(tree, values, region), []
    except InvalidDocumentException as error:
        return None, _refusals(tree, error)
    except Exception as error:  # noqa: BLE001  # a foreign library on arbitrary input: it raises anything
        return None, _culprits(tree, values, region) or [Refusal("", _foreign(error))]


def _translated(tree: dict[str, Any], values: Mapping[str, Any], region: str) -> dict[str, Any]:
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    translator = Translator(None, Parser(), boto_session=_Session(region or _REGION))
    # What is not known stays readable as a name of Fn::Sub wherever the translator writes it.
    pseudo = {} if region else {"AWS::Region": "${AWS::Region}", "AWS::Partition": "${AWS::Partition}"}
    with _quiet():
        done = translator.translate(
            copy.deepcopy(tree),
            parameter_values={**{key: _text(one) for key, one in values.items()}, **pseudo},
            passthrough_metadata=True,
            get_managed_policy_map=dict,
        )
    return dict(done)


class _Session:
    """What the translator asks of a boto3 session: its region."""

    def __init__(self, region: str) -> None:
        self.region_name = region


def _text(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the translator logs and warns of from stderr, what it logs when it is collected included."""
    logger = logging.getLogger("samtranslator")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refusals(tree: Mapping[str, Any], error: Any) -> list[Refusal]:
    """Return whom the translator's error names; Globals and the like count for the whole template."""
    found: dict[str, Refusal] = {}
    for cause in error.causes:
        named = getattr(cause, "_logical_id", "")
        for name in named if isinstance(named, list) else [named]:
            if match := _WIDE.search(str(cause.message)):
                return [Refusal("", _line(cause.message), wide=(match[2], match[1]))]
            known = _owner(name, tree) if isinstance(name, str) else ""
            event = _event(known, str(name), cause.message, tree)
            found.setdefault(known, Refusal(known, _line(cause.message), event))
    named_ones = [one for name, one in found.items() if name]
    return named_ones or list(found.values()) or [Refusal("", "SAM does not say why.")]


def _owner(name: str, tree: Mapping[str, Any]) -> str:
    """Return the resource that a refused one is or was made of: an event's is called after its function."""
    if name in tree["Resources"]:
        return name
    sources = [one for one, resource in tree["Resources"].items() if _is_source(resource)]
    return max((one for one in sources if name.startswith(one)), key=len, default="")


def _event(owner: str, name: str, message: str, tree: Mapping[str, Any]) -> str:
    """Return the event of a resource that the translator complains of, "" where it is the resource."""
    resource = tree["Resources"].get(owner)
    properties = resource.get("Properties") if isinstance(resource, dict) else None
    events = properties.get("Events") if isinstance(properties, dict) else None
    match = _EVENT.search(message)
    told = match[1] if match else name.removeprefix(owner)
    return told if isinstance(events, dict) and told in events else ""


def _culprits(tree: dict[str, Any], values: Mapping[str, Any], region: str) -> list[Refusal]:
    """Return the resources that make the translator fall over when they are the only ones of SAM."""
    from samtranslator.model.exceptions import InvalidDocumentException

    others = {key: one for key, one in tree["Resources"].items() if not _is_source(one)}
    found = []
    for name, resource in tree["Resources"].items():
        if not _is_source(resource):
            continue
        try:
            _translated({**tree, "Resources": {**others, name: resource}}, values, region)
        except InvalidDocumentException:
            continue  # It may need one of those that are left out here; told in its own round if not.
        except Exception as error:  # noqa: BLE001  # as in _once
            found.append(Refusal(name, _foreign(error)))
    sources = sum(map(_is_source, tree["Resources"].values()))
    return found if len(found) < max(sources, 2) else []


def _foreign(error: Exception) -> str:
    return f"The SAM translator cannot read it ({type(error).__name__}: {_line(str(error))})"


def _line(text: str) -> str:
    return " ".join(str(text).split())[:400]


def _makers(tree: Mapping[str, Any], done: Mapping[str, Any]) -> dict[str, str]:
    """Return what each resource that SAM made was made of: SAM begins names with those of their source."""
    before = tree["Resources"]
    sources = sorted((name for name, one in before.items() if _is_source(one)), key=len, reverse=True)
    makers: dict[str, str] = {}
    for name in done["Resources"]:
        if name in before:
            continue
        shared = next((wanted for start, wanted in _SHARED.items() if name.startswith(start)), None)
        found = _first_with(shared, before) if shared else None
        found = found or next((source for source in sources if name.startswith(source)), None)
        if found:
            makers[name] = found
    return makers


def _first_with(wanted: str, resources: Mapping[str, Any]) -> str | None:
    for name, one in resources.items():
        properties = one.get("Properties") if _is_source(one) else None
        if not isinstance(properties, dict):
            continue
        events = properties.get("Events")
        kinds = (
            [str(event.get("Type")) for event in events.values() if isinstance(event, dict)]
            if (isinstance(events, dict))
            else []
        )
        if wanted in properties or wanted in kinds:
            return name
    return None
