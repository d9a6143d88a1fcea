"""DynamoDB: an attribute of the item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import botocore.client
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from observe import patch_botocore
from observe.context import Context, extract
from observe.services import dynamodb_carrier as dynamodb
from observe.testing import Lines
from tests.observe.carriers.cases import CONTEXT, CONTEXTS, asked, fresh_name, made, read_image, receipts_in


def _tree(value: Any) -> Any:
    if isinstance(value, dict):
        return {"M": {name: _tree(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [_tree(inner) for inner in value]}
    return {"B": value} if isinstance(value, bytes) else {"S": value}


ITEMS = st.recursive(
    st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), ITEMS, max_size=4), CONTEXTS)
def test_an_item_has_one_attribute_more(item: dict[str, Any], context: Context) -> None:
    """The item's own attributes are there, and the stream's reader finds the context in the new image."""
    with asked():
        params = {"TableName": "t", "Item": {name: _tree(value) for name, value in item.items()}}
        carried = dynamodb.PUT_ITEM.carry(params, context)
        assert carried["Item"].items() >= params["Item"].items()
        assert extract(read_image(carried)) == context


@pytest.mark.parametrize("left", [-10, 0, 50, 100, 1100, 1400])
def test_an_item_stays_under_400_kilobytes(opted: None, left: int) -> None:
    """An item near its limit is written as it is, or with as much as has room."""
    params = {"TableName": "t", "Item": {"id": {"S": "x" * (409_600 - 2 - left)}}}
    carried = dynamodb.PUT_ITEM.carry(params, CONTEXT)["Item"]
    extra = sum(3 + len(k) + len(v["S"]) for k, v in carried.get("_observe", {"M": {}})["M"].items())
    assert extra + 11 <= left or "_observe" not in carried
    assert dynamodb.PUT_ITEM.lost(params, CONTEXT) == ("" if left == 1400 else "too_large")


def test_an_items_own_attribute_stays(opted: None) -> None:
    """A table with an attribute of that name keeps it, and an item that is not typed is botocore's."""
    mine = {"Item": {"id": {"S": "1"}, "_observe": {"S": "mine"}}}
    assert dynamodb.PUT_ITEM.carry(mine, CONTEXT) == mine
    assert dynamodb.PUT_ITEM.lost(mine, CONTEXT) == "caller_has_own"
    assert dynamodb.PUT_ITEM.lost({"Item": {"id": "1"}}, CONTEXT) == "not_json"


def test_an_item_of_a_resource_has_the_attribute(opted: None, lines: Lines, moto: MotoServer) -> None:
    """boto3's resources turn Python values into typed ones before we see them."""
    patch_botocore.install(botocore.client)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    resource = session.resource("dynamodb", endpoint_url=moto.endpoint_url)
    table = resource.create_table(
        TableName=fresh_name(),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": "1", "list": [1, {"a": b"x"}]}
    made(lambda: table.put_item(Item=item))
    assert item == {"id": "1", "list": [1, {"a": b"x"}]}
    found = table.get_item(Key={"id": "1"})["Item"]
    assert extract(found["_observe"]).span_id == lines.spans[1]["spanId"]
    assert lines.spans[1]["name"] == f"PutItem {table.name}"
    assert receipts_in(lines) == []
    resource.meta.client.close()


def test_an_item_that_is_written_again_tells_of_who_writes_it_now(opted: None) -> None:
    """Read, changed and put: the attribute that was read with it is of whoever wrote it before."""
    earlier = Context("a" * 32, "b" * 16, correlation_id="CLM-0", baggage=(("k", "v"),))
    read = dynamodb.PUT_ITEM.carry({"TableName": "t", "Item": {"id": {"S": "1"}}}, earlier)
    again = {"TableName": "t", "Item": {**read["Item"], "n": {"N": "2"}}}
    carried = dynamodb.PUT_ITEM.carry(again, CONTEXT)
    assert extract(read_image(carried)) == CONTEXT
    assert dynamodb.PUT_ITEM.lost(again, CONTEXT) == ""
    full = {"TableName": "t", "Item": {**read["Item"], "n": {"S": "x" * 409_000}}}
    assert "_observe" not in dynamodb.PUT_ITEM.carry(full, CONTEXT)["Item"]


def test_an_item_may_be_as_deep_as_dynamodb_allows(opted: None) -> None:
    """32 levels of lists and maps."""
    deep: Any = {"S": "x"}
    for _ in range(16):
        deep = {"M": {"m": {"L": [deep]}}}
    params = {"TableName": "t", "Item": {"id": {"S": "1"}, "deep": deep}}
    assert dynamodb.PUT_ITEM.lost(params, CONTEXT) == ""
    assert extract(read_image(dynamodb.PUT_ITEM.carry(params, CONTEXT))) == CONTEXT


def test_an_item_is_written_on_its_condition(opted: None, lines: Lines, client: Callable[[str], Any]) -> None:
    """A condition that does not hold is the caller's to be told of, and the span's."""
    tables, name = client("dynamodb"), fresh_name()
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}, "n": {"N": "1.10"}, "set": {"NS": ["1", "2"]}}

    def put() -> None:
        tables.put_item(TableName=name, Item=item, ConditionExpression="attribute_not_exists(id)")

    made(put)
    with pytest.raises(tables.exceptions.ConditionalCheckFailedException):
        made(put)
    found = tables.get_item(TableName=name, Key={"id": {"S": "1"}})["Item"]
    assert {key: value for key, value in found.items() if key != "_observe"} == item
    refused = next(span for span in lines.spans if span.get("status", {}).get("code") == 2)
    assert refused["attributes"]["error.type"] == "ConditionalCheckFailedException"
