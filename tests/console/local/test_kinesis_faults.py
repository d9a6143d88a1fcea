"""The Kinesis poller when something fails that is not the function: nothing is lost, nothing silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from console.local.function import FunctionClosedError
from console.local.moto_server import MotoServer

from .streams import PARTIAL, PLAIN, ClosedShard, FailingClient, Function, Stream, until


def test_an_error_while_a_batch_fills_loses_none_of_it(stream: Stream) -> None:
    """What was taken before it is in the next batch, and is at work as far as anybody can see."""
    stream.put("a")
    function = Function()
    poller = stream.poller(function, replace(PLAIN, window_s=60.0, batch_size=2))
    poller._client = FailingClient(stream.client, failing=2)
    with pytest.raises(ClientError):
        poller.poll()
    assert (function.batches, poller.in_hand) == ([], 1)
    stream.put("b")
    assert poller.poll() == 2
    assert (function.batches, poller.in_hand) == ([["a", "b"]], 0)


@pytest.mark.parametrize("fault", [OSError("no descriptors"), ClientError({}, "Invoke")])
def test_a_fault_in_the_middle_of_a_batch_loses_none_of_it(
    stream: Stream, capsys: pytest.CaptureFixture[str], fault: Exception
) -> None:
    """The thread lives, the rest is in hand and comes again; it is counted, and said once."""
    stream.put(*"abcdef")
    faults = [fault, fault]
    poison_first = lambda texts: ["d"] if "a" in texts else faults.pop() if faults else None  # noqa: E731
    function = Function(poison_first)
    poller = stream.poller(function, PARTIAL)
    with pytest.raises(type(fault)):
        poller.poll()
    assert (poller.taken, poller.delivered, poller.dropped, poller.in_hand) == (6, 3, 0, 3)
    with poller:
        until(lambda: poller.delivered == 6)
    assert function.batches == [list("abcdef"), *[list("def")] * 3]
    assert (poller.dropped, poller.in_hand, poller.poll_errors) == (0, 0, 1)
    assert capsys.readouterr().err.count(type(fault).__name__) == 1


def test_a_fault_that_stays_is_said_once(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    """And the stack cannot take the stream for read: its records are in hand."""
    stream.put("a")
    poller = stream.poller(Function(lambda _: OSError("no\ndescriptors")), PLAIN).start()
    until(lambda: poller.poll_errors >= 2)
    assert (poller.in_hand, poller.delivered, poller.dropped) == (1, 0, 0)
    poller.stop()
    assert poller.in_hand == 0
    said = capsys.readouterr().err
    assert said.count("OSError: no descriptors") == said.count("\n") == 1
    assert f"{stream.arn} shardId-000000000000" in said


def test_a_shard_that_is_gone_is_not_behind(moto: MotoServer) -> None:
    """Its records went with it; any other error is one."""
    stream = Stream(moto)
    stream.put("a")
    poller = stream.poller(Function(), PLAIN)
    behind = [poller.is_behind]
    stream.client.delete_stream(StreamName=stream.name)
    behind.append(poller.is_behind)
    assert behind == [True, False]
    poller._client = FailingClient(stream.client, failing=1)
    with pytest.raises(ClientError):
        poller.is_behind  # noqa: B018


@pytest.mark.parametrize("window_s", [0.0, 0.3])
def test_a_closed_shard_ends_its_poller(stream: Stream, window_s: float) -> None:
    """Its last records have no next iterator, which moto never says; they are worked off first."""
    stream.put("a", "b")
    function = Function()
    poller = stream.poller(function, replace(PLAIN, window_s=window_s))
    poller._client = ClosedShard(stream.client)
    poller.start()
    until(poller.stopping.is_set)
    poller.stop()
    assert (function.batches, poller.delivered, poller.in_hand) == ([["a", "b"]], 2, 0)
    assert (poller.poll_errors, poller.is_behind, poller.poll()) == (0, False, 0)


def test_a_closed_function_ends_the_poller(stream: Stream) -> None:
    """It does not try again what can never succeed."""
    stream.put("a")
    function = Function(lambda _: FunctionClosedError("closed"))
    poller = stream.poller(function, replace(PLAIN, retries=-1)).start()
    until(poller.stopping.is_set)
    poller.stop()
    assert (len(function.batches), poller.in_hand) == (1, 0)
