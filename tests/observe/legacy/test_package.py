"""The package: what is public, and that nobody pays for it who does not use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import observe.legacy
from observe.context import Context
from observe.legacy import CarrierError
from observe.legacy.carrier import headers_of


def test_importing_observe_loads_no_carrier_and_the_package_only_itself() -> None:
    """The layer's cold start does not pay for the old world, nor does one carrier for another."""
    code = (
        "import sys, observe, observe.context; assert 'observe.legacy' not in sys.modules\n"
        "import observe.legacy; assert not [m for m in sys.modules if m.startswith('observe.legacy.')]\n"
        "observe.legacy.syslog; assert 'observe.legacy.soap' not in sys.modules\n"
        "assert not {'zipfile', 'tarfile', 'gzip', 'xml.parsers.expat', 'urllib.parse'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def test_every_public_name_is_there_and_no_other() -> None:
    """`__all__` is what can be used; anything else is an AttributeError."""
    for name in observe.legacy.__all__:
        assert getattr(observe.legacy, name) is not None
    assert set(observe.legacy.__all__) <= set(dir(observe.legacy))
    with pytest.raises(AttributeError, match="no attribute 'cobol'"):
        _ = observe.legacy.cobol


def test_a_context_without_a_trace_id_is_a_wrong_argument() -> None:
    """A wrong argument has a reason that a metric can be tagged with."""
    with pytest.raises(CarrierError, match="no trace ID") as caught:
        headers_of(Context("not hex"))
    assert caught.value.reason == "trace_id"
    assert isinstance(caught.value, ValueError)


def test_what_no_carrier_should_see_is_replaced_or_left_out() -> None:
    """An ID with a line break is replaced by its derived ID; other fields are left out."""
    context = Context("a" * 32, correlation_id="a\r\nX: 1", baggage=(("k", "v\nX"),), tracestate="a=\x00")
    headers = headers_of(context)
    assert sorted(headers) == ["traceparent", "x-correlation-id"]
    assert headers["x-correlation-id"].isalnum()
