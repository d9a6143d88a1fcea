"""Databases: how many connections they take, of their parameter group or estimated of their class.

The estimate is the engine's own default, a share of the memory:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
"""

from __future__ import annotations

import re

from dashboards.model.draft import Draft
from dashboards.model.pointers import number, text
from dashboards.template.values import Item
from subscribers.config_tree import at

_GIB = 1 << 30
_CLASS = re.compile(r"db\.([a-z])[0-9a-z]*\.([0-9]{0,3}xlarge|large|micro|small|medium)\Z")
#: GiB of memory of a `large` by the family's first letter; each further size is so many of them.
_LARGE_GIB = {"t": 8, "m": 8, "r": 16, "x": 32, "z": 16}
_SHARES = {"micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0, "xlarge": 2.0}
#: Beginning of an engine's name -> (bytes of memory a connection, most there are).
_ENGINES = {
    "postgres": (9_531_392, 5_000),
    "mysql": (12_582_880, 100_000),
    "mariadb": (12_582_880, 100_000),
}


def connect(draft: Draft) -> None:
    """Add the limit of connections to every database whose parameters or class tell it."""
    for item in draft.items_of("AWS::RDS::DBInstance"):
        most = _of_group(item, draft) or _of_class(item)
        if most:
            draft.change(draft.of_item(item), limits={"max_connections": most})


def _of_group(item: Item, draft: Draft) -> float:
    group = draft.item_named(item.properties.get("DBParameterGroupName"), "AWS::RDS::DBParameterGroup")
    written = at(group.properties, "Parameters", "max_connections") if group is not None else None
    return number(written) or 0.0


def _of_class(item: Item) -> float:
    match = _CLASS.match(text(item.properties.get("DBInstanceClass")))
    engine = text(item.properties.get("Engine"))
    found = next((limits for name, limits in _ENGINES.items() if engine.startswith(name)), None)
    if match is None or found is None or match[1] not in _LARGE_GIB:
        return 0.0
    times = _SHARES.get(match[2]) or 2.0 * int(match[2].removesuffix("xlarge") or 1)
    each, most = found
    return float(min(int(_LARGE_GIB[match[1]] * times * _GIB / each), most))
