"""IoT: user properties and payload."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from observe.context import extract
from observe.services import iot
from observe.testing import Lines
from tests.observe.carriers.cases import CONTEXT, made, read_device


def test_user_properties_carry_the_whole_context() -> None:
    """MQTT 5: pairs beside the payload, which needs not be asked for; the caller's own win."""
    carried = iot.PUBLISH.carry({"topic": "t", "payload": "{}"}, CONTEXT)
    assert extract(read_device(carried)) == CONTEXT
    assert carried["payload"] == "{}"
    mine = {"topic": "t", "userProperties": [{"X-Correlation-ID": "mine"}]}
    carried = iot.PUBLISH.carry(mine, CONTEXT)
    assert carried["userProperties"][0] == {"X-Correlation-ID": "mine"}
    assert "x-correlation-id" not in read_device(carried)
    assert iot.PUBLISH.lost(mine, CONTEXT) == "caller_has_own"


@given(st.lists(st.text(max_size=900), max_size=9))
def test_user_properties_stay_within_one_header(values: list[str]) -> None:
    """What botocore puts into the header, JSON in base64, is at most 8 KiB."""
    params = {"topic": "t", "userProperties": [{f"p{n}": value} for n, value in enumerate(values)]}
    carried = iot.PUBLISH.carry(params, CONTEXT)
    before, after = (
        len(base64.b64encode(json.dumps(p["userProperties"]).encode())) for p in (params, carried)
    )
    assert after <= 8192 or after == before
    assert (iot.PUBLISH.lost(params, CONTEXT) == "") == (extract(read_device(carried)) == CONTEXT)


def test_topics_of_awss_own_keep_their_payload(opted: None) -> None:
    """A shadow's document is AWS's contract; a rule's topic is the team's."""
    shadow = {"topic": "$aws/things/t/shadow/update", "payload": b"{}"}
    assert iot.PUBLISH.carry(shadow, CONTEXT)["payload"] == b"{}"
    assert b"_observe" in iot.PUBLISH.carry({**shadow, "topic": "$aws/rules/claims/1"}, CONTEXT)["payload"]


def test_a_message_is_published_with_user_properties(lines: Lines, client: Callable[[str], Any]) -> None:
    """botocore takes the list and writes the header, so that it is given as Python's."""
    device = client("iot-data")
    sent: list[Any] = []
    device.meta.events.register(
        "before-send.iot-data-plane.Publish", lambda request, **_: sent.append(request.headers)
    )
    made(lambda: device.publish(topic="claims/1", payload=b"x"))
    header = sent[0]["x-amz-mqtt5-user-properties"]
    pairs = json.loads(base64.b64decode(header))
    assert extract({name: value for pair in pairs for name, value in pair.items()}).correlation_id == "CLM-1"
    assert lines.spans[1]["name"] == "send claims"
