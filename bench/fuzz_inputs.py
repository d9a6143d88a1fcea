"""What the fuzz run feeds: real lines and payloads, damaged in the ways that bytes are damaged.

The seeds are the golden files of tests/subscribers and the examples of all formats. A generator of random
numbers makes every choice, so that a seed and a number are a reproduction.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any

from console.parse_input import Pause
from subscribers.formats import FORMATS
from subscribers.inputs.inflate import Piece

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "subscribers" / "golden"
AT_MS = 1_795_231_810_123
_NOISE = (
    *"\0\t\n\r\x1b\x7f\x85\u2028\ufeff\u202e\u0663\U0001f600",
    *"\"'\\{}[]()<>|:;,=-+.%/@#&",
    *("\ud800", "\udfff", "\r\n", "\\u0000", "\\ud800", '\\"', "é", "\u0130"),
    *("NaN", "-Infinity", "1e999", "-0", "9" * 400, "0x7f", "null", "true", "{}", "[]", '""'),
    *("99999999-99-99T99:99:99Z", "9999-12-31T23:59:59.999Z", "0000-00-00", "[31/Feb/2026:25:61:61 +9999]"),
)
_NUMBER = re.compile(r"\d+")
_NESTED = ("[", '{"a":', "(", "<a>", '{"message":"', "\\", '"', "Caused by: ")
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**53, 2**63, -(2**63), 10**400, 1e308, float("inf"), float("nan")),
    *("", "x", "\0", "\ud800", "9" * 50, [], {}, [[]], {"": {}}, "{}", "null", "2026-11-21T03:30:10Z"),
)


def seeds() -> dict[str, list[str]]:
    """Return lines by what they are: name of a golden file or of a format."""
    found = {name: format.example.split("\n") for name, format in FORMATS.items()}
    for path in sorted(GOLDEN.glob("*.log")):
        found[path.stem] = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for path in sorted(GOLDEN.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if "logEvents" in document:
            found[path.stem] = [event["message"] for event in document["logEvents"]]
    return found


# --- Lines ----------------------------------------------------------------------------------


def _flip(r: Random, text: str) -> str:
    data = bytearray(text.encode("utf-8", "replace"))
    for _ in range(r.randint(1, 4)):
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    return data.decode("utf-8", "replace")


def _cut(r: Random, text: str) -> str:
    begin, end = sorted((r.randint(0, len(text)), r.randint(0, len(text))))
    return r.choice((text[:begin], text[end:], text[:begin] + text[end:]))


def _put(r: Random, text: str) -> str:
    at = r.randint(0, len(text))
    return text[:at] + "".join(r.choices(_NOISE, k=r.randint(1, 3))) + text[at:]


def _number(r: Random, text: str) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    one = r.choice(found)
    new = r.choice(
        ("9" * r.randint(1, 5000), "-1", "0", "", "1e999", "99999999999999999999", "0" * 40, "\u0663")
    )
    return text[: one.start()] + new + text[one.end() :]


def _nest(r: Random, text: str) -> str:
    at, piece = r.randint(0, len(text)), r.choice(_NESTED)
    return text[:at] + piece * r.choice((3, 200, 20_000)) + text[at:]


def _repeat(r: Random, text: str) -> str:
    begin = r.randint(0, len(text))
    piece = text[begin : begin + r.randint(1, 40)]
    return text[:begin] + piece * r.choice((2, 50, 3000)) + text[begin:]


_LINE_DAMAGE: tuple[Callable[[Random, str], str], ...] = (_flip, _cut, _put, _number, _nest, _repeat)
_WEIGHTS = (6, 4, 6, 4, 1, 1)


def line(r: Random, lines: list[str], others: list[str]) -> str:
    """Return one line, damaged or not, or spliced with another."""
    text = r.choice(lines)
    if r.random() < 0.15:
        return text
    for _ in range(r.randint(1, 3)):
        if r.random() < 0.15:
            other = r.choice(others)
            text = text[: r.randint(0, len(text))] + other[r.randint(0, len(other)) :]
        elif text:
            (damage,) = r.choices(_LINE_DAMAGE, _WEIGHTS)
            text = damage(r, text)[:400_000]
    return text


def lines(r: Random, found: dict[str, list[str]]) -> tuple[str, list[str]]:
    """Return (what they are, lines in order, most of one kind and some of another)."""
    name, other = r.choice(list(found)), r.choice(list(found))
    told = [line(r, found[name], found[other]) for _ in range(r.randint(1, 12))]
    if r.random() < 0.4:
        # A whole example with one damaged line in it: what comes before and behind goes on with it.
        told = [*found[name], *told, *found[name]][: r.randint(1, 40)]
    return name, told


# --- Payloads -------------------------------------------------------------------------------


def document(r: Random, group: str, messages: list[str]) -> dict[str, Any]:
    """Return a subscription document, maybe with keys that nobody expects, or times that no clock has."""
    step = r.choice((0, 1, 7, 1001))
    made: dict[str, Any] = {
        "messageType": "DATA_MESSAGE" if r.random() < 0.97 else "CONTROL_MESSAGE",
        "owner": "123456789012",
        "logGroup": group,
        "logStream": r.choice(("2026/11/21/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9", "web-1", "")),
        "subscriptionFilters": ["observe"],
        "logEvents": [
            {"id": f"{n:056}", "timestamp": AT_MS + n * step, "message": message}
            for n, message in enumerate(messages)
        ],
    }
    if r.random() < 0.3:
        made["policyLevel"] = "ACCOUNT_LEVEL_POLICY"
        made["logEvents"][-1]["extractedFields"] = {"@aws.account": "1", "deep": [{}] * 3}
    return changed(r, made) if r.random() < 0.25 else made


def changed(r: Random, tree: Any) -> Any:
    """Return a JSON tree with one value, somewhere, that is another, or gone."""
    if isinstance(tree, dict) and tree and r.random() < 0.85:
        key = r.choice(list(tree))
        if r.random() < 0.1:
            return {name: value for name, value in tree.items() if name != key}
        return {**tree, key: changed(r, tree[key])}
    if isinstance(tree, list) and tree and r.random() < 0.85:
        at = r.randrange(len(tree))
        return [*tree[:at], changed(r, tree[at]), *tree[at + 1 :]]
    if r.random() < 0.1:
        deep: Any = []
        for _ in range(r.choice((10, 500))):
            deep = r.choice(([deep], {"a": deep}))
        return deep
    return r.choice(_VALUES)


def damaged(r: Random, data: bytes) -> bytes:
    """Return bytes with bits flipped, cut off, put in, or doubled; or as they are."""
    for _ in range(r.choice((0, 0, 1, 1, 2, 4))):
        at = r.randint(0, len(data))
        data = r.choice(
            (
                data[:at],
                data[at:],
                data[:at] + r.randbytes(r.randint(1, 9)) + data[at:],
                data[:at] + bytes([r.randrange(256)]) + data[at + 1 :],
                data[:at] + data[at + r.randint(1, 30) :],
                data + data,
                data[:at] + b"\0" * r.choice((1, 5000)) + data[at:],
            )
        )
    return data[:2_000_000]


def packed(r: Random, data: bytes) -> bytes:
    """Return bytes compressed in some way, and then damaged, or not."""
    pack = r.choice((bytes, gzip.compress, gzip.compress, gzip.compress, bz2.compress, lzma.compress))
    made = pack(damaged(r, data) if r.random() < 0.3 else data)
    if r.random() < 0.1:
        made = gzip.compress(made)
    if r.random() < 0.1:
        made += gzip.compress(data)
    return damaged(r, made) if r.random() < 0.5 else made


def chunks(r: Random, data: bytes) -> list[Piece]:
    """Return bytes as a file or a pipe gives them, maybe with pauses."""
    step = max(r.choice((1, 7, 4096, 1 << 18)), len(data) // 2000)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    if r.random() < 0.7:
        return list(pieces)
    return [part for piece in pieces for part in (piece, Pause())]


def aggregated(r: Random, records: list[bytes]) -> bytes:
    """Return a record of the Kinesis Producer Library, with its digest right, wrong, or of damaged bytes."""

    def field(number: int, value: bytes) -> bytes:
        size, length = b"", len(value)
        while length > 127:
            size, length = size + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + value

    message = field(1, b"key") + b"".join(field(3, b"\x08\x00" + field(3, record)) for record in records)
    message = damaged(r, message) if r.random() < 0.4 else message
    made = b"\xf3\x89\x9a\xc2" + message + md5(message, usedforsecurity=False).digest()
    return damaged(r, made) if r.random() < 0.2 else made


def _text(r: Random, data: bytes) -> Any:
    text = base64.b64encode(data).decode()
    if r.random() < 0.08:
        return r.choice((text[:-1], text + "!", text[: len(text) // 2], "é" + text, None, 7, ""))
    return text


def event(r: Random, documents: list[dict[str, Any]]) -> Any:
    """Return an event as AWS invokes a function with, around documents, well-formed or not."""
    raws = [json.dumps(one).encode() for one in documents]
    raws = [damaged(r, raw) if r.random() < 0.1 else raw for raw in raws]
    zipped = [packed(r, raw) for raw in raws]
    kind = r.choice(("awslogs", "awslogs", "kinesis", "firehose", "objects", "any"))
    made: Any
    if kind == "awslogs":
        made = {"awslogs": {"data": _text(r, zipped[0])}}
    elif kind == "kinesis":
        records = [aggregated(r, zipped)] if r.random() < 0.4 else zipped
        made = {
            "Records": [
                {"kinesis": {"sequenceNumber": str(n), "data": _text(r, one)}, "eventSource": "aws:kinesis"}
                for n, one in enumerate(records)
            ]
        }
    elif kind == "firehose":
        made = {
            "invocationId": "i",
            "deliveryStreamArn": "arn:aws:firehose:eu-west-1:1:deliverystream/logs",
            "records": [{"recordId": str(n), "data": _text(r, one)} for n, one in enumerate(zipped)],
        }
    elif kind == "objects":
        made = _notification(r)
    else:
        made = r.choice((r.choice(_VALUES), documents[0], {"Records": []}, [], {"awslogs": documents[0]}))
    return changed(r, made) if r.random() < 0.2 else made


def _notification(r: Random) -> Any:
    key = r.choice(("logs/a%20b.log", "x.gz", "t/6f1c5b0e-1111-4222-8333-444455556666/web-1/000000.gz", "a/"))
    one: Any = {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventTime": "2026-11-21T03:30:10.123Z",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 9, "versionId": "v"}},
            }
        ]
    }
    if r.random() < 0.3:
        one = {"Type": "Notification", "Message": json.dumps(one)}
    if r.random() < 0.5:
        one = {"Records": [{"messageId": "m-1", "body": json.dumps(one), "eventSource": "aws:sqs"}]}
    if r.random() < 0.2:
        one = {"Bucket": "logs", "Key": key}
    return one
