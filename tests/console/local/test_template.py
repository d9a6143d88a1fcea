"""Templates read: one that uses everything, and those nobody could deploy."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.local.template import Deferred, Template, TemplateError, load, resolve
from console.local.template_parts import EventTrigger, KinesisTrigger, S3Trigger, SnsTrigger, SqsTrigger
from console.local.template_scope import merged

SAM = Path(__file__).parent / "data" / "sam.yaml"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a template and return its path."""

    def make(text: str) -> Path:
        path = tmp_path / "template.yaml"
        path.write_text(text)
        return path

    return make


@pytest.fixture(scope="module")
def sam() -> Template:
    """The template that uses everything."""
    return load(SAM, {"LegacyUrl": "http://legacy"}, stack_name="s1")


def test_globals_are_merged_and_conditions_and_maps_are_settled(sam: Template) -> None:
    """A function's own variables win over Globals, NoValue removes one, what can be known is known."""
    submit, assess = sam.functions["Submit"], sam.functions["Assess"]
    known = {name: value for name, value in submit.environment.items() if isinstance(value, str)}
    assert known == {"STAGE": "test", "SHARED": "own", "BUCKET": "s1-documents", "TABLE": "Table"}
    assert (submit.name, assess.name) == ("s1-submit", "s1-Assess")
    assert (submit.handler, assess.handler, assess.timeout_s) == ("app.handler", "app.collect", 20)
    assert assess.environment["SHARED"] == "global"
    assert submit.code == SAM.parent / "code"


def test_what_a_deployment_knows_is_resolved_by_it(sam: Template) -> None:
    """References wait for attributes, through Select and Split, too."""
    environment = sam.functions["Submit"].environment
    assert isinstance(environment["QUEUE_URL"], Deferred)
    attributes = {("Queue", "Ref"): "http://q", ("Queue", "Arn"): "arn:aws:sqs:r:1:claims"}
    assert resolve(environment["QUEUE_URL"], attributes) == "http://q"
    assert resolve(environment["QUEUE_NAME"], attributes) == "claims"


def test_events_become_triggers(sam: Template) -> None:
    """Queue, topic, bucket, bus and stream call the function as their properties say."""
    first, second, third, rule, stream, tidy = sam.functions["Assess"].triggers
    assert (first, second, third) == (
        SqsTrigger("Queue", batch_size=2, partial=True),
        SnsTrigger("Topic", {"kind": ["storm"]}),
        S3Trigger("Documents", ("s3:ObjectCreated:*",), "in/", ".txt"),
    )
    assert isinstance(rule, EventTrigger)
    assert json.loads(rule.pattern) == {"source": ["claims"], "detail": {"kind": ["storm"]}}
    assert stream == KinesisTrigger("Facts", "TRIM_HORIZON", bisect=True, retries=1)
    assert tidy == EventTrigger("default", "Tidy.0", '{"source": ["s1"]}', {"task": "tidy"})
    assert sam.functions["Assess"].retries == 1


def test_routes_come_from_the_definition_and_from_events(sam: Template) -> None:
    """http_proxy is a URL, aws_proxy and HttpApi events are functions; a split is read from Metadata."""
    assert {route.key: route.function or route.url for route in sam.routes} == {
        "GET /policies/{number}": "http://legacy/policies/{number}",
        "ANY /assessed": "Submit",
        "POST /claims": "Submit",
    }
    (split,) = sam.splits
    assert (split.key, split.percent, split.to, split.otherwise) == (
        "POST /claims",
        75,
        "Submit",
        "http://legacy",
    )


def test_queues_topics_and_buckets(sam: Template) -> None:
    """Names nobody chose begin with the stack's; a resource whose Condition is false is not there."""
    assert set(sam.queues) == {"Queue", "Dead"}
    queue = sam.queues["Queue"]
    assert (queue.name, queue.visibility_timeout_s) == ("s1-claims", 0)
    assert queue.redrive is not None
    assert queue.redrive.max_receive_count == 2
    assert (sam.topics["Topic"].name, sam.buckets["Documents"].name) == ("s1-Topic", "s1-documents")
    prod = load(SAM, {"LegacyUrl": "http://legacy", "Stage": "prod"})
    assert "OnlyProd" in prod.queues
    assert prod.functions["Submit"].environment["NOTHING"] == "x"


def test_what_is_not_played_is_listed(sam: Template) -> None:
    """Each with its logical ID and type."""
    assert {(each.logical_id, each.type) for each in sam.ignored} == {
        ("Api", "GET /odd"),
        ("Submit.Nightly", "Schedule"),
        ("Table", "AWS::DynamoDB::Table"),
    }
    assert all(each.why for each in sam.ignored)


def test_json_with_tabs_is_a_template(write: Write) -> None:
    """CloudFormation's other format, in which YAML would stumble over tabs."""
    path = write('{\n\t"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}')
    assert load(path).queues["Q"].name == "local-Q"


