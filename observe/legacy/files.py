"""Files: what travels beside them or in their name, and one reader for everything in them.

The invisible places come first (`archives`), a trailer record next (`records`), a sidecar file if the
partner must not see anything, the name last: people and schedulers read names.
"""

from __future__ import annotations

import re

from observe.legacy import archives, compact, records
from observe.legacy.carrier import CarrierError, Written, readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context

SIDECAR = ".ctx.json"
#: NAME_MAX of Linux' file systems: https://man7.org/linux/man-pages/man0/limits.h.0p.html. A path with
#: backslashes counts as one name, as Linux would have it; Windows' own limit of a whole path is 260.
NAME_MAX = 255
#: In any case: some systems and transfers change that of names.
_TOKEN = re.compile(r"\.ctx-([0-7][0-9A-HJKMNP-TV-Z]{25})(?=\.|\Z)", re.IGNORECASE | re.ASCII)


def sidecar_name(name: str) -> str | None:
    """Return `<name>.ctx.json`, or None if its last part would have more than 255 bytes or is empty."""
    return _fits(name + SIDECAR) if _base(name) else None


def sidecar(context: Context) -> bytes:
    """Return the content of a sidecar file: the four headers as a JSON object, and a line break."""
    return archives.document(context).encode("ascii") + b"\n"


def read_sidecar(data: bytes | str) -> dict[str, str]:
    """Return the headers of a sidecar file, or {}."""
    return archives.read_document(data)


def carry_name(name: str, context: Context | None) -> Written[str]:
    """Put `.ctx-<26>` before the first dot of a file's name: `claims.tar.gz` -> `claims.ctx-....tar.gz`.

    name: with or without folders. Carries the trace ID. Reasons: `present`, `no_room` (255 bytes), `no_name`.
    Raises CarrierError("document") for what is no text.
    """
    if not isinstance(name, str):
        raise CarrierError("document", f"a name is text, not {type(name).__name__}")
    if context is None:
        return Written(name, "no_context")
    own = compact.reference(context, NAME_MAX)
    base = _base(name)
    if not base.strip("."):
        return Written(name, "no_name")
    if read_name(name):
        return Written(name, "present")
    dot = base.find(".", 1)
    at = len(name) - len(base) + (dot if dot > 0 else len(base))
    grown = f"{name[:at]}.ctx-{own}{name[at:]}"
    return Written(name, "no_room") if _fits(grown) is None else Written(grown)


def read_name(name: str) -> dict[str, str]:
    """Return the headers of the token in a file's name, or {}."""
    found = _TOKEN.search(_base(name)) if isinstance(name, str) else None
    return compact.read(found[1].upper()) if found else {}


def read(data: bytes) -> dict[str, str]:
    """Return the headers that the bytes of a file carry, whichever carrier of ours it was, or {}.

    gzip, ZIP, tar, a sidecar, or a text file's trailer. Fixed-width trailers need `records.read_trailer`,
    which is told the record length. Nothing is decompressed.
    """
    data = readable(data) or b""
    for reader in (archives.read_gzip, archives.read_zip, archives.read_tar):
        headers = reader(data)
        if headers:
            return headers
    if data[:1] == b"{" and (headers := read_sidecar(data)):
        return headers
    return records.read_trailer(data)


def _base(name: str) -> str:
    return name[max(name.rfind("/"), name.rfind("\\")) + 1 :]


def _fits(name: str) -> str | None:
    last = name[name.rfind("/") + 1 :]
    return name if len(last.encode("utf-8", "surrogatepass")) <= NAME_MAX else None
