"""Agents for Amazon Bedrock: an action group's call; the session's attributes may carry headers.

https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record with what the application put into the session, or into this prompt.

    event: {"sessionAttributes": {name: value}, "promptSessionAttributes": {name: value}, ...}
    """
    return [Record({**lower(event.get("sessionAttributes")), **lower(event.get("promptSessionAttributes"))})]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `execute_tool <tool>`: the function, or the operation of an API schema; not what was asked.

    https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#execute-tool-span
    """
    agent = mapping(event.get("agent"))
    operation = f"{text(event.get('httpMethod'))} {text(event.get('apiPath'))}".strip()
    tool = text(event.get("function")) or operation or text(event.get("actionGroup"))
    attributes = {
        semconv.GEN_AI_OPERATION_NAME: "execute_tool",
        semconv.GEN_AI_TOOL_NAME: tool,
        semconv.GEN_AI_AGENT_ID: text(agent.get("id")),
        semconv.GEN_AI_AGENT_NAME: text(agent.get("name")),
    }
    return f"execute_tool {tool}".strip(), {key: value for key, value in attributes.items() if value}


AGENT = Source(
    "Bedrock agent",
    trigger="other",
    kind=KIND_SERVER,
    public=False,
    records=records,
    describe=describe,
)
