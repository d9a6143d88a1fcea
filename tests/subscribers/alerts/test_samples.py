"""Samples: what somebody who is woken is shown of a request, and what it waited for."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.alerts.samples import TEXT_MAX, Samples
from subscribers.signals import Signal
from tests.subscribers.samples import log, metric, span, span_id

URL = {"url.full": "http://legacy:8080/registrations?token=x", "http.request.method": "POST"}


def request(**more: Any) -> Signal:
    """A failed request of two seconds."""
    failed = {"status": "error", "status_message": "ran into its timeout", "request_id": "r", **more}
    return span("POST /claims", 0, 2_000, "submit", "serverless", **failed)


def call(length_ms: float, **more: Any) -> Signal:
    """A call that the request made."""
    return span(
        "POST", 10, 10 + length_ms, "submit", "serverless", kind="client",
        parent_span_id=span_id("POST /claims"), attributes=URL, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([], ""),
        ([call(1_900)], "; in it POST http://legacy:8080/registrations took 1,900 ms"),
        ([call(20)], ""),
        (
            [call(20, status="error", status_message="refused")],
            "; in it POST http://legacy:8080/registrations took 20 ms failed: refused",
        ),
    ],
)
def test_a_failed_request_says_what_it_waited_for(calls: list[Signal], said: str) -> None:
    """Where it shows is seldom where it went wrong; addresses without what is asked in them."""
    assert Samples([request(), *calls]).of(request()).text == f"POST /claims: ran into its timeout{said}"


def test_a_request_that_did_not_fail_says_its_name() -> None:
    """How long its calls took is no news."""
    fine = request(status="ok", status_message="")
    assert Samples([fine, call(1_900)]).of(fine).text == "POST /claims"


def test_a_metric_is_told_by_its_invocations_error() -> None:
    """Which names the trace; of no such invocation the metric itself."""
    error = log("e", level="ERROR", error_type="E", trace_id="a" * 32, correlation_id="web-1", request_id="r")
    counted = metric("aws.lambda.errors", request_id="r")
    assert Samples([request(), error]).of(counted).correlation_id == "web-1"
    assert Samples([]).of(counted).text == "aws.lambda.errors 1"


def test_what_a_line_says_is_bounded_and_can_be_written() -> None:
    """A megabyte of half surrogates, as an ID, too."""
    hostile = "\ud800" * 1_000_000
    sample = Samples().of(log("1", message=hostile, correlation_id=hostile, request_id=hostile))
    assert len(sample.text) <= TEXT_MAX
    assert len(sample.correlation_id.encode()) <= 800
