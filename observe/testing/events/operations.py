"""Events of who runs things: CloudWatch, Config, CodePipeline, CodeDeploy, CloudFormation, Secrets Manager.

None of them carries a context.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
https://docs.aws.amazon.com/lambda/latest/dg/services-codepipeline.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import gzip

from observe.testing.events.parts import (
    ACCOUNT,
    FUNCTION,
    REGION,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    epoch_ms,
    function_arn,
    iso_ms,
    json_of,
    numbered,
    octets_of,
    one_of,
    plain,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.testing.events.parts import Body, Event

_EVENT_ID = 37199773595581154154810589279545129148442535997644275712
_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


@checked
def cloudwatch_logs(
    *messages: Body,
    log_group: str = "/aws/lambda/function",
    log_stream: str = "2026/01/02/[$LATEST]0123456789abcdef0123456789abcdef",
    subscription_filter: str = "filter",
    message_type: str = "DATA_MESSAGE",
    time: datetime = TIME,
) -> Event:
    """What a subscription to a log group hands over, compressed. messages: lines of text, or JSON.

    message_type: CONTROL_MESSAGE for CloudWatch's test of whether anybody is there.
    """
    one_of(message_type, ("DATA_MESSAGE", "CONTROL_MESSAGE"), "cloudwatch_logs", "message_type")
    if not messages:
        raise ValueError("cloudwatch_logs: nothing is handed over without a message: give at least one")
    millis = epoch_ms(at(time, "cloudwatch_logs"))
    payload = {
        "messageType": message_type,
        "owner": ACCOUNT,
        "logGroup": log_group,
        "logStream": log_stream,
        "subscriptionFilters": [subscription_filter],
        "logEvents": [
            {"id": str(_EVENT_ID + n), "timestamp": millis, "message": text_of(message, "cloudwatch_logs")}
            for n, message in enumerate(messages)
        ],
    }
    data = gzip.compress(octets_of(payload, "cloudwatch_logs"), mtime=0)
    return {"awslogs": {"data": base64_of(data)}}


@checked
def cloudwatch_alarm(
    name: str = "alarm",
    *,
    state: str = "ALARM",
    previous: str = "OK",
    reason: str = "Threshold Crossed",
    metric: str = "Errors",
    namespace: str = "AWS/Lambda",
    time: datetime = TIME,
) -> Event:
    """The action of an alarm of one metric. state, previous: OK, ALARM or INSUFFICIENT_DATA."""
    for value in (state, previous):
        one_of(value, _STATES, "cloudwatch_alarm", "state")
    told = iso_ms(at(time, "cloudwatch_alarm")).replace("Z", "+0000")
    stat = {
        "metric": {"namespace": namespace, "name": metric, "dimensions": {}},
        "period": 60,
        "stat": "Sum",
    }
    return {
        "source": "aws.cloudwatch",
        "alarmArn": arn("cloudwatch", f"alarm:{name}"),
        "accountId": ACCOUNT,
        "time": told,
        "region": REGION,
        "alarmData": {
            "alarmName": name,
            "state": _state(state, reason, told),
            "previousState": _state(previous, "before", told),
            "configuration": {"metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]},
        },
    }


def _state(value: str, reason: str, time: str) -> dict[str, str]:
    data = json_of({"version": "1.0", "queryDate": time}, "cloudwatch_alarm")
    return {"value": value, "reason": reason, "reasonData": data, "timestamp": time}


@checked
def cloudwatch_widget(
    params: Mapping[str, Any] | None = None,
    *,
    describe: bool = False,
    dashboard: str = "dashboard",
    title: str = "title",
    time: datetime = TIME,
) -> Event:
    """A custom widget that is to be drawn. params: its own. describe: whether its documentation is wanted."""
    now = epoch_ms(at(time, "cloudwatch_widget"))
    own = plain(params or {}, "cloudwatch_widget")
    if "widgetContext" in own:
        raise ValueError("cloudwatch_widget: widgetContext is CloudWatch's, and no parameter of a widget")
    return {
        **own,
        **({"describe": True} if describe else {}),
        "widgetContext": {
            "dashboardName": dashboard,
            "widgetId": "widget-1",
            "domain": f"https://{REGION}.console.aws.amazon.com",
            "accountId": ACCOUNT,
            "locale": "en",
            "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
            "period": 300,
            "isAutoPeriod": True,
            "timeRange": {
                "mode": "relative",
                "start": now - 86_400_000,
                "end": now,
                "relativeStart": 86_400_000,
                "zoom": {"start": now - 3_600_000, "end": now},
            },
            "theme": "light",
            "linkCharts": True,
            "title": title,
            "params": {**own},
            "forms": {"all": {}},
            "width": 588,
            "height": 369,
        },
    }


@checked
def config_rule(
    item: Mapping[str, Any] | None = None,
    *,
    rule: str = "rule",
    parameters: Mapping[str, str] | None = None,
    left_scope: bool = False,
    time: datetime = TIME,
) -> Event:
    """An evaluation by a custom rule of Config. item: the configuration item that has changed, or None.

    Without an item it is a scheduled evaluation of the account. parameters: the rule's.
    """
    captured = iso_ms(at(time, "config_rule"))
    if item is None:
        invoking: dict[str, Any] = {
            "awsAccountId": ACCOUNT,
            "notificationCreationTime": captured,
            "messageType": "ScheduledNotification",
            "recordVersion": "1.0",
        }
    else:
        invoking = {
            "configurationItemDiff": None,
            "configurationItem": {
                "configurationItemCaptureTime": captured,
                "configurationItemStatus": "OK",
                "awsAccountId": ACCOUNT,
                "awsRegion": REGION,
                **item,
            },
            "notificationCreationTime": captured,
            "messageType": "ConfigurationItemChangeNotification",
            "recordVersion": "1.3",
        }
    return {
        "version": "1.0",
        "invokingEvent": json_of(invoking, "config_rule"),
        "ruleParameters": json_of(dict(parameters or {}), "config_rule"),
        "resultToken": "token",
        "eventLeftScope": left_scope,
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/config",
        "configRuleArn": arn("config", "config-rule/config-rule-i9y8j9"),
        "configRuleName": rule,
        "configRuleId": "config-rule-i9y8j9",
        "accountId": ACCOUNT,
        "evaluationMode": "DETECTIVE",
    }


@checked
def code_pipeline(
    parameters: Body = "",
    *,
    bucket: str = "artifacts",
    key: str = "source.zip",
    function: str = FUNCTION,
    job_id: str = "11111111-abcd-1111-abcd-111111abcdef",
) -> Event:
    """An action of a pipeline that invokes a function. parameters: UserParameters. bucket, key: its input."""
    place = {"bucketName": bucket, "objectKey": key}
    return {
        "CodePipeline.job": {
            "id": job_id,
            "accountId": ACCOUNT,
            "data": {
                "actionConfiguration": {
                    "configuration": {
                        "FunctionName": function,
                        "UserParameters": text_of(parameters, "code_pipeline"),
                    }
                },
                "inputArtifacts": [
                    {
                        "name": "Source",
                        "revision": None,
                        "location": {"type": "S3", "s3Location": place},
                    }
                ],
                "outputArtifacts": [],
                "artifactCredentials": {
                    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                    "secretAccessKey": "secret",
                    "sessionToken": "token",
                },
                "continuationToken": "token",
            },
        }
    }


@checked
def code_deploy(
    deployment_id: str = "d-ABCDEF123", *, execution_id: str = "eyJlbmNyeXB0ZWREYXRhIjoiRVhBTVBMRSJ9"
) -> Event:
    """A hook of a deployment. execution_id: what the function passes on to say how it went."""
    return {"DeploymentId": deployment_id, "LifecycleEventHookExecutionId": execution_id}


@checked
def custom_resource(
    request_type: str = "Create",
    *,
    properties: Mapping[str, Any] | None = None,
    old_properties: Mapping[str, Any] | None = None,
    physical_id: str = "",
    resource_type: str = "Custom::Resource",
    logical_id: str = "Resource",
    stack: str = "stack",
    request_id: str = numbered(0xCF000000, 0),
    function: str = FUNCTION,
) -> Event:
    """A custom resource of a stack. request_type: Create, Update or Delete."""
    one_of(request_type, ("Create", "Update", "Delete"), "custom_resource", "request_type")
    token = function_arn(function)
    event = {
        "RequestType": request_type,
        "ServiceToken": token,
        "ResponseURL": f"https://cloudformation-custom-resource-response-example.s3.{REGION}.amazonaws.com/response",
        "StackId": arn("cloudformation", f"stack/{stack}/{numbered(0xCF000000, 1)}"),
        "RequestId": request_id,
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "ResourceProperties": {"ServiceToken": token, **plain(properties or {}, "custom_resource")},
    }
    if request_type != "Create":
        event["PhysicalResourceId"] = physical_id or f"{stack}-{logical_id}"
    if request_type == "Update":
        event["OldResourceProperties"] = {
            "ServiceToken": token,
            **plain(old_properties or {}, "custom_resource"),
        }
    elif old_properties is not None:
        raise ValueError(f"custom_resource: {request_type} knows no old properties; Update does")
    return event


@checked
def secret_rotation(
    step: str = "createSecret",
    *,
    secret: str = "secret",  # noqa: S107  # its name
    token: str = numbered(0x5EC00000, 0),
) -> Event:
    """A step of a rotation: createSecret, setSecret, testSecret or finishSecret. token: the version's."""
    one_of(step, ("createSecret", "setSecret", "testSecret", "finishSecret"), "secret_rotation", "step")
    return {
        "Step": step,
        "SecretId": arn("secretsmanager", f"secret:{secret}-a1b2c3"),
        "ClientRequestToken": token,
        "RotationToken": numbered(0x5EC00000, 1),
    }
