"""`observe parse` on any bytes: it never fails, counts what came in, and needs little memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.parse import Wish
from console.parse_input import Layout, Source, batches
from console.parse_view import removal_json, removal_text, signal_json, signal_text, summary_lines
from subscribers.envelope import encode
from tests.console.test_parse import ACCESS, APP, SECRETS, read
from tests.subscribers.inputs.documents_of import raw
from tests.subscribers.lambda_stream import END, REPORT, START, batch

EVENT = json.dumps(encode(batch(START, "x", END))).encode()
SEEDS = [
    ACCESS.encode(),
    APP.encode(),
    SECRETS.encode(),
    REPORT.encode(),
    EVENT,
    gzip.compress(EVENT),
    gzip.compress(ACCESS.encode()),
    raw("a", "b"),
    b'{"awslogs":',
    b'{"awslogs":{"data":7}}',
    b'{"messageType":"DATA_MESSAGE"}',
    b"#Fields: date time\n1 2\n",
    *(b"\xff\xfe\0a", b"\0" * 99, b"BZh9", b"(\xb5/\xfd", b"PK\x03\x04", b"\xf3\x89\x9a\xc2"),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Real input with bytes changed, removed or put between, or any bytes."""
    data = bytearray(draw(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=200))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 9))] = draw(st.binary(max_size=5))
    return bytes(data)


@given(
    mutated(),
    st.sampled_from(["", "apache", "lambda", "json", "syslog", "iis"]),
    st.sampled_from([1, 7, 4096]),
)
@example(b"\n" * 3000, "", 4096)
@example(ACCESS.encode() * 3000, "", 4096)
def test_any_bytes_are_parsed(data: bytes, format: str, step: int) -> None:
    """It never fails; each signal is JSON and a row, each event is counted, and each removal has its line."""
    parsing = read(data, Wish(format=format), step=step)
    count = 0
    for page in parsing.pages():
        for signal in page.signals:
            told = json.loads(signal_json(signal))
            assert told["kind"] in ("log", "metric", "span")
            assert signal_text(signal).plain.isprintable()
            count += 1
        for removal in page.removals:
            assert json.loads(removal_json(removal))["line"] == removal.line
            assert 1 <= removal.line <= parsing.summary.lines
            assert removal_text(removal).plain.isprintable()
    assert sum(parsing.summary.signals.values()) == count
    assert all(line.isprintable() for line in summary_lines(parsing.summary, parsing.rules))


@pytest.mark.parametrize("begin", [b"", b'{"messageType":"DATA_MESSAGE","x":"', b'{"awslogs":{"data":"'])
def test_a_line_without_an_end_needs_little_memory(begin: bytes) -> None:
    """It comes in pieces; a document or an event is not read further than a payload may be long."""

    def chunks() -> Iterator[bytes]:
        yield begin
        for _ in range(80 * 4):
            yield b"A" * 262_144

    tracemalloc.start()
    try:
        source = Source("x", 0, chunks())
        for _ in batches(source, Layout("x")):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (16 if not begin else 160) * 1024 * 1024


def test_lines_are_numbered_over_pages() -> None:
    """A file of several pages: the sequence goes on, and a removal far behind has its line."""
    data = b"plain\n" * 25_000 + b"password=hunter2\n"
    parsing = read(data, Wish(format="text"))
    pages = list(parsing.pages())
    assert len(pages) > 1
    assert [removal.line for page in pages for removal in page.removals] == [25_001]
    assert parsing.summary.lines == 25_001
    ((last, *_),) = [page.signals[-1:] for page in pages[-1:]]
    assert json.loads(signal_json(last))["sequence"] == 25_000
