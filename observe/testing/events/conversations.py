"""Events of who talks to people: Connect, Lex, Alexa, agents of Bedrock; and Cognito, who lets them in.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html
https://developer.amazon.com/docs/custom-skills/request-and-response-json-reference.html
https://developer.amazon.com/docs/device-apis/message-guide.html
https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
"""

from __future__ import annotations

from observe.testing.carrying import with_headers
from observe.testing.events.parts import REGION, TIME, arn, at, checked, iso_s, numbered, one_of, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event


@checked
def connect(
    parameters: Mapping[str, str] | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
    context: Context | None = None,
    channel: str = "VOICE",
    customer: str = "+441632960000",
    contact_id: str = "5ca32fbd-8f92-46af-92a5-6b0f970f0efe",
) -> Event:
    """A contact flow that invokes a function. parameters: the flow's, where a context is as well."""
    one_of(channel, ("VOICE", "CHAT", "TASK", "EMAIL"), "connect", "channel")
    instance = arn("connect", "instance/9308c2a1-9bc6-4cea-8290-6c0b4a6d38fa")
    phone = {"Address": customer, "Type": "TELEPHONE_NUMBER"} if channel == "VOICE" else None
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": dict(attributes or {}),
                "Channel": channel,
                "ContactId": contact_id,
                "CustomerEndpoint": phone,
                "InitialContactId": contact_id,
                "InitiationMethod": "INBOUND",
                "InstanceARN": instance,
                "MediaStreams": {
                    "Customer": {
                        "Audio": {"StartFragmentNumber": None, "StartTimestamp": None, "StreamARN": None}
                    }
                },
                "PreviousContactId": contact_id,
                "Queue": {"ARN": f"{instance}/queue/5cba7cbf-1ecb-4b6d-b8bd-fe91079b3fc8", "Name": "Queue"},
                "SystemEndpoint": {**phone, "Address": "+441632960999"} if phone else None,
            },
            "Parameters": with_headers(parameters or {}, context, "connect"),
        },
    }


@checked
def lex(
    intent: str = "Intent",
    *,
    slots: Mapping[str, str | None] | None = None,
    hook: str = "FulfillmentCodeHook",
    transcript: str = "hello",
    session: Mapping[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
    context: Context | None = None,
    bot: str = "Bot",
    session_id: str = "session-1",
) -> Event:
    """A hook of a bot of Lex V2. hook: DialogCodeHook or FulfillmentCodeHook.

    slots: values by name, None where one is not filled. session: its attributes. attributes: of the request,
    where a context is as well.
    """
    one_of(hook, ("DialogCodeHook", "FulfillmentCodeHook"), "lex", "hook")
    understood = {
        "name": intent,
        "slots": {name: _slot(value) for name, value in (slots or {}).items()},
        "state": "ReadyForFulfillment" if hook == "FulfillmentCodeHook" else "InProgress",
        "confirmationState": "None",
    }
    told = with_headers(attributes or {}, context, "lex")
    return {
        "messageVersion": "1.0",
        "invocationSource": hook,
        "inputMode": "Text",
        "responseContentType": "text/plain; charset=utf-8",
        "sessionId": session_id,
        "inputTranscript": transcript,
        "bot": {
            "id": "BOTID12345",
            "name": bot,
            "localeId": "en_GB",
            "version": "DRAFT",
            "aliasId": "TSTALIASID",
            "aliasName": "TestBotAlias",
        },
        "interpretations": [{"intent": understood, "interpretationSource": "Lex", "nluConfidence": 0.95}],
        "transcriptions": [
            {
                "transcription": transcript,
                "transcriptionConfidence": 1.0,
                "resolvedContext": {"intent": intent},
                "resolvedSlots": {},
            }
        ],
        **({"requestAttributes": told} if told else {}),
        "sessionState": {
            "sessionAttributes": dict(session or {}),
            "activeContexts": [],
            "intent": plain(understood, "lex"),
            "originatingRequestId": numbered(0x1E000000, 0),
        },
    }


def _slot(value: str | None) -> dict[str, Any] | None:
    if value is None:
        return None
    found = {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]}
    return {"shape": "Scalar", "value": found}


