"""Who feeds whom, by every kind of resource, and where what fails goes."""

from __future__ import annotations

import json

import pytest

from dashboards.template.values import Item
from tests.dashboards.model.system import arn, edges, item, ref, said, system

F = item("Lambda::Function", "F", FunctionName="f", Role=arn("Role"))
Q = item(
    "SQS::Queue", "Q", QueueName="q", RedrivePolicy={"deadLetterTargetArn": arn("D"), "maxReceiveCount": 3}
)
D = item("SQS::Queue", "D", QueueName="d.fifo", FifoQueue=True)
T = item("SNS::Topic", "T")
B = item("Events::EventBus", "B", Name="b")
S = item("Kinesis::Stream", "S", Name="s", ShardCount=2)
DB = item("DynamoDB::Table", "DB", TableName="claims", BillingMode="PAY_PER_REQUEST")
M = item("S3::Bucket", "M")
OTHERS = (F, Q, D, T, B, S, DB, M)
_ON_FAILURE = {"OnFailure": {"Destination": arn("D")}}

CASES: dict[str, tuple[Item, set[tuple[str, str, str]]]] = {
    "queue": (
        item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("Q"), FunctionName=ref("F")),
        {("Q", "feeds", "F")},
    ),
    "queue by its known ARN": (
        item(
            "Lambda::EventSourceMapping",
            "E",
            EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:q",
            FunctionName="f:live",
        ),
        {("Q", "feeds", "F")},
    ),
    "stream": (
        item(
            "Lambda::EventSourceMapping",
            "E",
            EventSourceArn=arn("S"),
            FunctionName=arn("F"),
            DestinationConfig=_ON_FAILURE,
        ),
        {("S", "feeds", "F"), ("F", "dead_letters", "D")},
    ),
    "table": (
        item("Lambda::EventSourceMapping", "E", EventSourceArn=arn("DB", "StreamArn"), FunctionName=ref("F")),
        {("DB", "feeds", "F")},
    ),
    "asynchronous": (
        item("Lambda::EventInvokeConfig", "E", FunctionName=ref("F"), DestinationConfig=_ON_FAILURE),
        {("F", "dead_letters", "D")},
    ),
    "topic": (
        item(
            "SNS::Subscription",
            "E",
            TopicArn=ref("T"),
            Protocol="lambda",
            Endpoint=arn("F"),
            RedrivePolicy={"deadLetterTargetArn": arn("D")},
        ),
        {("T", "feeds", "F"), ("T", "dead_letters", "D")},
    ),
    "rule": (
        item(
            "Events::Rule",
            "E",
            EventBusName=ref("B"),
            EventPattern={"source": ["claims"]},
            Targets=[{"Arn": arn("F"), "Id": "f", "DeadLetterConfig": {"Arn": arn("D")}}],
        ),
        {("B", "feeds", "E"), ("E", "feeds", "F"), ("E", "dead_letters", "D")},
    ),
    "schedule": (
        item(
            "Scheduler::Schedule",
            "E",
            ScheduleExpression="rate(1 day)",
            Target={"Arn": arn("F"), "DeadLetterConfig": {"Arn": arn("D")}},
        ),
        {("F", "dead_letters", "D")},
    ),
    "pipe": (
        item("Pipes::Pipe", "E", Source=arn("S"), Enrichment=arn("F"), Target=arn("B")),
        {("S", "feeds", "F"), ("F", "feeds", "B")},
    ),
    "bucket": (
        item(
            "S3::Bucket",
            "E",
            NotificationConfiguration={
                "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": arn("F")}],
                "QueueConfigurations": [{"Event": "s3:ObjectRemoved:*", "Queue": arn("Q")}],
                "TopicConfigurations": [{"Event": "s3:ObjectRestore:*", "Topic": ref("T")}],
            },
        ),
        {("E", "feeds", "F"), ("E", "feeds", "Q"), ("E", "feeds", "T")},
    ),
    "delivery stream": (
        item(
            "KinesisFirehose::DeliveryStream",
            "E",
            KinesisStreamSourceConfiguration={"KinesisStreamARN": arn("S")},
            ExtendedS3DestinationConfiguration={"BucketARN": arn("M")},
        ),
        {("S", "feeds", "E"), ("E", "writes", "M")},
    ),
    "graphql": (
        item(
            "AppSync::DataSource",
            "E",
            ApiId=arn("G", "ApiId"),
            Type="AWS_LAMBDA",
            LambdaConfig={"LambdaFunctionArn": arn("F")},
        ),
        {("G", "routes", "F")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_who_feeds_whom_is_read_of_every_event_source(name: str) -> None:
    """Exactly these edges, and the queue's own dead letters."""
    one, wanted = CASES[name]
    found = system(*OTHERS, item("AppSync::GraphQLApi", "G", Name="g"), one)
    assert edges(found) == {("Q", "dead_letters", "D"), *wanted}


_STATES = {
    "TimeoutSeconds": 60,
    "States": {
        "One": {"Type": "Task", "Resource": "${FArn}", "Next": "Map"},
        "Map": {
            "Type": "Map",
            "ItemProcessor": {
                "States": {
                    "Two": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::sqs:sendMessage",
                        "Parameters": {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q"},
                    }
                }
            },
        },
        "Not": {"Type": "Pass", "Result": "${T}"},
    },
}


@pytest.mark.parametrize(
    "definition",
    [
        {"Definition": _STATES},
        {"DefinitionString": json.dumps(_STATES)},
        {"DefinitionString": {"Fn::Sub": json.dumps(_STATES).replace("${FArn}", "${F.Arn}")}},
        {"DefinitionString": {"Fn::Sub": [json.dumps(_STATES), {"FArn": arn("F")}]}},
        {
            "DefinitionString": {
                "Fn::Join": [
                    "",
                    [
                        json.dumps(_STATES).partition("${FArn}")[0],
                        arn("F"),
                        json.dumps(_STATES).partition("${FArn}")[2],
                    ],
                ]
            }
        },
    ],
)
def test_the_tasks_of_a_state_machine_say_what_it_calls(definition: dict[str, object]) -> None:
    """However its definition is written; states that are no tasks call nothing."""
    one = item("StepFunctions::StateMachine", "W", DefinitionSubstitutions={"FArn": arn("F")}, **definition)
    found = system(*OTHERS, one)
    assert edges(found) == {("Q", "dead_letters", "D"), ("W", "feeds", "F"), ("W", "writes", "Q")}
    assert found.resources["state_machine:W"].limits == {"timeout_limit_s": 60}
    assert {edge.label for edge in found.edges if edge.source == "state_machine:W"} == {"One", "Two"}


def _role(*statements: tuple[object, object]) -> Item:
    policies = [
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}}
        for action, resource in statements
    ]
    return item("IAM::Role", "Role", Policies=policies)


