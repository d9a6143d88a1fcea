"""What an invocation costs."""

from __future__ import annotations

import pytest

from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Page
from subscribers.parsers.prices import COMMON, LIST_PRICES, REGIONS, Pricing
from subscribers.parsers.serverless import parse as parse_lambda
from subscribers.signals import Metric
from tests.subscribers.lambda_stream import COLD, NOW, ORIGIN, batch


def test_a_second_of_a_gigabyte_and_a_request() -> None:
    """AWS's own example: the price of the unit, and of one request."""
    assert LIST_PRICES.usd(1000, 1024, "us-east-1") == pytest.approx(0.0000166667 + 0.0000002)
    assert Pricing(architecture="arm64").usd(1000, 1024, "us-east-1") == pytest.approx(
        0.0000133334 + 0.0000002
    )


def test_half_the_memory_costs_half() -> None:
    """Billed milliseconds at the size, not at what was used."""
    request = COMMON.request
    whole, half = (LIST_PRICES.usd(400, size, "eu-west-1") - request for size in (2048, 1024))
    assert whole == pytest.approx(2 * half)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_that_differ_cost_what_they_cost(region: str) -> None:
    """And arm64 is a fifth cheaper in each of them, as AWS says."""
    price = REGIONS[region]
    assert LIST_PRICES.usd(1000, 1024, region) == pytest.approx(price.x86_64 + price.request)
    assert price.arm64 == pytest.approx(price.x86_64 * 0.8, rel=0.003)


@pytest.mark.parametrize("region", ["", "eu-west-1", "xx-new-9"])
def test_any_other_region_costs_what_most_do(region: str) -> None:
    """An estimate of a new Region is better than none."""
    assert LIST_PRICES.usd(0, 128, region) == COMMON.request


def test_a_teams_own_price_is_used_everywhere() -> None:
    """The architecture and a discount are configuration: no line tells them."""
    pricing = Pricing(architecture="arm64", usd_per_gb_second=0.5, usd_per_million_requests=0.0)
    assert pricing.usd(1000, 1024, "af-south-1") == 0.5
    assert Pricing(usd_per_gb_second=0.5).usd(1000, 1024, "af-south-1") == pytest.approx(0.5 + 0.27e-6)
    assert Pricing(usd_per_million_requests=1.0).usd(0, 1024, "af-south-1") == pytest.approx(1e-6)
    given = batch(COLD)
    ids = event_ids(given.owner, given.log_group, given.log_stream, given.events)
    page = Page(origin=ORIGIN, events=given.events, event_ids=ids, now_unix_nano=NOW)
    found = {s.name: s.value for s in parse_lambda(page, pricing).signals if isinstance(s, Metric)}
    assert found["aws.lambda.estimated_cost"] == pytest.approx(0.010 * 0.125 * 0.5)
