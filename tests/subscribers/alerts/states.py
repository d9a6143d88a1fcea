"""What the tests of the state share: a clock that stands, and what every backend must agree with."""

from __future__ import annotations

import json

from msgspec.structs import replace as changed

from console.local.moto_server import MotoServer
from subscribers.alerts.state import Entry
from tests.backends.server import Fault, Received, Reply
from tests.chaos.aws import Aws

NOW_S = 1_800_000_000
TABLE = "state"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)

    def __call__(self) -> float:
        return self.now_s


class Reference:
    """A state as plainly as it can be written."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._entries = clock, dict[tuple[str, str], Entry]()

    def live(self) -> dict[tuple[str, str], Entry]:
        now_s = self._clock()
        return {k: e for k, e in self._entries.items() if e.expires_s == 0 or e.expires_s >= now_s}

    def put(self, entries: list[Entry]) -> None:
        self._entries |= {(e.partition, e.sort): changed(e, version=0) for e in entries}

    def query(self, partition: str, first: str, last: str) -> list[Entry]:
        found = [e for e in self.live().values() if e.partition == partition and first <= e.sort <= last]
        return sorted(found, key=lambda e: e.sort)

    def delete(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            self._entries.pop(key, None)

    def replace(self, entry: Entry) -> Entry | None:
        """The entry as it is then, None for a conflict."""
        found = self.live().get((entry.partition, entry.sort))
        if (entry.version == 0 and found) or (
            entry.version and (not found or found.version != entry.version)
        ):
            return None
        written = changed(entry, version=entry.version + 1)
        self._entries[entry.partition, entry.sort] = written
        return written


def make_table(moto: MotoServer, name: str) -> str:
    """Make a table as template.yaml has it, and return its name."""
    moto.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


class Table(Aws):
    """A table that takes `taken` writes of a call at most."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 25
        #: Of the next requests, one after the other.
        self.next: list[Fault | None] = []
        #: Operation and writes of each request.
        self.asked: list[tuple[str, int]] = []
        self.faults = lambda *_: self.next.pop(0) if self.next else None

    def answer(self, request: Received) -> Reply:
        body = json.loads(request.body)
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        writes = body.get("RequestItems", {}).get(TABLE, [])
        self.asked.append((operation, len(writes)))
        if operation != "BatchWriteItem":
            return super().answer(request)
        left, reply = writes[self.taken :], Reply(200, {"UnprocessedItems": {}})
        if writes[: self.taken]:
            body["RequestItems"] = {TABLE: writes[: self.taken]}
            reply = super().answer(request._replace(body=json.dumps(body).encode()))
        if left and reply.status == 200:
            return Reply(200, {"UnprocessedItems": {TABLE: left}})
        return reply

    @property
    def moto(self) -> MotoServer:
        return self._moto

    def _prepare(self, moto: MotoServer) -> None:
        make_table(moto, TABLE)

    def _noted(self, request: Received, body: bytes, reply: Reply) -> Reply:
        return reply
