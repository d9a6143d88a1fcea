"""Claims: registered, assessed, looked up."""

import logging
import re
import time
import zlib
from collections import namedtuple
from decimal import Decimal

import policies
from database import writing
from refused import RefusedError

NUMBER = re.compile("[A-Za-z0-9-]{1,32}")
ADJUSTER_FROM_CENTS = 5000_00
STATUS = {"RG": "registered", "AS": "assessed", "PD": "paid"}

log = logging.getLogger("com.example.claims.ClaimService")

Claim = namedtuple("Claim", "number policy cents")


def submit(db, body):
    """POST /claims {"number", "policy", "amount"} -> 202 {"claim"}: registered and assessed at once."""
    claim = _claim(body)
    _register(db, claim)
    _assess(db, claim)
    return 202, {"claim": claim.number}


def register(db, body):
    """POST /registrations {"number", "policy", "amount"} -> 201 {"claim"}, 200 if it was there already."""
    claim = _claim(body)
    return 201 if _register(db, claim) else 200, {"claim": claim.number}


def show(db, number):
    """GET /claims/{number} -> 200 {"claim", "status", "amount"}"""
    row = db.execute("SELECT status, amount_cents FROM claims WHERE number = ?", [number]).fetchone()
    if row is None:
        raise RefusedError(404, f"claim {number} is unknown")
    return 200, {"claim": number, "status": STATUS[row[0]], "amount": row[1] / 100}


def euros(cents):
    """1234 -> "12.34" """
    return f"{cents // 100}.{cents % 100:02d}"


def _register(db, claim):
    """Check the policy and store the claim; False if the very same one was stored before."""
    log.info("claim %s on policy %s, amount %s", claim.number, claim.policy, euros(claim.cents))
    policies.in_force(db, claim.policy)
    with writing(db, "CLAIMS"):
        stored = db.execute(
            "SELECT number, policy, amount_cents FROM claims WHERE number = ?", [claim.number]
        ).fetchone()
        if stored is None:
            db.execute("INSERT INTO claims VALUES (?, ?, ?, 'RG', ?)", [*claim, _now()])
    if stored is not None and stored != claim:
        raise RefusedError(409, f"claim {claim.number} is already registered, with other data")
    log.info("claim %s registered%s", claim.number, " before" if stored else "")
    return stored is None


def _assess(db, claim):
    time.sleep(_host_seconds(claim.number))
    with writing(db, "CLAIMS"):
        db.execute("UPDATE claims SET status = 'AS' WHERE number = ? AND status = 'RG'", [claim.number])
    if claim.cents > ADJUSTER_FROM_CENTS:
        log.warning("claim %s over %s: an adjuster has to see it", claim.number, euros(ADJUSTER_FROM_CENTS))
    else:
        log.info("claim %s assessed: approved", claim.number)


def _host_seconds(number):
    """The rules still run on the host, one call a claim: 55 to 105 ms."""
    return (55 + zlib.crc32(number.encode()) % 51) / 1000


def _claim(body):
    if not isinstance(body, dict):
        raise RefusedError(400, "the body is not a JSON object")
    for field in ("number", "policy"):
        if not isinstance(body.get(field), str) or not NUMBER.fullmatch(body[field]):
            raise RefusedError(400, f"{field} must be 1 to 32 letters, digits or hyphens")
    return Claim(body["number"], body["policy"], _cents(body.get("amount")))


def _cents(amount):
    """12.34 -> 1234; JSON numbers come as int or Decimal."""
    if type(amount) not in (int, Decimal) or not 0 < amount < 10**12:
        raise RefusedError(400, "amount must be a number above 0 and below 1000000000000")
    if Decimal(amount).as_tuple().exponent < -2:
        raise RefusedError(400, "amount has more than two decimals")
    return int(amount * 100)


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
