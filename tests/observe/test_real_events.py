"""Events as AWS publishes and others record them: each is what its name says, or nothing for a reason."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from observe.services import source_of

#: aws-powertools/powertools-lambda-python's tests/events (MIT-0): not kept here, and so their own names.
FOLDER = os.environ.get("OBSERVE_EVENTS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER or not Path(FOLDER).is_dir(), reason="OBSERVE_EVENTS names no folder of real events"
)

#: Source -> the files, without .json, that are events of it.
FILES: dict[str, tuple[str, ...]] = {
    "ActiveMQ": ("activeMQEvent",),
    "Application Load Balancer": (
        "albEvent",
        "albEventPathTrailingSlash",
        "albMultiValueHeadersEvent",
        "albMultiValueQueryStringEvent",
    ),
    "Request authorizer": ("apiGatewayAuthorizerRequestEvent",),
    "Token authorizer": ("apiGatewayAuthorizerTokenEvent",),
    "HTTP API authorizer": ("apiGatewayAuthorizerV2Event",),
    "REST API": (
        "apiGatewayProxyEvent",
        "apiGatewayProxyEventAnotherPath",
        "apiGatewayProxyEventNoOrigin",
        "apiGatewayProxyEventPathTrailingSlash",
        "apiGatewayProxyEventPrincipalId",
        "apiGatewayProxyEvent_noVersionAuth",
        "apiGatewayProxyOtherEvent",
        "apigatewayeSchemaMiddlwareInvalidEvent",
        "apigatewayeSchemaMiddlwareValidEvent",
    ),
    "HTTP API or function URL": (
        "apiGatewayProxyV2Event",
        "apiGatewayProxyV2EventPathTrailingSlash",
        "apiGatewayProxyV2Event_GET",
        "apiGatewayProxyV2IamEvent",
        "apiGatewayProxyV2LambdaAuthorizerEvent",
        "apiGatewayProxyV2OtherGetEvent",
        "apiGatewayProxyV2SchemaMiddlwareInvalidEvent",
        "apiGatewayProxyV2SchemaMiddlwareValidEvent",
        "lambdaFunctionUrlEvent",
        "lambdaFunctionUrlEventPathTrailingSlash",
        "lambdaFunctionUrlEventWithHeaders",
        "lambdaFunctionUrlIAMEvent",
    ),
    "AppSync authorizer": ("appSyncAuthorizerEvent",),
    "AppSync": (
        "appSyncBatchEvent",
        "appSyncDirectResolver",
        "appSyncResolverEvent",
    ),
    "Config rule": (
        "awsConfigRuleConfigurationChanged",
        "awsConfigRuleOversizedConfiguration",
        "awsConfigRuleScheduled",
    ),
    "Bedrock agent": (
        "bedrockAgentEvent",
        "bedrockAgentEventWithPathParams",
        "bedrockAgentPostEvent",
    ),
    "CloudWatch alarm": (
        "cloudWatchAlarmEventCompositeMetric",
        "cloudWatchAlarmEventSingleMetric",
    ),
    "CloudWatch dashboard widget": ("cloudWatchDashboardEvent",),
    "CloudWatch Logs": (
        "cloudWatchLogEvent",
        "cloudWatchLogEventWithPolicyLevel",
    ),
    "CloudFormation custom resource": (
        "cloudformationCustomResourceCreate",
        "cloudformationCustomResourceDelete",
        "cloudformationCustomResourceUpdate",
    ),
    "CodeDeploy": ("codeDeployLifecycleHookEvent",),
    "CodePipeline": (
        "codePipelineEvent",
        "codePipelineEventData",
        "codePipelineEventEmptyUserParameters",
        "codePipelineEventWithEncryptionKey",
    ),
    "Cognito": (
        "cognitoCreateAuthChallengeEvent",
        "cognitoCustomEmailSenderEvent",
        "cognitoCustomMessageEvent",
        "cognitoCustomSMSSenderEvent",
        "cognitoDefineAuthChallengeEvent",
        "cognitoPostAuthenticationEvent",
        "cognitoPostConfirmationEvent",
        "cognitoPreAuthenticationEvent",
        "cognitoPreSignUpEvent",
        "cognitoPreTokenGenerationEvent",
        "cognitoPreTokenV2GenerationEvent",
        "cognitoUserMigrationEvent",
        "cognitoVerifyAuthChallengeResponseEvent",
    ),
    "Connect": (
        "connectContactFlowEventAll",
        "connectContactFlowEventMin",
    ),
    "DynamoDB": ("dynamoStreamEvent",),
    "EventBridge": (
        "eventBridgeEvent",
        "s3EventBridgeNotificationObjectCreatedEvent",
        "s3EventBridgeNotificationObjectDeletedEvent",
        "s3EventBridgeNotificationObjectExpiredEvent",
        "s3EventBridgeNotificationObjectRestoreCompletedEvent",
    ),
    "Kafka": (
        "kafkaEventMsk",
        "kafkaEventSelfManaged",
    ),
    "Firehose": (
        "kinesisFirehoseKinesisEvent",
        "kinesisFirehosePutEvent",
        "kinesisFirehoseSQSEvent",
    ),
    "Kinesis": (
        "kinesisStreamCloudWatchLogsEvent",
        "kinesisStreamEvent",
        "kinesisStreamEventOneRecord",
    ),
    "RabbitMQ": ("rabbitMQEvent",),
    "S3 Batch Operations": (
        "s3BatchOperationEventSchemaV1",
        "s3BatchOperationEventSchemaV2",
    ),
    "S3": (
        "s3Event",
        "s3EventDecodedKey",
        "s3EventDeleteObject",
        "s3EventGlacier",
    ),
    "S3 Object Lambda": (
        "s3ObjectEventIAMUser",
        "s3ObjectEventTempCredentials",
    ),
    "SQS": (
        "s3SqsEvent",
        "snsSqsEvent",
        "snsSqsFifoEvent",
        "sqsDlqTriggerEvent",
        "sqsEvent",
    ),
    "Secrets Manager rotation": ("secretsManagerEvent",),
    "SES": ("sesEvent",),
    "SNS": ("snsEvent",),
    "VPC Lattice 1.0": (
        "vpcLatticeEvent",
        "vpcLatticeEventPathTrailingSlash",
    ),
    "VPC Lattice 2.0": (
        "vpcLatticeEventV2PathTrailingSlash",
        "vpcLatticeV2Event",
        "vpcLatticeV2EventWithHeaders",
    ),
}
#: File -> why it is no event.
NOTHING = {
    "appSyncAuthorizerResponse": "what an authorizer replies",
}
ROWS: dict[str, str | None] = {
    **{file: source for source, files in FILES.items() for file in files},
    **dict.fromkeys(NOTHING),
}


@pytest.mark.parametrize("file", sorted(ROWS))
def test_an_event_is_recognised(file: str) -> None:
    """The event has the source of the table, which reads it."""
    event = json.loads((Path(FOLDER) / f"{file}.json").read_text(encoding="utf-8"))
    source = source_of(event)
    assert (source.name if source is not None else None) == ROWS[file]
    if source is not None:
        assert source.records(event)
        name, _ = source.describe(event)
        assert name


def test_every_event_of_the_folder_is_in_the_table() -> None:
    """An event that is added to the folder needs a row."""
    assert {path.stem for path in Path(FOLDER).glob("*.json")} == ROWS.keys()