def test_grants_say_what_a_function_writes_to_and_reads() -> None:
    """To receive of a queue is not to write to it; everything of everywhere names nothing."""
    found = system(
        *OTHERS,
        _role(
            (
                "sqs:SendMessage*",
                {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Q.QueueName}"},
            ),
            (["sqs:ReceiveMessage"], arn("D")),
            ("dynamodb:Query", ["arn:aws:dynamodb:*:*:table/claims/index/*"]),
            ("s3:*", [arn("M"), {"Fn::Sub": "${M.Arn}/*"}]),
            ("*", "*"),
        ),
    )
    wanted = {("F", "writes", "Q"), ("F", "writes", "DB"), ("F", "writes", "M"), ("Q", "dead_letters", "D")}
    assert edges(found) == wanted
    assert {edge.target: edge.label for edge in found.edges}["table:DB"] == "reads"


def test_policies_of_their_own_and_managed_ones_count_for_their_roles() -> None:
    """AWS::IAM::Policy by Roles, a managed one by the role's ManagedPolicyArns."""
    statement = {"Statement": {"Effect": "Allow", "Action": "sns:Publish", "Resource": ref("T")}}
    other = {"Statement": {"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn("B")}}
    found = system(
        *OTHERS,
        item("IAM::Role", "Role", ManagedPolicyArns=[ref("Managed")]),
        item("IAM::Policy", "Own", Roles=[ref("Role")], PolicyDocument=statement),
        item("IAM::ManagedPolicy", "Managed", PolicyDocument=other),
    )
    assert edges(found) >= {("F", "writes", "T"), ("F", "writes", "B")}


def test_environment_variables_name_what_a_function_writes_to() -> None:
    """By intrinsics and by plain names; a word that happens to be a name is none."""
    variables = {"QUEUE_URL": ref("Q"), "TABLE_NAME": "claims", "STAGE": "b"}
    one = item("Lambda::Function", "G", Environment={"Variables": variables})
    assert edges(system(*OTHERS, one)) >= {("G", "writes", "Q"), ("G", "writes", "DB")}
    assert ("G", "writes", "B") not in edges(system(*OTHERS, one))


def test_load_balancers_lead_to_functions_and_to_the_legacy_application() -> None:
    """Weighted target groups are two routes of one path."""
    found = system(
        F,
        item("ElasticLoadBalancingV2::LoadBalancer", "L"),
        item(
            "ElasticLoadBalancingV2::Listener",
            "Port",
            LoadBalancerArn=ref("L"),
            DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Old")}],
        ),
        item("ElasticLoadBalancingV2::TargetGroup", "Old", TargetType="ip"),
        item("ElasticLoadBalancingV2::TargetGroup", "New", TargetType="lambda", Targets=[{"Id": arn("F")}]),
        item(
            "ElasticLoadBalancingV2::ListenerRule",
            "Rule",
            ListenerArn=ref("Port"),
            Conditions=[
                {"Field": "path-pattern", "Values": ["/claims/*"]},
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            ],
            Actions=[
                {
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": ref("Old"), "Weight": 9},
                            {"TargetGroupArn": ref("New"), "Weight": 1},
                        ]
                    }
                }
            ],
        ),
        item("ECS::Service", "App", LoadBalancers=[{"TargetGroupArn": ref("Old")}], DesiredCount=2),
    )
    assert [(one.route, one.side, one.target) for one in found.routes.values()] == [
        ("POST /claims/*", "legacy", "target_group:Old"),
        ("POST /claims/*", "serverless", "function:F"),
        ("ANY /*", "legacy", "target_group:Old"),
    ]
    assert found.resources["target_group:Old"].facts["load_balancer"] == "load_balancer:L"
    both = found.endpoints["post-claims"]
    assert both.legacy is not None
    assert both.serverless is not None
    assert "ecs_service:App" in both.legacy.resources


