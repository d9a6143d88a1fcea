"""Policies: looked up, restored from the archive if need be, and rated."""

import logging
import time
from collections import namedtuple

from refused import RefusedError

RESTORE_SECONDS = 2.6  # what the tape robot takes

log = logging.getLogger("com.example.claims.PolicyService")

Policy = namedtuple("Policy", "number status tariff archived")


class NoRateError(Exception):
    """The tariff of a policy is not in table TARIFFS."""


def show(db, number):
    """GET /policies/{number} -> 200 {"policy", "status", "active", "tariff", "rate"}"""
    policy = find(db, number)
    return 200, {
        "policy": policy.number,
        "status": policy.status,
        "active": policy.status == "in force",
        "tariff": policy.tariff,
        "rate": rate(db, policy),
    }


def find(db, number):
    """Return the policy; one in the archive is restored first. Refuses unknown ones."""
    row = db.execute(
        "SELECT number, status, tariff, archived FROM policies WHERE number = ?", [number]
    ).fetchone()
    if row is None:
        raise RefusedError(404, f"policy {number} is unknown")
    policy = Policy(*row)
    if policy.archived:
        _restore(policy)
    return policy


def in_force(db, number):
    """Return the policy if claims can be made on it, else refuse. Raises NoRateError."""
    policy = find(db, number)
    if policy.status != "in force":
        raise RefusedError(422, f"policy {number} is {policy.status}")
    found = rate(db, policy)
    log.info("policy %s is in force, tariff %s, rate %s", number, policy.tariff, found)
    return policy


def rate(db, policy):
    """Return the rate of the policy's tariff, as text. Raises NoRateError."""
    row = db.execute("SELECT rate FROM tariffs WHERE code = ?", [policy.tariff]).fetchone()
    if row is None:
        (loaded_on,) = db.execute("SELECT max(loaded_on) FROM tariffs").fetchone()
        raise NoRateError(
            f"no rate for tariff {policy.tariff} of policy {policy.number}:"
            f" table TARIFFS was last loaded {loaded_on}"
        )
    return row[0]


def _restore(policy):
    # The archive is read-only: the next request has to restore it again.
    log.warning("policy %s is archived: restoring it from tape, this takes a while", policy.number)
    time.sleep(RESTORE_SECONDS)
    log.info("policy %s is restored", policy.number)