_REQUESTS = ("IntentRequest", "LaunchRequest", "SessionEndedRequest")


@checked
def alexa_skill(
    intent: str = "Intent",
    *,
    request_type: str = "IntentRequest",
    slots: Mapping[str, str] | None = None,
    session: Mapping[str, Any] | None = None,
    context: Context | None = None,
    request_id: str = "amzn1.echo-api.request.1",
    time: datetime = TIME,
) -> Event:
    """A request to a custom skill. request_type: IntentRequest, LaunchRequest or SessionEndedRequest.

    session: what the skill has stored in the session, where a context is as well.
    """
    one_of(request_type, _REQUESTS, "alexa_skill", "request_type")
    application = {"applicationId": "amzn1.ask.skill.1"}
    user = {"userId": "amzn1.ask.account.1"}
    request: dict[str, Any] = {
        "type": request_type,
        "requestId": request_id,
        "timestamp": iso_s(at(time, "alexa_skill")),
        "locale": "en-GB",
    }
    if request_type == "IntentRequest":
        filled = {name: {"name": name, "value": value} for name, value in (slots or {}).items()}
        request["intent"] = {"name": intent, "confirmationStatus": "NONE", "slots": filled}
    if request_type == "SessionEndedRequest":
        request["reason"] = "USER_INITIATED"
    return {
        "version": "1.0",
        "session": {
            "new": request_type == "LaunchRequest",
            "sessionId": "amzn1.echo-api.session.1",
            "application": {**application},
            "attributes": with_headers(plain(session or {}, "alexa_skill"), context, "alexa_skill"),
            "user": {**user},
        },
        "context": {
            "System": {
                "application": {**application},
                "user": {**user},
                "device": {"deviceId": "amzn1.ask.device.1", "supportedInterfaces": {}},
                "apiEndpoint": "https://api.eu.amazonalexa.com",
                "apiAccessToken": "token",
            }
        },
        "request": request,
    }


@checked
def alexa_smart_home(
    name: str = "TurnOn",
    *,
    namespace: str = "Alexa.PowerController",
    payload: Mapping[str, Any] | None = None,
    endpoint: str = "appliance-1",
    message_id: str = "1bd5d003-31b9-476f-ad03-71d471922820",
) -> Event:
    """A directive of the smart home interface; a discovery (`Alexa.Discovery`) has no endpoint."""
    scope = {"type": "BearerToken", "token": "token"}
    directive: dict[str, Any] = {
        "header": {
            "namespace": namespace,
            "name": name,
            "payloadVersion": "3",
            "messageId": message_id,
        }
    }
    own = plain(payload or {}, "alexa_smart_home")
    if namespace == "Alexa.Discovery":
        return {"directive": {**directive, "payload": {"scope": scope, **own}}}
    directive["header"]["correlationToken"] = "dFMb0z+PgpgdDmluhJ1LddFvSqZ/jCc8ptlAKulUj90jSqg=="
    directive["endpoint"] = {"scope": scope, "endpointId": endpoint, "cookie": {}}
    return {"directive": {**directive, "payload": own}}


@checked
def bedrock_agent(
    *,
    function: str = "",
    api_path: str = "",
    method: str = "GET",
    parameters: Sequence[Mapping[str, str]] = (),
    properties: Sequence[Mapping[str, str]] = (),
    session: Mapping[str, str] | None = None,
    prompt_session: Mapping[str, str] | None = None,
    context: Context | None = None,
    text: str = "hello",
    action_group: str = "Actions",
    agent: str = "agent",
    session_id: str = "session-1",
) -> Event:
    """A call of an action group: of a function, or of an operation of an API (`api_path`, `method`).

    parameters, properties (of the JSON body): [{"name", "type", "value"}, ...]. session: the session's
    attributes, where a context is as well.
    """
    if bool(function) == bool(api_path):
        raise ValueError("bedrock_agent: an action is a function or an operation: function= or api_path=")
    content = {"application/json": {"properties": [dict(item) for item in properties]}}
    operation: dict[str, Any] = (
        {"function": function} if function else {"apiPath": api_path, "httpMethod": method}
    )
    return {
        "messageVersion": "1.0",
        "agent": {"alias": "TSTALIASID", "name": agent, "version": "DRAFT", "id": "8ZXY0W8P1H"},
        "sessionId": session_id,
        "inputText": text,
        "actionGroup": action_group,
        **operation,
        "parameters": [dict(item) for item in parameters],
        **({"requestBody": {"content": content}} if properties else {}),
        "sessionAttributes": with_headers(session or {}, context, "bedrock_agent"),
        "promptSessionAttributes": dict(prompt_session or {}),
    }


