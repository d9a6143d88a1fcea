"""The statement of a policy: a report over all claims, laid out for the line printer."""

import logging
import time
import zlib
from decimal import ROUND_HALF_UP, Decimal

import policies

PAGE_SECONDS = 0.05  # the formatter's, it was written for a line printer
SLOW_MS = 700

log = logging.getLogger("com.example.claims.StatementReport")


def show(db, number):
    """GET /policies/{number}/statement -> 200 {"policy", "pages", "claims": [{...}], "total"}; slow."""
    started = time.monotonic()
    policy = policies.find(db, number)
    rate = Decimal(policies.rate(db, policy))
    # There is no index on CLAIMS.POLICY: every claim is read.
    everything = db.execute("SELECT number, policy, amount_cents FROM claims ORDER BY number").fetchall()
    claims = [
        {"claim": claim, "amount": cents / 100, "deductible": _rounded(cents * rate)}
        for claim, of_policy, cents in everything
        if of_policy == number
    ]
    pages = _pages(number)
    for _ in range(pages):
        time.sleep(PAGE_SECONDS)
    took_ms = int((time.monotonic() - started) * 1000)
    log.info(
        "statement of policy %s: %d pages, %d of %d claims, %d ms",
        number,
        pages,
        len(claims),
        len(everything),
        took_ms,
    )
    if took_ms > SLOW_MS:
        log.warning("statement of policy %s took %d ms: no index on CLAIMS.POLICY", number, took_ms)
    return 200, {
        "policy": number,
        "pages": pages,
        "claims": claims,
        "total": round(sum(claim["amount"] for claim in claims), 2),
    }


def _pages(number):
    """7 to 17, the same for the same policy."""
    return 7 + zlib.crc32(number.encode()) % 11


def _rounded(cents):
    """Whole cents, halves upwards as the books demand, in euros."""
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP)) / 100
