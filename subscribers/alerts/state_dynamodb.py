"""State in a DynamoDB table: what the deployed subscribers write and the evaluator reads.

    pk (S), sk (S)      partition and sort key; sorted by UTF-8 bytes, which is the order of code points
    body (B)            the entry
    version (N)         0 where `put` wrote it
    expires (N)         epoch seconds, where it has any: the table's TTL attribute

Expired items are removed by DynamoDB within days, free of charge; until then they are left out here. What is
throttled or not answered is tried again with full jitter, until the deadline of the call.

    StateError      unavailable: AWS cannot be asked, or not for so long; no such table; no right to
                    corrupt: an item that is none of ours

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace as changed

from subscribers.alerts.state import LAST, Entry, StateConflictError, StateError
from subscribers.alerts.state_entries import bounds, check_key, checked, is_live
from subscribers.clients import client
from subscribers.sinks import aws_codes, statuses

#: Of one BatchWriteItem. 25 of our largest entries are 9.6 MB, so its 16 MB are never reached.
WRITES_MAX = 25
_BASE_S = 0.05
_CAP_S = 5.0
_NAMES = {"#version": "version", "#expires": "expires"}
_CAPACITY: dict[str, Any] = {"ReturnConsumedCapacity": "TOTAL"}
_IS_NONE = "attribute_not_exists(pk) OR (attribute_exists(#expires) AND #expires < :now)"
_IS_AS_READ = "#version = :version AND (attribute_not_exists(#expires) OR #expires >= :now)"
#: What is called, and what each answer has: the SDK takes half of one, and any page of a proxy's, for an
#: empty one.
CALLS = {
    "query": "Items",
    "batch_write_item": "UnprocessedItems",
    "get_item": "ConsumedCapacity",
    "put_item": "ConsumedCapacity",
}

Write = Mapping[str, Any]


class DynamoState:
    """A State in a table. Threads may share it; AWS is first asked when it is first used."""

    def __init__(
        self,
        table: str,
        region: str = "",
        *,
        now_s: Callable[[], float] = time.time,
        deadline_s: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """region: "" for the environment's; now_s: the clock that expiries are on; deadline_s: of each call
        of AWS with its repeats, on `clock`; chance: a number in [0, 1), for the jitter."""
        self.table, self.region = table, region
        self._now_s, self._deadline_s, self._clock = now_s, deadline_s, clock
        self._sleep, self._chance = sleep, chance
        self._lock = threading.Lock()
        self._client: Any = None

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries, whatever was there; of several of a key the last. Raises ValueError."""
        unique = {(entry.partition, entry.sort): checked(entry) for entry in entries}
        self._write([put_request(entry) for entry in unique.values()])

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Yield a partition's entries with first <= sort <= last, in order, page by page."""
        wanted = bounds(partition, first, last)
        if wanted is None:
            return
        condition, values = "pk = :pk AND sk <= :last", {":pk": {"S": partition}, ":last": {"S": last}}
        if first:  # an empty string is no key, and none to compare with
            condition, values[":first"] = "pk = :pk AND sk BETWEEN :first AND :last", {"S": first}
        asked: dict[str, Any] = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
        while True:
            told = self._call("query", TableName=self.table, ConsistentRead=True, **asked)
            now_s = self._now_s()
            for item in told["Items"]:
                entry = self._entry(item)
                if is_live(entry.expires_s, now_s):
                    yield entry
            if not told.get("LastEvaluatedKey"):
                return
            asked["ExclusiveStartKey"] = told["LastEvaluatedKey"]

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return one entry, or None."""
        check_key(partition, sort)
        key = _key(partition, sort)
        told = self._call("get_item", TableName=self.table, ConsistentRead=True, Key=key, **_CAPACITY)
        entry = self._entry(told["Item"]) if told.get("Item") else None
        return entry if entry and is_live(entry.expires_s, self._now_s()) else None

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove entries; those that are not there are no mistake. Raises ValueError, then removes none."""
        wanted = dict.fromkeys(keys)
        for partition, sort in wanted:
            check_key(partition, sort)
        self._write([{"DeleteRequest": {"Key": _key(*key)}} for key in wanted])

    def replace(self, entry: Entry) -> Entry:
        """Write an entry if its version is as it was read; return it with the next one."""
        written = changed(checked(entry), version=entry.version + 1)
        values = {":now": {"N": str(int(self._now_s()))}}
        if entry.version:
            values[":version"] = {"N": str(entry.version)}
        self._call(
            "put_item",
            is_ours=lambda found: bool(found) and self._entry(found) == written,
            TableName=self.table,
            Item=item_of(written),
            ConditionExpression=_IS_AS_READ if entry.version else _IS_NONE,
            ExpressionAttributeNames=_NAMES if entry.version else {"#expires": "expires"},
            ExpressionAttributeValues=values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **_CAPACITY,
        )
        return written

    def _write(self, writes: Sequence[Write]) -> None:
        """Write in batches; what DynamoDB leaves unprocessed goes again."""
        for start in range(0, len(writes), WRITES_MAX):
            batch = list(writes[start : start + WRITES_MAX])
            until_s, attempt = self._clock() + self._deadline_s, 0
            while batch:
                told = self._call("batch_write_item", until_s, RequestItems={self.table: batch})
                batch = [write for some in told["UnprocessedItems"].values() for write in some]
                if batch and not self._waited(attempt, until_s):
                    raise self._fault(f"{len(batch)} of the last entries were not taken: throttled")
                attempt += 1

    def _call(
        self,
        operation: str,
        until_s: float | None = None,
        is_ours: Callable[[Mapping[str, Any]], bool] = lambda _: False,
        **parameters: Any,
    ) -> Mapping[str, Any]:
        """Call DynamoDB until it answers. is_ours: whether what a condition failed at is what was written.

        A call whose answer was lost is made again, and then finds what it has written itself.
        """
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        until_s = self._clock() + self._deadline_s if until_s is None else until_s
        attempt = 0
        while True:
            try:
                told: Mapping[str, Any] = getattr(self._connected(), operation)(**parameters)
            except (ClientError, BotoCoreError, HTTPClientError, OSError) as error:
                if _told(error).get("Code") == "ConditionalCheckFailedException":
                    if attempt and is_ours(getattr(error, "response", {}).get("Item") or {}):
                        return {}
                    said = f"{_key_of(parameters['Item'])} of {self._name} was changed by somebody else"
                    raise StateConflictError(said) from error
                if not (_is_transient(error) and self._waited(attempt, until_s)):
                    raise self._fault(_said(error)) from error
            else:
                if told.get(CALLS[operation]) is not None:
                    return told
                if not self._waited(attempt, until_s):
                    raise self._fault("only parts of answers came, or somebody else answers")
            attempt += 1

    def _waited(self, attempt: int, until_s: float) -> bool:
        """Wait before the next attempt; whether there is time for one."""
        pause_s = self._chance() * min(_CAP_S, _BASE_S * 2.0**attempt)
        if self._clock() + pause_s >= until_s:
            return False
        self._sleep(pause_s)
        return True

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = client("dynamodb", self.region, attempts=1, read_timeout_s=5.0)
            return self._client

    def _entry(self, item: Mapping[str, Any]) -> Entry:
        try:
            expires_s = int(item["expires"]["N"]) if "expires" in item else 0
            key = item["pk"]["S"], item["sk"]["S"]
            return Entry(*key, bytes(item["body"]["B"]), expires_s, int(item["version"]["N"]))
        except (KeyError, TypeError, ValueError) as error:
            said = f"{self._name} has an item that is none of ours: {_key_of(item)}; is it another's table?"
            raise StateError(said, "corrupt") from error

    @property
    def _name(self) -> str:
        return f"the table {self.table}" + (f" in {self.region}" if self.region else "")

    def _fault(self, said: str) -> StateError:
        return StateError(f"{self._name} cannot be used: {said}")


