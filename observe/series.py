"""The series of a process: metrics with their tags, found again quickly and bounded in number.

A series is one metric with one set of tags. A process makes OBSERVE_METRICS_SERIES_MAX of one metric; beyond
that the tag with the most values has the value `other`, which is said once and counted in `replaced`.
docs/metrics.md
"""

from __future__ import annotations

from observe import guard, metric_lines, settings, stdout, wire
from observe.metric_lines import Form, Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.settings import Settings

#: Series that are found by what the caller gave, and those that the guard remembers, in a process.
_KNOWN_MAX, _TRACKED_MAX = 4096, 50_000
#: Series of one metric that may have replaced tags, for each tag that is replaced.
_REPLACED_MAX = 100
#: Metrics of which it is said: names may be many, too.
_SAID_MAX = 20
OTHER = "other"

form = Form("monitoring")
configured: Settings | None = None
#: (kind, name, tags as the caller gave them or as they are written[, rate, cardinality]) -> series
known: dict[tuple[Any, ...], Series] = {}
#: Metric -> values that went to a series with a replaced tag.
replaced: dict[str, int] = {}


def configure(found: Settings) -> None:
    """Take over the settings; for other ones than before everything begins anew."""
    global configured, form, _tracked
    constant = (tag.strip() for tag in found.metrics_tags)
    form = Form(
        found.metrics_format,
        namespace=found.metrics_namespace,
        level=found.level if found.json_mode else "",
        constant=tuple(dict.fromkeys(tag for tag in constant if tag)),
    )
    known.clear()
    replaced.clear()
    _spreads.clear()
    _tracked = 0
    configured = found


def find(kind: str, name: Any, tags: Any, rate: float = 1, tag_cardinality: str | None = None) -> Series:
    """Return the series of a metric, made and judged at first sight.

    kind: of metric_lines.METRIC_KINDS; tags: as metric_lines.pieces takes them; rate: of sampling.
    Raises ValueError for a series without a name, or one too large; TypeError for tags that are none.
    """
    given = list(tags) if hasattr(tags, "__next__") else tags
    clean = metric_lines.clean_name(name)
    if given is not None and not hasattr(given, "__iter__"):
        said = f"{type(given).__name__} {guard.said(given)[:64]}"
        raise TypeError(f"its tags, {said}, are no mapping, list or text")
    asked = metric_lines.pieces(clean_tags(given), "dogstatsd" if kind == "set" else form.name)
    if not clean:
        raise ValueError("a metric needs a name")
    size = len(clean.encode()) + sum(len(tag.encode()) + 1 for tag in asked)
    if size > metric_lines.SIZE_MAX:
        raise ValueError(f"metric {clean[:64]}: {size} bytes of name and tags are too many for a line")
    kept = _bounded(clean, asked, settings.get().metrics_series_max)
    more = () if rate == 1 and tag_cardinality is None else (rate, tag_cardinality)
    series = known.get((kind, clean, kept, *more))
    if series is None:
        if len(known) >= _KNOWN_MAX:
            known.clear()
        series = Series(form, kind, clean, kept, rate, cardinality(tag_cardinality))
        known[kind, clean, kept, *more] = series
    raw = _raw(given)
    if kept is asked and not more and type(name) is str and raw is not None:
        known[kind, name, raw] = series
    return series


def clean_tags(tags: Any) -> Any:
    """Return tags without secrets, as metric_lines.pieces takes them: `token:...`, `url:postgres://u:...@h`."""
    if not tags:
        return tags
    from observe import redaction

    if hasattr(tags, "__next__"):
        tags = list(tags)
    keys = getattr(tags, "keys", None)
    if callable(keys) and type(tags) is not dict:
        tags = {key: tags[key] for key in keys()}
    clean = redaction.get().tree(tags)
    if clean is tags or not isinstance(clean, list):
        return clean
    return [tuple(tag) if type(tag) is list else tag for tag in clean]