def _queue(properties: str) -> str:
    return f"Resources: {{Q: {{Type: AWS::SQS::Queue, Properties: {properties}}}}}"


def _function(properties: str) -> str:
    return f"Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {properties}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a mapping"),
        ("a: [", "is not YAML"),
        ("{", "neither JSON nor YAML"),
        ("- a", "is not a mapping"),
        ("[" * 3000, "nested too deeply"),
        ("a: &a [*a]", "contains itself"),
        ("a: !!int x", "is not YAML"),
        ("Resources: {}", "has Resources"),
        ("Resources: [1]", "Resources: a mapping is expected, not a list"),
        ("Resources: {Q: 1}", "Q: a mapping is expected"),
        ("Resources: {Q: {}}", "Q.Type: a text is expected, not nothing"),
        ("Resources: {Q: {Type: AWS::SQS::Queue, Properties: x}}", "Q: a mapping is expected"),
        ("Resources: {Q: {Type: AWS::SQS::Queue, Condition: C}}", "Q.Condition: there is no condition"),
        (_queue("{VisibilityTimeout: soon}"), "a number is expected"),
        (_queue("{VisibilityTimeout: 1.5}"), "a whole number"),
        (_queue("{QueueName: {a: b}}"), "Q.QueueName: a text"),
        (_queue("{QueueName: !Ref X}"), "Q.QueueName: refers to 'X'"),
        (_queue("{QueueName: !Sub '${X.Arn}'}"), "refers to 'X'"),
        (_queue("{QueueName: !ImportValue x}"), "not supported"),
        (_queue("{QueueName: !Nonsense x}"), "not supported"),
        (_queue("{QueueName: !Join x}"), "Fn::Join takes"),
        (_queue("{QueueName: !Select [9, [a]]}"), "Fn::Select takes"),
        (_queue("{QueueName: !If [a]}"), "Fn::If takes"),
        (_queue("{QueueName: !FindInMap [a, b, c]}"), "no a.b.c"),
        (
            "Resources:\n"
            "  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}\n"
            "  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}",
            "in a circle",
        ),
        ("Conditions: {A: !Condition B, B: !Condition A}\nResources: {}", "in a circle: A -> B -> A"),
        ("Conditions: {A: yes}\nResources: {}", "Conditions.A: a condition is"),
        ("Parameters: {P: {Type: String}}\nResources: {}", "Parameters.P: has no default"),
        ("Parameters: {P: {Type: Number, Default: x}}\nResources: {}", "Parameters.P: a number is expected"),
        ("Parameters: {P: {Default: x, AllowedValues: [y]}}\nResources: {}", "none of its AllowedValues: y"),
        (_function("{}"), "F.Handler: is missing"),
        (_function("{Handler: a.b, CodeUri: nowhere}"), "F.CodeUri: there is no folder"),
        (_function("{Handler: a.b, Timeout: 901}"), "F.Timeout: 901 is not between 1 and 900"),
        (_function("{Handler: a.b, FunctionName: 'a b'}"), "F.FunctionName: 'a b' is no function name"),
        (_function("{Handler: a.b, Events: {E: {}}}"), "F.Events.E.Type: is missing"),
        (_function("{Handler: a.b, Events: {E: {Type: SQS}}}"), "F.Events.E.Properties.Queue: is missing"),
        (_function("{Handler: a.b, Events: {E: {Type: SQS, Properties: {Queue: !Ref F}}}}"), "F is an AWS::"),
        (_function("{Handler: a.b, Environment: {Variables: {A: [1]}}}"), "F.Environment.Variables.A: a"),
        (_function("{Handler: a.b, Environment: {Variables: {A: !Ref F}}}"), "in a circle: F -> F"),
        (
            _function("{Handler: a.b, Environment: {Variables: {A: !GetAtt Q.Url}}}")
            + "  Q: {Type: AWS::SQS::Queue}",
            "the attribute Url of Q (AWS::SQS::Queue) is not known here",
        ),
        (_function("{Handler: a.b, Events: {E: {Type: HttpApi, Properties: {Path: x}}}}"), "not a route"),
        (_function("{Handler: a.b}") + "    Metadata: {Split: {Route: GET /}}", "F.Metadata.Split.Percent"),
        (
            _function("{Handler: a.b}")
            + "    Metadata: {Split: {Route: GET /, Percent: 101, To: F, Else: 'http://x'}}",
            "101 is not between 0 and 100",
        ),
        (
            _function("{Handler: a.b}")
            + "    Metadata: {Split: {Route: GET /, Percent: 1, To: G, Else: 'http://x'}}",
            "'G' is no function",
        ),
        (
            _function("{Handler: a.b}") + "    Metadata: {Split: {Route: GET /, Percent: 1, To: F, Else: x}}",
            "a URL is expected",
        ),
    ],
)  # fmt: skip
def test_garbage_is_a_sentence(write: Write, text: str, said: str) -> None:
    """Whatever is wrong with a template, its file and the place in it are named."""
    path = write(text)
    with pytest.raises(TemplateError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Not there, a folder, not text, too large: sentences, too."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"#" * 1_000_001)
    for name in ("none", ".", "bytes", "large"):
        with pytest.raises(TemplateError):
            load(tmp_path / name)


def test_a_parameter_the_template_does_not_have(write: Write) -> None:
    """Given by mistake, it is refused, as CloudFormation does."""
    with pytest.raises(TemplateError, match="does not declare the parameter Stgae"):
        load(write("Resources: {Q: {Type: AWS::SQS::Queue}}"), {"Stgae": "x"})


def test_a_bucket_whose_function_needs_its_name_is_a_circle(write: Write) -> None:
    """SAM's well-known one: the bucket's notification names the function, whose variables name the bucket."""
    text = _function(
        "{Handler: a.b, Environment: {Variables: {B: !Ref B}},"
        " Events: {E: {Type: S3, Properties: {Bucket: !Ref B, Events: 's3:ObjectCreated:*'}}}}"
    )
    with pytest.raises(TemplateError, match="in a circle"):
        load(write(text + "  B: {Type: AWS::S3::Bucket}"))


_WORDS = [
    "Ref",
    "Fn::Sub",
    "Fn::Join",
    "Fn::If",
    "Fn::Select",
    "Fn::GetAtt",
    "Fn::FindInMap",
    "Fn::Split",
    "Type",
    "Properties",
    "Events",
    "Handler",
    "Environment",
    "Variables",
    "Metadata",
    "Split",
    "Condition",
    "RedrivePolicy",
    "DefinitionBody",
    "paths",
    "EventPattern",
    "Targets",
    "Arn",
    "StreamModeDetails",
]
_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_NODES = st.recursive(
    _SCALARS | st.sampled_from(["Q", "F", "!", "${Q.Arn}"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), each, max_size=3),
    max_leaves=12,
)
_KINDS = st.sampled_from(["Function", "HttpApi"]).map("AWS::Serverless::{}".format) | st.sampled_from(
    [
        *("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::S3::Bucket", "X"),
        *("AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Kinesis::Stream"),
    ]
)
_RESOURCE = st.fixed_dictionaries({"Type": _KINDS, "Properties": _NODES}, optional={"Metadata": _NODES})

_DOCUMENTS = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from("QFAB"), _RESOURCE | _NODES)},
    optional={"Globals": _NODES, "Conditions": _NODES, "Parameters": _NODES},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_DOCUMENTS)
