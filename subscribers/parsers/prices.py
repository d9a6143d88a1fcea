"""What an invocation costs: the price of its billed time at its size, and of the request.

List prices of the first tier in US dollars, without discounts, free tier and taxes; storage, provisioned
concurrency and SnapStart's cache are no part of them. Sources: AWS's price list for Lambda, publication of
2026-09-19, and the table behind AWS's Pricing Calculator. A Region that is not in the table has the price
that most have.

https://aws.amazon.com/lambda/pricing/
https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSLambda/current/index.json
https://calculator.aws/pricing/2.0/meteredUnitMaps/lambda/USD/current/lambda.json
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

Architecture = Literal["x86_64", "arm64"]


class Price(NamedTuple):
    """US dollars for a gigabyte-second on each architecture, and for one request."""

    x86_64: float
    arm64: float
    request: float


#: What most Regions cost.
COMMON = Price(0.0000166667, 0.0000133334, 0.20e-6)
#: The Regions that differ.
REGIONS: Mapping[str, Price] = {
    "af-south-1": Price(0.0000221, 0.00001768, 0.27e-6),
    "ap-east-1": Price(0.00002292, 0.0000183, 0.28e-6),
    "ap-southeast-5": Price(0.000015, 0.000012, 0.18e-6),
    "eu-central-2": Price(0.0000183334, 0.0000146667, 0.22e-6),
    "eu-south-1": Price(0.0000195172, 0.0000156138, 0.23e-6),
    # No source for arm64 in Tel Aviv: the fifth less that it is everywhere else.
    "il-central-1": Price(0.0000175, 0.000014, 0.21e-6),
    "me-central-1": Price(0.0000206667, 0.0000165334, 0.25e-6),
    "me-south-1": Price(0.0000206667, 0.0000165334, 0.25e-6),
}


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """How costs are estimated. architecture: no line tells it, so it is the service's, x86_64 unless said.

    The others are a team's own prices in US dollars, with its discounts, for every Region; None: the list
    price of the Region.
    """

    architecture: Architecture = "x86_64"
    usd_per_gb_second: float | None = None
    usd_per_million_requests: float | None = None

    def usd(self, billed_ms: float, size_mb: float, region: str) -> float:
        """Return what one invocation costs in US dollars.

        billed_ms: Billed Duration, which has the billed part of an init and of a restore in it;
        size_mb: Memory Size, in units of 1,048,576 bytes; region: "" for one that is not known.
        """
        listed = REGIONS.get(region, COMMON)
        unit, request = self.usd_per_gb_second, self.usd_per_million_requests
        if unit is None:
            unit = listed.arm64 if self.architecture == "arm64" else listed.x86_64
        return billed_ms / 1000 * (size_mb / 1024) * unit + (
            listed.request if request is None else request / 1e6
        )


LIST_PRICES = Pricing()
