"""Names: given, known of a deployed stack, or of the shape that CloudFormation makes."""

from __future__ import annotations

from dashboards.resources import Name
from tests.dashboards.model.system import arn, item, ref, system


def _known(text: str) -> Name:
    return Name(known=text, expression=text, pattern=text)


def test_a_name_of_the_template_is_known() -> None:
    """And the function's log group with it."""
    found = system(item("Lambda::Function", "F", FunctionName="submit")).resources["function:F"]
    assert found.name == _known("submit")
    assert found.log_groups == (_known("/aws/lambda/submit"),)
    assert found.limits == {"timeout_s": 3, "memory_mb": 128}


def test_a_made_name_is_an_expression_and_a_shape() -> None:
    """With the stack's name, where it is known."""
    one = item("SQS::Queue", "Claims")
    assert system(one).resources["queue:Claims"].name == Name(
        expression=arn("Claims", "QueueName"), pattern="*-Claims-*"
    )
    assert system(one, stack="shop").resources["queue:Claims"].name.pattern == "shop-Claims-*"
    assert system(item("S3::Bucket", "Claims")).resources["bucket:Claims"].name.pattern == "*-claims-*"


def test_a_partly_known_name_keeps_what_is_known_of_it() -> None:
    """And an ARN of the same shape is that resource."""
    name = {"Fn::Sub": "${AWS::StackName}-claims"}
    found = system(item("Lambda::Function", "F", FunctionName=name)).resources["function:F"]
    assert found.name == Name(expression=ref("F"), pattern="*-claims")
    assert found.log_groups[0].pattern == "/aws/lambda/*-claims"


def test_the_names_of_a_deployed_stack_win() -> None:
    """Each as its dimension wants it, of the physical ID that CloudFormation tells."""
    balancer = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/shop/50dc6c495c0c9188"
    group = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/943f017f100becff"
    machine = "arn:aws:states:eu-west-1:1:stateMachine:flow"
    names = {
        "Q": "https://sqs.eu-west-1.amazonaws.com/1/shop-Q-1A",
        "T": "arn:aws:sns:eu-west-1:1:shop-T-1A",
        "R": "bus|shop-R-1A",
        "L": balancer,
        "G": group,
        "W": machine,
        "H": "a1b2c3",
    }
    found = system(
        item("SQS::Queue", "Q", QueueName={"Ref": "Unknown"}),
        item("SNS::Topic", "T"),
        item("Events::Rule", "R"),
        item("ElasticLoadBalancingV2::LoadBalancer", "L"),
        item("ElasticLoadBalancingV2::TargetGroup", "G"),
        item("StepFunctions::StateMachine", "W"),
        item("ApiGatewayV2::Api", "H", ProtocolType="HTTP", Name="claims"),
        names=names,
    )
    assert [one.name.known for one in found.resources.values()] == [
        "shop-Q-1A",
        "shop-T-1A",
        "shop-R-1A",
        "app/shop/50dc6c495c0c9188",
        "targetgroup/shop/943f017f100becff",
        machine,
        "a1b2c3",
    ]
    assert found.resources["load_balancer:L"].facts["full_name"] == "app/shop/50dc6c495c0c9188"
    assert found.resources["http_api:H"].facts["title"] == "claims"


def test_a_state_machine_goes_by_its_arn() -> None:
    """Known where name, Region and account are."""
    one = item("StepFunctions::StateMachine", "W", StateMachineName="flow")
    assert not system(one).resources["state_machine:W"].name.known
    known = system(one, region="eu-west-1", account="123456789012").resources["state_machine:W"].name
    assert known == _known("arn:aws:states:eu-west-1:123456789012:stateMachine:flow")


def test_a_log_group_of_its_own_is_the_functions() -> None:
    """By LoggingConfig, known or made."""
    group = item("Logs::LogGroup", "G", LogGroupName="/own/f")
    one = item("Lambda::Function", "F", LoggingConfig={"LogGroup": ref("G"), "LogFormat": "JSON"})
    found = system(group, one).resources["function:F"]
    assert (found.log_groups, found.facts["log_format"]) == ((_known("/own/f"),), "JSON")
    unnamed = system(item("Logs::LogGroup", "G"), one).resources["function:F"].log_groups[0]
    assert unnamed == Name(expression=ref("G"), pattern="*-G-*")


def test_connections_of_a_database_are_of_its_parameters_or_its_class() -> None:
    """RDS's own default is a share of the memory."""
    group = item("RDS::DBParameterGroup", "P", Parameters={"max_connections": "300"})
    own = item("RDS::DBInstance", "A", Engine="postgres", DBParameterGroupName=ref("P"))
    guessed = item("RDS::DBInstance", "B", Engine="mysql", DBInstanceClass="db.t4g.medium")
    odd = item("RDS::DBInstance", "C", Engine="mysql", DBInstanceClass="db.t4g.2large")
    found = system(group, own, guessed, odd).resources
    assert found["database:A"].limits["max_connections"] == 300
    assert found["database:B"].limits["max_connections"] == 341
    assert "max_connections" not in found["database:C"].limits
