"""State in a table: throttling, lost answers, and what cannot be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from msgspec.structs import replace as changed

from subscribers.alerts.state import Entry, StateConflictError, StateError
from subscribers.alerts.state_dynamodb import DynamoState
from tests.backends.server import Fault
from tests.chaos.aws import environ
from tests.subscribers.alerts.states import NOW_S, TABLE, Table, make_table


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        self.now_s += pause_s


@pytest.fixture(scope="module")
def server() -> Iterator[Table]:
    """A table behind faults."""
    with Table() as made:
        yield made


@pytest.fixture
def table(server: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """It, empty and without faults, and the SDK pointed to it."""
    for name, value in environ(server.url).items():
        monkeypatch.setenv(name, value)
    server.moto.client("dynamodb").delete_table(TableName=TABLE)
    make_table(server.moto, TABLE)
    server.taken, server.next, server.asked = 25, [], []
    return server


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def state(table: Table, time: Time) -> DynamoState:
    return DynamoState(TABLE, now_s=lambda: NOW_S, clock=time, sleep=time.sleep, chance=lambda: 0.5)


def _entries(n: int) -> list[Entry]:
    return [Entry("p", f"{i:03d}", b"x") for i in range(n)]


def test_it_writes_25_at_a_time(table: Table, state: DynamoState) -> None:
    """No call has more than BatchWriteItem takes, and none has a key twice."""
    state.put([*_entries(60), *_entries(60)])
    state.delete([(entry.partition, entry.sort) for entry in [*_entries(30), *_entries(30)]])
    assert [writes for _, writes in table.asked] == [25, 25, 10, 25, 5]
    assert list(state.query("p")) == _entries(60)[30:]


def test_what_is_left_unprocessed_goes_again(table: Table, state: DynamoState) -> None:
    """Until all is written, and only what is left."""
    table.taken = 10
    state.put(_entries(30))
    assert [writes for _, writes in table.asked] == [25, 15, 5, 5]
    assert list(state.query("p")) == _entries(30)


def test_a_table_that_takes_nothing_is_given_up(table: Table, state: DynamoState, time: Time) -> None:
    """After the deadline, with pauses that grow, and a sentence."""
    table.taken = 0
    with pytest.raises(StateError, match=r"state cannot be used: 3 .*throttled") as raised:
        state.put(_entries(3))
    assert raised.value.reason == "unavailable"
    assert 15 < time.now_s < 20
    assert 8 < len(table.asked) < 20


_TRANSIENT: list[Fault | None] = ["429", "500", "503", "reset", "lost", "half", "504_after", "garbage"]


@pytest.mark.parametrize("fault", _TRANSIENT)
def test_what_passes_by_itself_is_tried_again(table: Table, state: DynamoState, fault: Fault) -> None:
    """Throttling, faults of AWS and of the network: whichever call it is, it succeeds in the end."""
    table.next = [fault, fault]
    state.put(_entries(2))
    table.next = [fault, fault]
    assert list(state.query("p")) == _entries(2)
    table.next = [fault, fault]
    assert state.get("p", "001") == _entries(2)[1]
    table.next = [fault, fault]
    state.delete([("p", "001")])
    assert state.get("p", "001") is None


@pytest.mark.parametrize("fault", _TRANSIENT)
def test_a_replace_whose_answer_is_lost_has_succeeded(table: Table, state: DynamoState, fault: Fault) -> None:
    """The call that is made again meets what the first one wrote: that is no conflict."""
    table.next = [fault, fault]
    first = state.replace(Entry("p", "a", b"1"))
    table.next = [fault]
    assert state.replace(changed(first, body=b"2")) == state.get("p", "a") == Entry("p", "a", b"2", version=2)


def test_a_conflict_is_one_at_the_second_attempt_too(table: Table, state: DynamoState) -> None:
    """Somebody else's entry is not taken for ours."""
    state.replace(Entry("p", "a", b"theirs"))
    table.next = ["429"]
    with pytest.raises(StateConflictError, match="p a of the table state"):
        state.replace(Entry("p", "a", b"mine"))
    assert state.get("p", "a") == Entry("p", "a", b"theirs", version=1)


def test_what_stays_away_is_unavailable(table: Table, state: DynamoState, time: Time) -> None:
    """Nobody answers until the deadline."""
    with table.refusing(), pytest.raises(StateError, match="EndpointConnectionError") as raised:
        state.get("p", "a")
    assert raised.value.reason == "unavailable"
    assert time.now_s > 15
    table.next = ["500"] * 1_000
    with pytest.raises(StateError, match="InternalFailure"):
        list(state.query("p"))


def test_what_no_repeat_mends_is_asked_once(table: Table, state: DynamoState) -> None:
    """Wrong credentials, and a table that is not there."""
    table.next = ["401"]
    with pytest.raises(StateError, match="UnrecognizedClientException"):
        state.put(_entries(1))
    assert table.asked == []
    with pytest.raises(StateError, match="the table nowhere in eu-west-1 cannot be used: ResourceNotFound"):
        DynamoState("nowhere", "eu-west-1").get("p", "a")
    assert len(table.asked) == 1


def test_another_who_answers_is_not_believed(table: Table, state: DynamoState) -> None:
    """A proxy's page is an empty answer to the SDK; nothing was written, and nothing is empty."""
    calls: list[Callable[[], object]] = [
        lambda: state.put(_entries(1)),
        lambda: list(state.query("p")),
        lambda: state.get("p", "a"),
        lambda: state.replace(Entry("p", "a", b"x")),
    ]
    for call in calls:
        table.next = ["garbage"] * 100
        with pytest.raises(StateError, match="somebody else answers"):
            call()


@pytest.mark.parametrize("missing", ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"])
def test_without_region_or_credentials_it_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, table: Table, state: DynamoState, missing: str
) -> None:
    """A sentence instead of the SDK's exception, at once."""
    monkeypatch.delenv(missing)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(StateError, match=r"the table state cannot be used: (No|Partial)"):
        state.get("p", "a")
    assert table.asked == []


@pytest.mark.parametrize(
    "item",
    [{}, {"body": {"S": "text"}, "version": {"N": "0"}}, {"body": {"B": b""}, "version": {"N": "1.5"}}],
)
def test_an_item_of_something_else_is_corrupt(table: Table, state: DynamoState, item: dict[str, Any]) -> None:
    """A table that is shared by mistake is told of by name and key."""
    keyed = {"pk": {"S": "p"}, "sk": {"S": "theirs"}, **item}
    table.moto.client("dynamodb").put_item(TableName=TABLE, Item=keyed)
    for call in (lambda: list(state.query("p")), lambda: state.get("p", "theirs")):
        with pytest.raises(StateError, match="none of ours: p theirs") as raised:
            call()
        assert raised.value.reason == "corrupt"
