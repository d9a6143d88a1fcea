"""Numbers as people read them: milliseconds as seconds where they are many, bytes in KiB, ticks of axes."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10

#: Unit -> (value from which, divisor, suffix), largest first.
_SCALES: dict[str, tuple[tuple[float, float, str], ...]] = {
    "ns": ((1e9, 1e9, " s"), (1e6, 1e6, " ms"), (1e3, 1e3, " µs"), (0, 1, " ns")),
    "us": ((1e6, 1e6, " s"), (1e3, 1e3, " ms"), (0, 1, " µs")),
    "ms": ((7.2e6, 3.6e6, " h"), (1.2e5, 6e4, " min"), (1e3, 1e3, " s"), (0, 1, " ms")),
    "s": ((172800, 86400, " d"), (7200, 3600, " h"), (120, 60, " min"), (1, 1, " s"), (0, 1e-3, " ms")),
    "By": ((2**30, 2**30, " GiB"), (2**20, 2**20, " MiB"), (2**10, 2**10, " KiB"), (0, 1, " B")),
    "MBy": ((1024, 1024, " GB"), (0, 1, " MB")),
    "%": ((0, 1, " %"),),
    "{USD}": ((1e-3, 1, " USD"), (0, 1e-6, " µUSD")),
    "1": ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k"), (0, 1, "")),
}
#: Units that are the same by another name.
_SAME = {"": "1", "MiBy": "MBy", "USD": "{USD}", "h": "1"}


def shown(value: float | None, unit: str) -> str:
    """Return a value with its unit, three digits that matter: `1.23 s`, `0.8 %`; `-` for None."""
    if value is None or not isfinite(value):
        return "-"
    divisor, suffix = _scale(abs(value), unit)
    return _digits(value / divisor) + suffix


def ticks(high: float, unit: str, most: int = 5) -> list[tuple[float, str]]:
    """Return the ticks of an axis from 0, each with its label; the last is at `high` or above it.

    All labels have one suffix. most: steps at most.
    """
    high = high if isfinite(high) and high > 0 else 1.0
    divisor, suffix = _scale(high, unit)
    step = _step(high / divisor / most)
    if unit in ("1", "") and divisor == 1:
        step = max(step, 1.0)
    count = max(1, ceil(high / divisor / step - 1e-9))
    return [(i * step * divisor, _digits(i * step) + suffix) for i in range(count + 1)]


def length(seconds: float) -> str:
    """Return a length of time in words: `25 s`, `5 min`, `3 h`, `2 days`."""
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size and (seconds >= 2 * size or seconds == size or word == "min"):
            number = _digits(seconds / size)
            return f"{number} {'day' if word == 'days' and number == '1' else word}"
    return f"{_digits(seconds)} s"


def _scale(size: float, unit: str) -> tuple[float, str]:
    scales = _SCALES.get(_SAME.get(unit, unit))
    if scales is None:
        return 1.0, f" {unit.strip('{}')}"
    return next((divisor, suffix) for least, divisor, suffix in scales if size >= least)


def _step(least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`."""
    if least <= 0 or not isfinite(least):
        return 1.0
    power = 10.0 ** floor(log10(least))
    return next((f * power for f in (1, 2, 2.5, 5, 10) if f * power >= least * (1 - 1e-9)), 10 * power)


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    decimals = max(0, 2 - floor(log10(abs(value))))
    if decimals > 9:
        return f"{value:.2g}"
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
