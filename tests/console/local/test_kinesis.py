"""The Kinesis poller against moto's server: order, checkpoints, retries, and the event beside a real one."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.local.function import PayloadTooLargeError
from console.local.kinesis import ShardPoller, kinesis_event, shards_of
from console.local.moto_backends import one_at_a_time
from console.local.moto_server import MotoServer
from console.local.template_parts import KinesisTrigger

from .streams import PARTIAL, PLAIN, Function, Stream, until

REAL = Path(__file__).parents[2] / "data" / "events" / "kinesis.json"


def poison(*bad: str) -> Callable[[list[str]], object]:
    """A function that stops at the first record it cannot take, and names it."""
    return lambda texts: [text for text in texts if text in bad][:1]


def raising(*bad: str) -> Callable[[list[str]], object]:
    """A function that fails as a whole."""
    return lambda texts: "error" if set(texts) & set(bad) else None


def worked_off(
    stream: Stream, trigger: KinesisTrigger, answer: Callable[[list[str]], object], *texts: str
) -> Any:
    """(batches, delivered, dropped) of one poll."""
    stream.put(*texts)
    function = Function(answer)
    poller = stream.poller(function, trigger)
    assert poller.poll() == len(texts)
    assert (poller.taken, poller.in_hand, poller.is_behind) == (len(texts), 0, False)
    return function.batches, poller.delivered, poller.dropped


def test_the_event_is_lambdas(stream: Stream) -> None:
    """The same members and kinds of values as in a real event; data in base64, the time in seconds."""
    stream.put('{"a": 1}')
    function = Function()
    stream.poller(function, PLAIN).poll()
    (record,) = function.events[0]["Records"]
    (real, *_) = json.loads(REAL.read_text())["event"]["Records"]
    assert _shape(record) == _shape(real)
    assert record["kinesis"]["data"] == base64.b64encode(b'{"a": 1}').decode()
    assert abs(record["kinesis"]["approximateArrivalTimestamp"] - time.time()) < 60
    assert record["eventID"] == f"shardId-000000000000:{record['kinesis']['sequenceNumber']}"
    assert (record["eventSourceARN"], record["awsRegion"]) == (stream.arn, "eu-west-1")


def _shape(value: object) -> object:
    return {name: _shape(child) for name, child in value.items()} if isinstance(value, dict) else type(value)


def test_batches_come_in_order_and_are_no_larger_than_asked_for(stream: Stream) -> None:
    """Five records by two: three batches."""
    stream.put(*"abcde")
    function = Function()
    poller = stream.poller(function, replace(PLAIN, batch_size=2))
    assert [poller.poll() for _ in range(4)] == [2, 2, 1, 0]
    assert function.batches == [["a", "b"], ["c", "d"], ["e"]]
    assert (poller.delivered, poller.dropped) == (5, 0)


def test_latest_is_what_comes_after_the_deployment(stream: Stream) -> None:
    """TRIM_HORIZON has what was there before; LATEST has not."""
    stream.put("before")
    functions = [Function(), Function()]
    pollers = [
        stream.poller(function, replace(PLAIN, position=position))
        for function, position in zip(functions, ("TRIM_HORIZON", "LATEST"), strict=True)
    ]
    assert [poller.is_behind for poller in pollers] == [True, False]
    stream.put("after")
    for poller in pollers:
        poller.poll()
    assert [function.batches for function in functions] == [[["before", "after"]], [["after"]]]


@pytest.mark.parametrize("failure", ["error", "timeout"])
def test_a_batch_that_fails_comes_again_whole_and_is_dropped_in_the_end(stream: Stream, failure: str) -> None:
    """MaximumRetryAttempts: two retries are three attempts; what comes behind it goes on."""
    trigger = replace(PLAIN, retries=2, batch_size=2)
    stream.put(*"abc")
    function = Function(lambda texts: failure if "a" in texts else None)
    poller = stream.poller(function, trigger)
    assert [poller.poll(), poller.poll()] == [2, 1]
    assert function.batches == [["a", "b"]] * 3 + [["c"]]
    assert (poller.delivered, poller.dropped) == (1, 2)


def test_without_partial_replies_the_reply_does_not_matter(stream: Stream) -> None:
    """Unless the mapping asks for them, a reply that names failures is a success."""
    assert worked_off(stream, PLAIN, poison("b"), *"abc") == ([["a", "b", "c"]], 3, 0)


def test_the_checkpoint_is_at_the_first_failure(stream: Stream) -> None:
    """What is before it is done; it and all behind it come again, and go through."""
    answers = iter((["c", "d"], None))
    found = worked_off(stream, PARTIAL, lambda _: next(answers), *"abcd")
    assert found == ([["a", "b", "c", "d"], ["c", "d"]], 4, 0)


def test_the_lowest_of_several_failures_counts(stream: Stream) -> None:
    """In whatever order they are named."""
    found = worked_off(stream, PARTIAL, lambda _: ["c", "b"], *"abc")
    assert found == ([["a", "b", "c"], ["b", "c"]], 1, 2)


def test_what_is_left_of_a_batch_has_all_its_retries(stream: Stream) -> None:
    """Only the same batch, sent again, is a retry; in the end what is left is dropped."""
    found = worked_off(stream, replace(PARTIAL, retries=1), poison("b"), *"abc")
    assert found == ([["a", "b", "c"], ["b", "c"], ["b", "c"]], 1, 2)


@pytest.mark.parametrize(
    "reply",
    [b"not json", {"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": [{"id": "1"}]},
     {"batchItemFailures": [{"itemIdentifier": "no such"}]}],
)  # fmt: skip
def test_a_reply_that_is_none_fails_the_batch(stream: Stream, reply: object) -> None:
    """As Lambda has it: nothing of it is done."""
    assert worked_off(stream, PARTIAL, lambda _: reply, *"ab") == ([["a", "b"]], 0, 2)


def test_a_poison_record_is_isolated_and_dropped_alone(stream: Stream) -> None:
    """Halves of a half, until it is alone; a split is no retry, and the order is kept."""
    batches, delivered, dropped = worked_off(
        stream, replace(PLAIN, bisect=True, retries=1), raising("c"), *"abcdef"
    )
    assert (delivered, dropped) == (5, 1)
    assert batches == [list("abcdef"), list("abc"), ["a"], list("bc"), ["b"], ["c"], ["c"], list("def")]


def test_a_split_goes_where_the_partial_reply_says(stream: Stream) -> None:
    """From the failure on; once it comes first, by halves."""
    batches, delivered, dropped = worked_off(
        stream, replace(PARTIAL, bisect=True, retries=0), poison("c"), *"abcdef"
    )
    assert (delivered, dropped) == (5, 1)
    assert batches == [list("abcdef"), list("cdef"), list("cd"), ["c"], ["d"], list("ef")]


def test_a_window_fills_a_batch(stream: Stream) -> None:
    """MaximumBatchingWindowInSeconds: what comes meanwhile is in it, and a full batch does not wait."""
    stream.put("a")
    function = Function()
    poller = stream.poller(function, replace(PLAIN, window_s=60.0, batch_size=3)).start()
    stream.put("b", "c")
    until(lambda: poller.delivered == 3)
    poller.stop()
    assert function.batches == [["a", "b", "c"]]


def test_a_batch_larger_than_lambda_takes_is_split(stream: Stream) -> None:
    """Without being asked to, and a record that is too large alone is dropped."""
    large = lambda texts: PayloadTooLargeError("6 MiB") if len("".join(texts)) > 2 else None  # noqa: E731
    found = worked_off(stream, replace(PLAIN, retries=-1), large, "a", "b", "large", "c")
    assert found == ([["a", "b", "large", "c"], ["a", "b"], ["large", "c"], ["large"], ["c"]], 3, 1)


def test_stop_leaves_in_the_stream_what_was_not_done(stream: Stream) -> None:
    """A poller that would try for ever ends at once; nothing is counted as dropped."""
    stream.put("a", "b")
    function = Function(raising("a"))
    poller = stream.poller(function, replace(PLAIN, retries=-1), retry_delay_s=60).start()
    until(lambda: bool(function.batches))
    assert poller.in_hand == 2
    started_s = time.monotonic()
    poller.stop()
    assert time.monotonic() - started_s < 30
    assert (poller.delivered, poller.dropped, poller.in_hand) == (0, 0, 0)


def test_each_shard_has_its_poller(moto: MotoServer) -> None:
    """What one shard waits for holds up no other."""
    stream = Stream(moto, shards=3)
    shards = shards_of(stream.client, stream.name)
    assert len(shards) == 3
    for n in range(30):
        stream.client.put_record(StreamName=stream.name, PartitionKey=f"k{n}", Data=b"x")
    function = Function()
    pollers = [ShardPoller(stream.client, stream.arn, shard, function, PLAIN) for shard in shards]
    assert sum(poller.poll() for poller in pollers) == 30
    assert len(function.batches) == 3


def test_records_put_at_the_same_moment_are_all_kept(moto: MotoServer) -> None:
    """moto alone loses some of them, and gives two the same number."""
    stream = Stream(moto)
    one_at_a_time(stream.arn)
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            numbers = list(
                pool.map(
                    lambda n: stream.client.put_record(
                        StreamName=stream.name, PartitionKey="k", Data=str(n).encode()
                    )["SequenceNumber"],
                    range(400),
                )
            )
    finally:
        sys.setswitchinterval(before_s)
    assert len(set(numbers)) == 400
    function = Function()
    assert stream.poller(function, replace(PLAIN, batch_size=1000)).poll() == 400


def test_what_lambda_makes_of_a_batch_is_json(stream: Stream) -> None:
    """Whatever bytes are in it."""
    stream.client.put_record(StreamName=stream.name, PartitionKey="é", Data=b"\x00\xff")
    iterator = stream.client.get_shard_iterator(
        StreamName=stream.name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = stream.client.get_records(ShardIterator=iterator)["Records"]
    event = json.loads(json.dumps(kinesis_event(records, "shardId-000000000000", stream.arn)))
    assert event["Records"][0]["kinesis"]["data"] == "AP8="
    assert event["Records"][0]["kinesis"]["partitionKey"] == "é"