def put_request(entry: Entry) -> Write:
    """Return what BatchWriteItem wants to hear for an entry that is put."""
    return {"PutRequest": {"Item": item_of(changed(entry, version=0) if entry.version else entry)}}


def item_of(entry: Entry) -> dict[str, dict[str, Any]]:
    """Return an entry as an item. Without an expiry it has no such attribute: TTL looks at numbers only."""
    expires = {"expires": {"N": str(entry.expires_s)}} if entry.expires_s else {}
    version = {"version": {"N": str(entry.version)}}
    return {**_key(entry.partition, entry.sort), "body": {"B": entry.body}, **version, **expires}


def key_of(write: object) -> tuple[str, str] | None:
    """Return the key of a put request that DynamoDB gave back; None for what is none."""
    try:
        item = write["PutRequest"]["Item"]  # type: ignore[index]
        return item["pk"]["S"], item["sk"]["S"]
    except (KeyError, TypeError):
        return None


def _key(partition: str, sort: str) -> dict[str, dict[str, Any]]:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _key_of(item: Mapping[str, Any]) -> str:
    return " ".join(str(item.get(name, {}).get("S")) for name in ("pk", "sk"))[:200]


def _told(error: Exception) -> Mapping[str, Any]:
    """What AWS says of an error; empty where there was no answer."""
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return response.get("Error", {})  # type: ignore[no-any-return]


def _is_transient(error: Exception) -> bool:
    """Whether it may be otherwise the next time: throttling, faults of AWS and of the way there.

    Not what is wrong here: no Region, no credentials, parameters that the SDK refuses.
    """
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError | OSError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code = str(_told(error).get("Code", ""))
    if code.isdigit():  # the SDK's word for an error that it could not read, as half of one
        return True
    return statuses.meaning_of(aws_codes.STATUSES.get(code, status)).fate == "retry"


def _said(error: Exception) -> str:
    told = _told(error)
    return f"{told.get('Code')}: {told.get('Message', '')}" if told else f"{type(error).__name__}: {error}"
