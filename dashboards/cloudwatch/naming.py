"""Names of what is deployed, and logical IDs: stable, unique, within CloudWatch's limits."""

from __future__ import annotations

import re
from hashlib import blake2b

from dashboards.cloudwatch.references import OPEN
from dashboards.resources import System, slug

#: Of dashboards and alarms.
NAME_MAX = 255


def deployed(system: System, name: str) -> str:
    """Return the name of a dashboard, alarm or saved query: unique in an account and Region."""
    return shortened(f"{_title(system)}-{name}")


def metric_name(system: System, name: str) -> str:
    """Return the name of a metric of our own, such as `claims.errors.submit-legacy`."""
    return shortened(f"{_title(system)}.{name}")


def _title(system: System) -> str:
    """A title that is a reference, such as the stack's own name, is a name already."""
    return system.title if system.title.startswith(OPEN) else slug(system.title)


def shortened(name: str, longest: int = NAME_MAX) -> str:
    """Return a name that is not too long: its beginning and a hash of all of it."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}-{_hash(name)}"


def logical_id(kind: str, name: str) -> str:
    """Return a logical ID: letters and digits; a hash where others were lost or it were too long."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    found = kind + "".join(word[:1].upper() + word[1:] for word in words)
    if re.fullmatch(r"[a-z0-9-]+", name) and "--" not in name and len(found) <= 200:
        return found
    return f"{found[:200]}{_hash(name)}"


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()
