"""Bodies of requests as they are sent."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from subscribers import envelope
from subscribers.sinks import bulk
from tests.subscribers.samples import log


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_a_compressed_body_comes_back(data: bytes, times: int) -> None:
    """A law, with anybody's reader and with ours; the same bytes give the same bytes."""
    lines = data * times
    sent = envelope.gzipped(lines)
    assert gzip.decompress(sent) == envelope.gunzip(sent) == lines
    assert envelope.gzipped(lines) == sent


def test_names_of_indices() -> None:
    """A dataset of any text is a name that the backend takes; the date is the event's own."""
    body = bulk.body([log("e", dataset="My App/1", time_unix_nano=86_400_000_000_000 - 1)])
    assert body.startswith(b'{"create":{"_index":"observe-my_app_1-1970-01-01","_id":"log-e"}}\n{')