def test_reading_raises_nothing_but_template_errors(tmp_path: Path, document: dict[str, Any]) -> None:
    """Law: any mapping is a Template or a TemplateError."""
    path = tmp_path / "template.json"
    path.write_text(json.dumps(document))
    with suppress(TemplateError):
        assert isinstance(load(path), Template)


_VALUES = st.recursive(
    st.integers(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=2), each, max_size=3),
)


@given(_VALUES, _VALUES)
def test_merging_globals_keeps_the_functions_own(globally: Any, own: Any) -> None:
    """Laws: a scalar of the function's wins, lists are concatenated, a mapping has the names of both."""
    found = merged(globally, own)
    match globally, own:
        case dict(), dict():
            assert set(found) == {*globally, *own}
        case list(), list():
            assert found == globally + own
        case _:
            assert found == own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A: &a {x: 1}\nResources: {B: {<<: [*a, *a], Type: AWS::SQS::Queue}}\n", "merge keys"),
        (
            "Conditions:\n"
            + "".join(f"  C{n}: !And [{{Condition: C{n + 1}}}, {{Condition: C{n + 1}}}]\n" for n in range(40))
            + "  C40: !Equals [a, a]\nResources: {B: {Type: AWS::SQS::Queue}}\n",
            "",
        ),
        (
            "Conditions:\n"
            + "".join(f"  C{n}: !Not [{{Condition: C{n + 1}}}]\n" for n in range(2000))
            + "  C2000: !Equals [a, a]\nResources: {B: {Type: AWS::SQS::Queue}}\n",
            "conditions deep",
        ),
        (
            "Resources: {F: {Type: AWS::Serverless::Function, Properties: "
            f"{{Handler: a.b, Runtime: python3.11, CodeUri: {'x' * 5000}}}}}}}\n",
            "CodeUri",
        ),
    ],
    ids=["merge keys", "conditions that fan out", "conditions that go deep", "a name no folder can have"],
)
def test_small_templates_that_ask_for_too_much(tmp_path: Path, text: str, said: str) -> None:
    """Each ends at once, in a sentence or in a template."""
    file = tmp_path / "template.yaml"
    file.write_text(text)
    if not said:
        assert load(file).queues
        return
    with pytest.raises(TemplateError, match=said):
        load(file)