def clean_text(text: str, most: int = 0) -> str:
    """Return a member of a set, or a text of an event, without secrets.

    One that is too large for a line is cut to `most`, or for 0 stays: it will not be written.
    """
    from observe import redaction

    if len(text) <= wire.LINE_MAX_BYTES:
        return redaction.get().text(text)
    if not most:
        return text
    from observe import redaction_bounds

    return redaction_bounds.head(text, most, redaction.get())


def _raw(tags: Any) -> tuple[Any, ...] | str | None:
    """What `known` has tags by; None where something else could be equal to them, as True is to 1."""
    if tags is None:
        return ()
    if type(tags) is dict:
        items = tuple(tags.items())
        return items if all(type(key) is str and type(text) is str for key, text in items) else None
    if type(tags) is list or type(tags) is tuple:
        return tuple(tags) if all(type(tag) is str for tag in tags) else None
    return tags if type(tags) is str else None


_CARDINALITIES = ("none", "low", "orchestrator", "high")


def cardinality(asked: str | None) -> str:
    """What an agent may be asked for, "" for nothing; anything else is left out and said once."""
    if asked is None or asked in _CARDINALITIES:
        return asked or ""
    problem = f"{guard.said(asked)[:64]!r} is none of {', '.join(_CARDINALITIES)}"
    guard.report("observe.metrics.cardinality", ValueError(problem))
    return ""


# --- The guard ------------------------------------------------------------------------------


class _Spread:
    """The series of one metric as hashes: its sets of tags, those with replaced ones, the values by tag."""

    __slots__ = ("marks", "replaced", "values")

    def __init__(self) -> None:
        self.marks: set[int] = set()
        self.replaced: set[int] = set()
        self.values: dict[str, set[int]] = {}


_spreads: dict[str, _Spread] = {}
_tracked = 0


def _bounded(name: str, tags: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The tags themselves, or with `other` where the metric has too many series. most: 0 for any number."""
    global _tracked
    if not most or not tags:
        return tags
    spread, mark = _spreads.get(name), hash(frozenset(tags))
    if spread is not None and mark in spread.marks:
        return tags
    if _tracked >= _TRACKED_MAX or (spread is not None and len(spread.marks) >= most):
        return _replaced(name, tags, spread)
    if spread is None:
        spread = _spreads.setdefault(name, _Spread())
    spread.marks.add(mark)
    _tracked += 1
    for key, _, value in (tag.partition(":") for tag in tags):
        spread.values.setdefault(key, set()).add(hash(value))
    return tags


def _replaced(name: str, tags: tuple[str, ...], spread: _Spread | None) -> tuple[str, ...]:
    """The tags with as few values replaced as it takes: first of the key that has the most."""
    spread = spread or _Spread()
    values = spread.values
    keys = list(dict.fromkeys(tag.partition(":")[0] for tag in tags))
    keys.sort(key=lambda key: -len(values.get(key, ())))
    _count(name, keys[0])
    for count in range(1, len(keys) + 1):
        worst = keys[:count]
        kept = tuple(
            f"{tag.partition(':')[0]}:{OTHER}" if tag.partition(":")[0] in worst else tag for tag in tags
        )
        mark = hash(frozenset(kept))
        if mark in spread.marks or mark in spread.replaced:
            return kept
        if len(spread.replaced) < _REPLACED_MAX * count:
            spread.replaced.add(mark)
            return kept
    return (OTHER,)  # it is the keys that are too many


def _count(name: str, key: str) -> None:
    told = replaced.get(name)
    if told is not None:
        replaced[name] = told + 1
    elif len(replaced) < _SAID_MAX:
        replaced[name] = 1
        most = settings.get().metrics_series_max
        line = {
            "timestamp": wire.timestamp(stdout.now()),
            "level": "WARN",
            "message": f"hybrid-observe: metric {name} has more than {most} series "
            f"(OBSERVE_METRICS_SERIES_MAX): from now on a new value of its tag {key} is {OTHER!r}",
            "event": "observe.metric_series",
        }
        stdout.write(wire.log_line(line))
    else:
        replaced[""] = replaced.get("", 0) + 1
