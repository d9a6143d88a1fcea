"""Which versions of other libraries the layer can use: the function's own copy wins, and may be too old."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    Range = tuple[tuple[int, int], tuple[int, int]]

#: distribution: (first version, first version that is too new)
OPENTELEMETRY = ((1, 30), (2, 0))
URLLIB3 = ((1, 26), (3, 0))
AIOHTTP = ((3, 8), (4, 0))


def opentelemetry_problem() -> str:
    """Return what is wrong with the OpenTelemetry API that is found, or ""; raises as its import does."""
    from opentelemetry.version import __version__ as found

    return problem("opentelemetry-api", found, OPENTELEMETRY)


def problem(name: str, found: str, known: Range) -> str:
    """Return in what way version `found` of a library is outside of `known`, or ""."""
    first, too_new = known
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if len(numbers) == 2 and first <= numbers < too_new:
        return ""
    return f"{name} {found} is outside {first[0]}.{first[1]} to {too_new[0] - 1}.x"
