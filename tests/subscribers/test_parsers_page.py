"""Pages are cut where nothing is torn."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.parse import custom
from subscribers.parsers.page import GOES_ON
from tests.subscribers.formats.test_records import logs, page

LOG4J = custom({"log4j": "%d{ISO8601} %-5p %c - %m%n"})
LINE = "2026-11-21 03:30:10,123 INFO  app - line"
JAVA = [
    "2026-11-21 03:30:11,000 ERROR app - boom",
    "java.io.IOException: x",
    *("\tat a.b.C.d(C.java:1)",) * 20,
    "Caused by: java.lang.Error: y",
    "\t... 7 more",
]
PYTHON = [
    "2026-11-21 03:30:11,000 ERROR app - boom",
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in a',
    "    raise ValueError",
    "KeyError: 'x'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 2, in a',
    "ValueError: y",
]


@pytest.mark.parametrize(("stack", "error"), [(JAVA, "java.io.IOException"), (PYTHON, "ValueError")])
@pytest.mark.parametrize("inside", range(26))
def test_no_stack_trace_is_cut(stack: list[str], error: str, inside: int) -> None:
    """Wherever the size of a page falls within one."""
    given = page(*[LINE] * (30 - inside), *stack, *[LINE] * 30)
    assert LOG4J is not None
    parts = list(given.parts(30))
    assert sum(len(part.events) for part in parts) == len(given.events)
    found = [log for part in parts for log in logs(LOG4J(part)) if log.level == "ERROR"]
    assert [log.error_type for log in found] == [error]
    assert len(found[0].error_stack.split("\n")) == len(stack) - 1


def test_a_page_that_only_goes_on_is_cut_anyway() -> None:
    """And costs no more than its lines."""
    given = page(*[" " * 500] * 20_000)
    begun = time.process_time()
    assert [len(part.events) for part in given.parts()] == [8192, 8192, 3616]
    assert time.process_time() - begun < 2


@given(st.lists(st.sampled_from(["", "x", "START 1", " y", *GOES_ON]), max_size=40), st.integers(1, 12))
def test_parts_are_the_page(lines: list[str], most: int) -> None:
    """A law: each event is in one part, in order, and none has more than `most`."""
    given = page(*lines)
    parts = list(given.parts(most))
    assert [event for part in parts for event in part.events] == list(given.events)
    assert [one for part in parts for one in part.event_ids] == given.event_ids
    assert all(0 < len(part.events) <= most for part in parts)
    assert [part.first for part in parts] == [
        sum(len(part.events) for part in parts[:at]) for at in range(len(parts))
    ]
