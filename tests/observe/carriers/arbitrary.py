"""Arbitrary parameters of an API call, made from botocore's own model of it, some of them wrong."""

from __future__ import annotations

import base64
import datetime
import json
from functools import cache
from typing import Any

import botocore.session
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import strategies as st

from observe.source import OWN
from tests.observe.carriers.cases import Params

#: What somebody may have set already, in any case, and what nobody has.
NAMES = st.sampled_from(
    ["traceparent", "TraceParent", "tracestate", "X-Correlation-ID", "x-correlation-id", "baggage", OWN]
) | st.text("abcXYZ-_.", min_size=1, max_size=12)
DOCUMENTS = st.dictionaries(
    NAMES, st.integers() | st.text(max_size=20) | st.dictionaries(NAMES, st.text(max_size=9)), max_size=4
).map(lambda members: json.dumps(members, ensure_ascii=False))
LONG = st.builds(
    lambda near, less: "x" * (near - less), st.sampled_from([2048, 2700, 262_144]), st.integers(0, 400)
)
TEXTS = st.text(max_size=20) | DOCUMENTS
#: Of the wrong type for most parameters.
WRONG = st.sampled_from([None, 3, "x", b"x", [], {}, [1], [None], {"a": 1}, {"StringValue": 3}, object])


class File:
    """A body that can be read once, and is what it is."""

    def read(self, size: int = -1) -> bytes:
        return b"{}"

    def __deepcopy__(self, memo: object) -> File:
        return self


BLOBS = (
    st.binary(max_size=20)
    | st.builds(File)
    | (TEXTS | LONG).map(lambda text: text.encode("utf-8", "replace"))
    | TEXTS.map(lambda text: bytearray(text, "utf-8", "replace"))
    | TEXTS
)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(0, 100),
    "long": st.integers(0, 100),
    "float": st.floats(0, 1),
    "double": st.floats(0, 1),
    "boolean": st.booleans(),
    "timestamp": st.just(datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)),
    "blob": BLOBS,
}
#: Members whose text is not any.
_SPECIAL = {
    "ClientContext": TEXTS
    | LONG
    | st.dictionaries(st.sampled_from(["custom", "env"]), st.dictionaries(NAMES, TEXTS, max_size=3)).map(
        lambda document: base64.b64encode(json.dumps(document).encode()).decode()
    ),
    "Tagging": st.lists(NAMES, max_size=11).map(lambda names: "&".join(f"{name}=v" for name in names)),
}
#: Members that matter, where the model has more optional ones than a short test would ever meet.
_LIKELY = frozenset(
    (
        *("MessageAttributes", "MessageSystemAttributes", "Metadata", "Tagging", "ClientContext", "Payload"),
        *("InvocationType", "MetadataDirective", "TaggingDirective", "payload", "userProperties", "input"),
        *("Detail", "traceHeader", "TraceHeader", "DurableExecutionName", "name", "Source", "DetailType"),
        *("StringValue", "BinaryValue", "TopicArn", "PhoneNumber", "StreamName", "Body"),
    )
)


@cache
def _session() -> Any:
    return botocore.session.Session()


@cache
def model_of(service: str, operation: str) -> Any:
    """botocore's model of an operation."""
    return _session().get_service_model(service).operation_model(operation)


def refusal(service: str, operation: str, params: Params) -> str:
    """Why botocore refuses the parameters, "" where it does not."""
    report: str = (
        ParamValidator().validate(params, model_of(service, operation).input_shape).generate_report()
    )
    return report


def written(service: str, operation: str, params: Params) -> Any:
    """The request that botocore makes of the parameters."""
    model = model_of(service, operation)
    protocol = model.service_model.resolved_protocol
    return create_serializer(protocol, include_validation=False).serialize_to_request(params, model)


@st.composite
def parameters(draw: st.DrawFn, service: str, operation: str) -> Params:
    """Parameters of a call, as its model says; one call in four has something wrong somewhere."""
    params: Params = draw(_values(model_of(service, operation).input_shape))
    if draw(st.integers(0, 3)) == 0:
        _spoil(draw, params)
    return params


def _spoil(draw: st.DrawFn, params: Any) -> None:
    """Put something of another type in the place of one value, at any depth."""
    while True:
        keys = sorted(params, key=str) if isinstance(params, dict) else list(range(len(params)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if not isinstance(params[key], dict | list) or draw(st.booleans()):
            params[key] = draw(WRONG)
            return
        params = params[key]


def _values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    kind = shape.type_name
    if kind == "structure":
        return _structures(shape, depth)
    if kind == "list":
        return st.lists(_values(shape.member, depth + 1), min_size=1, max_size=3 if depth else 12)
    if kind == "map":
        return st.dictionaries(NAMES, _values(shape.value, depth + 1), max_size=12)
    if shape.serialization.get("jsonvalue"):
        return st.lists(st.dictionaries(NAMES, TEXTS, max_size=2), max_size=4)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum)
    return TEXTS | LONG if depth <= 2 else TEXTS


@st.composite
def _structures(draw: st.DrawFn, shape: Any, depth: int) -> Params:
    if shape.name == "AttributeValue":  # DynamoDB's: one of them
        names = {draw(st.sampled_from(["S", "N", "B", "NULL", "SS", *(("L", "M") if depth < 6 else ())]))}
    else:
        optional = [name for name in shape.members if name not in shape.required_members]
        likely = [name for name in optional if name in _LIKELY]
        names = {
            *shape.required_members,
            *(name for name in likely if draw(st.booleans())),
            *draw(st.lists(st.sampled_from(optional), max_size=2) if optional else st.just([])),
        }
    return {
        name: draw(_SPECIAL[name] if name in _SPECIAL else _values(shape.members[name], depth + 1))
        for name in sorted(names)
    }
