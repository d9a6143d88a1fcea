"""Which versions of other libraries the layer can use: the function's own copy wins, and may be too old."""

from __future__ import annotations

#: distribution: (first version, first version that is too new)
OPENTELEMETRY = ((1, 30), (2, 0))


def opentelemetry_problem() -> str:
    """Return what is wrong with the OpenTelemetry API that is found, or ""; raises as its import does."""
    from opentelemetry.version import __version__ as found

    first, too_new = OPENTELEMETRY
    major, minor = (int(part) for part in found.split(".")[:2])
    if first <= (major, minor) < too_new:
        return ""
    return f"opentelemetry-api {found} is outside {first[0]}.{first[1]} to {first[0]}.x"