def test_a_behaviour_whose_function_chooses_an_origin_has_both_sides() -> None:
    """CloudFront's own split, as in the example."""
    api = item("ApiGatewayV2::Api", "Api", ProtocolType="HTTP", Target=arn("F"), RouteKey="POST /claims")
    code = "if (moved) { cf.selectRequestOriginById('new'); }"
    config = {
        "Origins": [
            {"Id": "new", "DomainName": {"Fn::Sub": "${Api}.execute-api.eu-west-1.amazonaws.com"}},
            {"Id": "old", "DomainName": "legacy.internal.example"},
        ],
        "DefaultCacheBehavior": {"TargetOriginId": "new"},
        "CacheBehaviors": [
            {
                "PathPattern": "/claims",
                "TargetOriginId": "old",
                "FunctionAssociations": [{"FunctionARN": arn("Split", "FunctionARN")}],
            }
        ],
    }
    found = system(
        F,
        api,
        item("CloudFront::Function", "Split", FunctionCode=code),
        item("CloudFront::Distribution", "Front", DistributionConfig=config),
    )
    assert ("Front", "fronts", "Api") in edges(found)
    both = found.endpoints["post-claims"]
    assert both.legacy is not None
    assert both.legacy.service == "legacy.internal.example"
    assert both.serverless is not None
    assert both.serverless.functions == ("function:F",)


def test_what_does_not_fit_is_said() -> None:
    """Visibility, dead letters, retries, the layer."""
    found = system(
        item("Lambda::Function", "F", Timeout=10, Runtime="python3.13"),
        item("SQS::Queue", "Q"),
        S,
        T,
        item("Lambda::EventSourceMapping", "A", EventSourceArn=arn("Q"), FunctionName=ref("F")),
        item("Lambda::EventSourceMapping", "C", EventSourceArn=arn("S"), FunctionName=ref("F")),
        item("SNS::Subscription", "E", TopicArn=ref("T"), Protocol="lambda", Endpoint=arn("F")),
        item("Strange::Thing", "X"),
    )
    assert said(found, "queue:Q hides a message for 30 s", "advises 60 s")
    assert said(found, "queue:Q has no dead-letter queue")
    assert said(found, "reads stream:S without a limit on retries")
    assert said(found, "asynchronously by topic:T and has no dead letters")
    assert said(found, "layer", "not on F")
    assert said(found, "AWS::Strange::Thing (X) is not shown")


def test_what_fits_is_not_said() -> None:
    """The same system, put right."""
    found = system(
        item(
            "Lambda::Function",
            "F",
            FunctionName="f",
            Timeout=10,
            Runtime="python3.13",
            Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"}},
        ),
        item(
            "SQS::Queue",
            "Q",
            QueueName="q",
            VisibilityTimeout="60",
            RedrivePolicy={"deadLetterTargetArn": arn("D")},
        ),
        D,
        S,
        item("Lambda::EventSourceMapping", "A", EventSourceArn=arn("Q"), FunctionName=ref("F")),
        item(
            "Lambda::EventSourceMapping",
            "C",
            EventSourceArn=arn("S"),
            FunctionName=ref("F"),
            MaximumRetryAttempts=3,
            DestinationConfig=_ON_FAILURE,
        ),
    )
    assert not found.notes