_USER = {
    "userAttributes": {"sub": numbered(0x1DE0, 0), "email_verified": "true", "email": "jdoe@example.com"}
}
_SENT = {**_USER, "type": "customEmailSenderRequestV1", "code": "AYADeEXAMPLE"}
#: Trigger -> (what is in its request beside the client's metadata, what in its response if it has one).
TRIGGERS: dict[str, tuple[dict[str, Any], Any]] = {
    "PreSignUp": (
        {**_USER, "validationData": None},
        {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    ),
    "PostConfirmation": (_USER, {}),
    "PreAuthentication": ({**_USER, "validationData": None, "userNotFound": False}, {}),
    "PostAuthentication": ({**_USER, "newDeviceUsed": False}, {}),
    "TokenGeneration": (
        {
            **_USER,
            "groupConfiguration": {
                "groupsToOverride": [],
                "iamRolesToOverride": [],
                "preferredRole": None,
            },
        },
        {"claimsOverrideDetails": None},
    ),
    "UserMigration": (
        {"password": "password", "validationData": None},
        dict.fromkeys(
            (
                *("userAttributes", "finalUserStatus", "messageAction", "desiredDeliveryMediums"),
                *("forceAliasCreation", "enableSMSMFA"),
            )
        ),
    ),
    "CustomMessage": (
        {
            **_USER,
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
        },
        {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    ),
    "DefineAuthChallenge": (
        {**_USER, "session": [], "userNotFound": False},
        {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    ),
    "CreateAuthChallenge": (
        {**_USER, "challengeName": "CUSTOM_CHALLENGE", "session": [], "userNotFound": False},
        {"publicChallengeParameters": None, "privateChallengeParameters": None, "challengeMetadata": None},
    ),
    "VerifyAuthChallengeResponse": (
        {
            **_USER,
            "privateChallengeParameters": {"answer": "answer"},
            "challengeAnswer": "answer",
            "userNotFound": False,
        },
        {"answerCorrect": None},
    ),
    "CustomEmailSender": (_SENT, None),
    "CustomSMSSender": ({**_SENT, "type": "customSMSSenderRequestV1"}, None),
}


@checked
def cognito(
    trigger: str = "PreSignUp_SignUp",
    *,
    metadata: Mapping[str, str] | None = None,
    context: Context | None = None,
    request: Mapping[str, Any] | None = None,
    user: str = "jdoe",
    user_pool: str = f"{REGION}_pool",
    client_id: str = "client",
) -> Event:
    """A trigger of a user pool. trigger: its source, as `PostConfirmation_ConfirmSignUp`.

    metadata: the client's, where a context is as well; PreAuthentication is given none. request: members that
    are to be other ones than the trigger's by default.
    """
    name = trigger.partition("_")[0]
    one_of(name, TRIGGERS, "cognito", "trigger")
    asked, answer = TRIGGERS[name]
    told = with_headers(metadata or {}, context, "cognito")
    if told and name == "PreAuthentication":
        raise ValueError("cognito: PreAuthentication is given no metadata of the client, and so no context")
    return {
        "version": "1",
        "region": REGION,
        "userPoolId": user_pool,
        "userName": user,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": trigger,
        "request": {
            **plain(asked, "cognito"),
            **({"clientMetadata": told} if told else {}),
            **plain(request or {}, "cognito"),
        },
        **({} if answer is None else {"response": plain(answer, "cognito")}),
    }
