"""Addresses of the state, as OBSERVE_STATE has them -> the State.

memory:                             gone with the process
PATH.sqlite, sqlite:PATH            a file on this machine
dynamodb:TABLE[?region=REGION]      a table; without a Region that of the environment

ValueError      an address that is none of these; a sentence
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from subscribers.alerts.state import State

#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)+")
_SUFFIX = ".sqlite"
_FORMS = f"it is memory:, a file that ends in {_SUFFIX}, sqlite:PATH, or dynamodb:TABLE?region=REGION"


class Table(NamedTuple):
    """A DynamoDB table. region: "" for the environment's."""

    name: str
    region: str = ""


def state_of(address: str) -> State:
    """Return the state at an address; nothing is opened yet. Raises ValueError."""
    if address == "memory:":
        from subscribers.alerts.state_memory import MemoryState

        return MemoryState()
    if table := dynamodb_table(address):
        from subscribers.alerts.state_dynamodb import DynamoState

        return DynamoState(table.name, table.region)
    path = address.removeprefix("sqlite:")
    if path and "\0" not in path and (path != address or path.endswith(_SUFFIX)):
        from subscribers.alerts.state_sqlite import SqliteState

        return SqliteState(path)
    raise ValueError(f"{address!r} is no address of the state of alerts: {_FORMS}")


def dynamodb_table(address: str) -> Table | None:
    """Return the table of a `dynamodb:` address, None for any other. Raises ValueError."""
    if not address.startswith("dynamodb:"):
        return None
    name, _, query = address.removeprefix("dynamodb:").partition("?")
    if not _TABLE.fullmatch(name):
        raise ValueError(
            f"{address!r}: {name!r} is no name of a DynamoDB table, such as dynamodb:observe-alerts"
        )
    told = parse_qsl(query, keep_blank_values=True)
    if query and [key for key, _ in told] != ["region"]:
        raise ValueError(f"{address!r}: nothing but ?region=REGION can follow the table's name")
    region = told[0][1] if told else ""
    if told and not _REGION.fullmatch(region):
        raise ValueError(f"{address!r}: {region!r} is no Region, such as eu-west-1")
    return Table(name, region)
