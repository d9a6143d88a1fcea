"""Shippers over real sockets: many requests at once, faults of networks, secrets that rotate."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import pytest

from subscribers import delivery
from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.shipping import Shipper, drive, summed
from subscribers.sinks.channel import (
    HttpRequest,
    Item,
    Limits,
    Outcome,
    Request,
    Response,
    Secret,
    SecretReference,
)
from tests.backends.server import FAULTS, TAKEN, Backend, Fault, Received, Reply
from tests.subscribers.delivered import Words, ids_of, item


class Wire(Words):
    """Words, to a backend."""

    def __init__(self, url: str, name: str = "words", *, is_repeatable: bool = True) -> None:
        super().__init__(Limits(bytes=10_000, items=10, item_bytes=1_000), is_repeatable=is_repeatable)
        self.url, self.name = url, name

    def request(self, items: Sequence[Item]) -> HttpRequest:
        body = json.dumps([one.event_id for one in items]).encode()
        return HttpRequest(url=self.url, body=body, headers={"X-Key": Secret("ssm:/key")})


class Taker(Backend):
    """Takes words; each once where it recognises them."""

    hang_s = 1.0

    def __init__(self, key: str = "one") -> None:
        super().__init__()
        self.key = key
        self.at_once = self.most_at_once = 0

    def answer(self, request: Received) -> Reply:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        if request.headers["x-key"] != self.key:
            reply = Reply(401, {"error": "who are you"})
        else:
            with self.lock:
                self.accepted.update(json.loads(request.body))
            threading.Event().wait(0.02)
            reply = Reply(200, {})
        with self.lock:
            self.at_once -= 1
        return reply


class Rotating:
    """A secret that is another one when it is asked for anew."""

    def __init__(self, *values: str) -> None:
        self._values, self._at = values, 0

    def get(self, reference: SecretReference) -> str:
        return self._values[self._at]

    def refresh(self, reference: SecretReference) -> None:
        self._at = min(self._at + 1, len(self._values) - 1)


def shipper(taker: Taker, *channels: Wire, keys: tuple[str, ...] = ("one",), **policy: float) -> Shipper:
    edge = Edge(Settings(timeout_s=0.4), Rotating(*keys))
    made = Policy(parallel=4, base_s=0.01, cap_s=0.05, timeout_s=0.4)
    return Shipper("s", channels or (Wire(taker.url),), edge, made)


def words(n: int) -> list[Item]:
    return [item(f"e{i}") for i in range(n)]


def test_several_requests_at_once() -> None:
    """Within the bound, on connections that are kept."""
    with Taker() as taker:
        outcome = shipper(taker).deliver({"words": words(200)})
    assert (outcome.delivered, len(taker.accepted), outcome.requests) == (200, 200, 20)
    assert 1 < taker.most_at_once <= 4


def test_channels_side_by_side() -> None:
    """One that is slow holds no other up, and each has its own breaker."""
    with Taker() as taker, Taker() as slow:
        slow.faults = lambda n, request: "hang" if n < 3 else None
        one = shipper(taker, Wire(taker.url, "a"), Wire(slow.url, "b"))
        outcome = one.deliver({"a": words(100), "b": words(10)})
    assert (outcome.delivered, slow.answers["hang"]) == (110, 2)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("is_repeatable", [True, False])
def test_every_fault_once(fault: Fault, is_repeatable: bool) -> None:
    """Delivered in the end, or set aside where nobody knows: never doubled unless an ID makes it harmless."""
    with Taker() as taker:
        taker.faults = lambda n, request: fault if n == 2 else None
        outcome = shipper(taker, Wire(taker.url, is_repeatable=is_repeatable)).deliver({"words": words(40)})
    retry, rejected = ids_of(outcome)
    assert outcome.delivered + retry.total() + rejected.total() == 40
    lost = {f"e{i}" for i in range(40)} - set(taker.accepted) - set(retry) - set(rejected)
    assert lost == set()
    if is_repeatable and fault != "garbage":
        assert (outcome.delivered, retry, rejected) == (40, {}, {})
    if not is_repeatable:
        assert max(taker.accepted.values()) == 1
        reasons = {left.refusal.reason for some in outcome.rejected.values() for left in some}
        unknown = (TAKEN | {"reset", "hang", "500", "502", "504"}) - {"slow"}
        assert reasons == ({"outcome_unknown"} if fault in unknown else set(reasons) - {"outcome_unknown"})


def test_a_key_that_was_rotated() -> None:
    """401, asked for anew, delivered: nobody notices."""
    with Taker(key="two") as taker:
        outcome = shipper(taker, keys=("one", "two")).deliver({"words": words(100)})
    assert (outcome.delivered, len(taker.accepted)) == (100, 100)
    assert taker.answers["401"] <= 4


def test_a_key_that_is_wrong() -> None:
    """Two attempts, and everything is left for the queue."""
    with Taker(key="two") as taker:
        outcome = shipper(taker, keys=("one",)).deliver({"words": words(100)})
    assert (outcome.delivered, ids_of(outcome)[0].total()) == (0, 100)
    assert taker.answers["401"] <= 8


def test_nobody_listens() -> None:
    """Some attempts, then the circuit is open; all is left for the queue, and the next time, too."""
    with Taker() as taker:
        one = shipper(taker)
        with taker.refusing():
            outcome = one.deliver({"words": words(200)})
            again = one.deliver({"words": words(50)})
        assert (ids_of(outcome)[0].total(), ids_of(again)[0].total()) == (200, 50)
        assert (again.requests, outcome.requests <= 8) == (0, True)


def test_the_deadline_is_kept() -> None:
    """With a destination that never answers."""
    with Taker() as taker:
        taker.faults = lambda n, request: "hang"
        outcome = shipper(taker).deliver({"words": words(100)}, deadline_s=0.5)
    assert ids_of(outcome)[0].total() == 100


class Faulty:
    """An edge with a fault of ours."""

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        raise KeyError("hunter2")

    def refresh(self, request: Request) -> None:
        """It knows no secrets."""


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_a_fault_of_the_edge_is_an_answer(is_repeatable: bool) -> None:
    """One that never came would be waited for, for ever; what it said may hold a secret."""
    one = Shipper("s", [Wire("http://x", is_repeatable=is_repeatable)], Faulty(), Policy(attempts=1))
    outcome = one.deliver({"words": words(30)})
    retry, rejected = ids_of(outcome)
    assert (retry.total(), rejected.total()) == ((30, 0) if is_repeatable else (0, 30))
    assert "hunter2" not in str(outcome)


class Dribbling:
    """An edge whose answer never comes to its end."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        self.sent += 1
        if self.sent == 1:
            threading.Event().wait(3)
        return Response(status=200, body=b"{}")

    def refresh(self, request: Request) -> None:
        """It knows no secrets."""


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_an_answer_that_never_ends_is_not_waited_for(
    is_repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the edge does: a request has its time."""
    monkeypatch.setattr(delivery, "_CONNECT_S", 0.1)
    edge = Dribbling()
    policy = Policy(parallel=2, timeout_s=0.2, base_s=0.01)
    outcome = Shipper("s", [Wire("http://x", is_repeatable=is_repeatable)], edge, policy).deliver(
        {"words": words(30)}
    )
    assert outcome.delivered == (30 if is_repeatable else 20)
    assert ids_of(outcome)[1].total() == (0 if is_repeatable else 10)


def test_an_unknown_channel_is_an_error() -> None:
    """What was kept names one that the sink no longer has."""
    with Taker() as taker, pytest.raises(KeyError):
        shipper(taker).deliver({"other": words(1)})


def test_nothing_to_do() -> None:
    """No jobs, no outcome."""
    drive([])
    assert summed([]) == Outcome()
