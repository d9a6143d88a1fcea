"""Metric lines in each format of OBSERVE_METRICS_FORMAT: pure functions from values to bytes.

A `Series` is what all points of one metric with the same tags share. Its names and tags are cleaned once, so
nothing in them can break a line or add one.

Specification: docs/spec/lines.md
"""

from __future__ import annotations

from observe import guard, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    #: One number for a count and a gauge, numbers for the other kinds, texts for a set.
    Values = float | Sequence[float] | Iterable[str]
    #: Metrics of one line of EMF: name -> (unit, values).
    Line = dict[str, tuple[str, list[float]]]

#: What a metric may be, with DogStatsD's letter.
METRIC_KINDS = {
    "count": "c",
    "gauge": "g",
    "histogram": "h",
    "distribution": "d",
    "timing": "ms",
    "set": "s",
}
METRIC_FORMATS = ("monitoring", "dogstatsd", "datadog", "emf")
#: Kinds of which one number is left, however often they were told.
SINGLE = ("count", "gauge")
#: Values in one datagram: it stays below the 8 KiB that agents read at once.
_PACKED_MAX = 256

#: Of a series' name and tags, in bytes, and of a set's member: a larger datagram is none that an agent reads.
SIZE_MAX = 8 * 1024

_NAME_EXTRA, _TAG_EXTRA = "_.-/", "_.-/:"
_NAME_TABLE, _TAG_TABLE = (
    dict.fromkeys((code for code in range(128) if not chr(code).isalnum() and chr(code) not in extra), "_")
    for extra in (_NAME_EXTRA, _TAG_EXTRA)
)


class Form:
    """How lines are written. name: of METRIC_FORMATS; level: to lead with in Lambda's JSON mode, else "".

    constant: tags of every metric; namespace: CloudWatch's.
    """

    __slots__ = ("constant", "level", "name", "namespace")

    def __init__(
        self, name: str, *, namespace: str = "", level: str = "", constant: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.level = level
        self.constant = constant

    def lead(self, unix_nano: int) -> dict[str, str]:
        """What a line starts with in Lambda's JSON mode."""
        return {"timestamp": wire.timestamp(unix_nano), "level": self.level} if self.level else {}

    def wrapped(self, text: str, unix_nano: int) -> bytes:
        """Return a datagram, or another text without line breaks, as a line."""
        if self.level:
            return wire.json_bytes({**self.lead(unix_nano), "metric": text}) + b"\n"
        return text.encode("utf-8", "replace") + b"\n"


class Series:
    """One metric with one set of tags. tags: of `pieces`; rate: of sampling, 0 to 1."""

    __slots__ = ("_suffix", "constant", "form", "kind", "name", "rate", "tags")

    def __init__(
        self,
        form: Form,
        kind: str,
        name: str,
        tags: tuple[str, ...] = (),
        rate: float = 1,
        cardinality: str = "",
    ) -> None:
        self.kind = kind
        self.name = name
        self.tags = tags
        self.rate = rate
        #: A set is a datagram in any format, for no other has it.
        self.form = "dogstatsd" if kind == "set" else form.name
        self.constant = pieces(form.constant, self.form)
        if self.form != "dogstatsd" and self.constant:
            # A reader that keeps one value a key must keep the caller's.
            own = {tag.partition(":")[0] for tag in tags}
            self.constant = tuple(tag for tag in self.constant if tag.partition(":")[0] not in own)
        self._suffix = self._after_value(cardinality)

    def _after_value(self, cardinality: str) -> str:
        tags = (*self.tags, *self.constant)
        if self.form == "datadog":
            return wire.json_bytes({"t": tags}).decode()[1:]
        if self.form == "monitoring":
            return f"|{self.kind}|{self.name}|#{','.join(tags)}"
        suffix = f"|{METRIC_KINDS[self.kind]}"
        suffix += f"|@{self.rate}" if self.rate != 1 else ""
        suffix += f"|#{','.join(tags)}" if tags else ""
        return suffix + f"|card:{cardinality}" if cardinality else suffix

    @property
    def size(self) -> int:
        """Bytes of a line beside its values, about."""
        return len(self.name) + len(self._suffix)

    def scaled(self, value: float) -> float:
        """A sampled count stands for more than itself; a format without a rate tells the whole."""
        return value / self.rate if self.rate != 1 and self.kind == "count" else value

    def texts(self, values: Values, unix_s: int, stamp: str) -> Iterator[str]:
        """Yield the lines of these values as text. stamp: "|T<epoch s>", or "" for now."""
        if self.form == "dogstatsd":
            for packed in _packed(self.kind, values):
                yield f"{self.name}:{packed}{self._suffix}{stamp}"
            return
        for value in _each(self.kind, values):
            if self.form == "datadog":
                yield f'{{"m":"{self.name}","v":{self.scaled(value)},"e":{unix_s},{self._suffix}'
            else:
                yield f"MONITORING|{unix_s}|{self.scaled(value)}{self._suffix}"


def _each(kind: str, values: Any) -> Sequence[Any]:
    return (values,) if kind in SINGLE else values


def _packed(kind: str, values: Any) -> Iterable[str]:
    """A member of a set may hold a colon, so each has a datagram of its own."""
    if kind in SINGLE:
        return (str(values),)
    if kind == "set":
        return (str(member) for member in values)
    return (
        ":".join(map(str, values[start : start + _PACKED_MAX]))
        for start in range(0, len(values), _PACKED_MAX)
    )


def lines(
    totals: Mapping[Series, Any], form: Form, unix_nano: int, at_unix_s: int | None = None
) -> list[bytes]:
    """Return what was measured as lines, each under wire.LINE_MAX_BYTES if its series' size is.

    totals: Series -> Values; unix_nano: now; at_unix_s: when it happened, if not now.
    """
    unix_s = unix_nano // 1_000_000_000 if at_unix_s is None else at_unix_s
    stamp = "" if at_unix_s is None else f"|T{at_unix_s}"
    lead = wire.json_bytes(form.lead(unix_nano)).decode()[:-1] + "," if form.level else "{"
    out: list[bytes] = []
    embedded: dict[Series, Any] = {}
    for series, values in totals.items():
        if series.form == "emf":
            embedded[series] = values
        elif series.form == "datadog":
            out += [f"{lead}{text[1:]}\n".encode() for text in series.texts(values, unix_s, stamp)]
        elif form.level:
            out += [form.wrapped(text, unix_nano) for text in series.texts(values, unix_s, stamp)]
        else:
            out += [f"{text}\n".encode() for text in series.texts(values, unix_s, stamp)]
    if embedded:
        unix_ms = unix_nano // 1_000_000 if at_unix_s is None else at_unix_s * 1000
        out += _embedded(embedded, form, form.lead(unix_nano), unix_ms)
    return out


def metric_line(
    kind: str,
    name: str,
    value: float | str,
    tags: Mapping[str, str] | Sequence[tuple[str, str]],
    unix_nano: int,
    *,
    form: str = "monitoring",
    namespace: str = "",
    level: str = "",
) -> bytes:
    """Return one data point as one line in the format `form` (METRIC_FORMATS).

    kind: a key of METRIC_KINDS; level: the log level to lead with in Lambda's JSON mode, "" in text mode.
    """
    written = Form(form, namespace=namespace, level=level)
    series = Series(written, kind, clean_name(name), pieces(tags, "dogstatsd" if kind == "set" else form))
    point: Any = value if kind in SINGLE else [member(value)] if kind == "set" else [value]
    return lines({series: point}, written, unix_nano)[0]


# --- CloudWatch's embedded metric format -------------------------------------------------------

#: The specification's limits: metrics a line, values a metric, dimensions a metric.
_METRICS_MAX, _VALUES_MAX, _DIMENSIONS_MAX = 100, 100, 30
#: Bytes of metrics in one line; its tags need room beside them.
_LINE_BYTES = wire.LINE_MAX_BYTES - 64 * 1024
_UNITS = {"count": "Count", "timing": "Milliseconds"}


def _embedded(totals: Mapping[Series, Any], form: Form, lead: Mapping[str, str], unix_ms: int) -> list[bytes]:
    """Return a line for every 100 metrics of the same tags. totals: Series -> Values (observe.metric_lines).

    Tags are dimensions. Tags of every metric (form.constant) are fields only: each combination of dimensions
    is a metric that is billed, and a version among them would begin new ones with each deployment. So is a
    tag without a value, for which CloudWatch would refuse the line.
    """
    reserved = ("_aws", *lead)
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Line]] = {}
    for series, values in totals.items():
        name = f"{series.name}_" if series.name in reserved else series.name
        taken = (name, *reserved)
        tags = tuple(tag for tag in series.tags if tag.partition(":")[0] not in taken)
        constant = tuple(tag for tag in series.constant if tag.partition(":")[0] not in taken)
        each = [series.scaled(values)] if series.kind in SINGLE else values
        room = groups.setdefault((tags, constant), [])
        for start in range(0, len(each), _VALUES_MAX):
            chunk = list(each[start : start + _VALUES_MAX])
            _line_for(room, name, chunk)[name] = (_UNITS.get(series.kind, "None"), chunk)
    return [
        wire.json_bytes({**lead, **_document(form, tags, constant, line, unix_ms)}) + b"\n"
        for (tags, constant), found in groups.items()
        for line in found
    ]


def _line_for(found: list[Line], name: str, values: list[float]) -> Line:
    """The first line with room for the metric: one of its name can be in a line once."""
    size = _size(name, values)
    for line in found:
        if name not in line and len(line) < _METRICS_MAX and sum(_sizes(line)) + size <= _LINE_BYTES:
            return line
    found.append({})
    return found[-1]


def _sizes(line: Line) -> Iterator[int]:
    return (_size(name, values) for name, (_, values) in line.items())


def _size(name: str, values: list[float]) -> int:
    """Bytes at most: the name stands there twice, a letter has up to four, a number up to 24 digits."""
    return 8 * len(name) + 64 + 25 * len(values)


def _document(
    form: Form, tags: tuple[str, ...], constant: tuple[str, ...], line: Line, unix_ms: int
) -> dict[str, Any]:
    fields = {key: text for key, _, text in (tag.partition(":") for tag in (*constant, *tags))}
    named = dict.fromkeys(tag.partition(":")[0] for tag in tags)
    dimensions = [key for key in named if fields[key].strip()][:_DIMENSIONS_MAX]
    directive = {
        "Namespace": form.namespace,
        "Dimensions": [dimensions],
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in line.items()],
    }
    values = {name: many[0] if len(many) == 1 else many for name, (_, many) in line.items()}
    return {"_aws": {"Timestamp": unix_ms, "CloudWatchMetrics": [directive]}, **fields, **values}


# --- Names and tags -------------------------------------------------------------------------


def clean_name(name: object) -> str:
    """The name with everything but letters, digits and `_ . - /` replaced by `_`.

    https://docs.datadoghq.com/metrics/custom_metrics/#naming-custom-metrics
    """
    return _clean(guard.said(name), _NAME_TABLE, _NAME_EXTRA)


def clean_tag(tag: str) -> str:
    """The tag with everything but letters, digits and `_ . - / :` replaced by `_`, as datadogpy does.

    https://docs.datadoghq.com/getting_started/tagging/#define-tags
    """
    return _clean(tag, _TAG_TABLE, _TAG_EXTRA)


#: What has a meaning in a MONITORING line, and in a key.
_VALUE_TABLE = str.maketrans(dict.fromkeys("|,#@\n\r\t", "_"))
_KEY_TABLE = {**_VALUE_TABLE, ord(" "): "_"}


def _separated_tag(tag: str) -> str:
    """The tag with the separators replaced by `_`: its value stays readable text."""
    key, colon, text = valid(tag).partition(":")
    return key.translate(_KEY_TABLE) + colon + text.translate(_VALUE_TABLE)


def _clean(text: str, table: dict[int, str], extra: str) -> str:
    if text.isascii():
        return text.translate(table)
    return "".join(letter if letter.isalnum() or letter in extra else "_" for letter in text)


_FIELD_TABLE = str.maketrans(dict.fromkeys("|\n\r", "_"))


def valid(text: object) -> str:
    """Anything as text that can be encoded."""
    found: str = wire.plain(guard.said(text))
    return found


def field(value: object) -> str:
    """Anything as text that ends neither its section nor its datagram."""
    return valid(value).translate(_FIELD_TABLE)


def member(value: object) -> str:
    """A member of a set as it is written; raises ValueError for an empty one and for one too long."""
    if value is None:
        raise ValueError("None is no member of a set")
    text = field(value)
    if not 0 < len(text) <= SIZE_MAX:
        raise ValueError(f"a set cannot count a text of {len(text)} characters")
    return text


def pieces(tags: Any, form: str = "dogstatsd") -> tuple[str, ...]:
    """Return tags as they are written in a format, cleaned, in their order.

    tags: {"key": "value"}, ["key:value", "flag"], [("key", "value")], "key:value" or None. One without a
    value has no colon; an empty one is left out. Raises TypeError for anything else.
    """
    if not tags:
        return ()
    if isinstance(tags, str):
        tags = (tags,)
    keys = getattr(tags, "keys", None)
    pairs = [(key, tags[key]) for key in keys()] if callable(keys) else tags
    found = (_piece(*tag) if type(tag) is tuple and len(tag) == 2 else _text(tag) for tag in pairs)
    clean = clean_tag if form == "dogstatsd" else _separated_tag
    return tuple([clean(tag) for tag in found if tag])


def _piece(key: object, value: object) -> str:
    """A colon in a key would end it: the value's begins at the first one."""
    text = _text(value)
    name = _text(key).replace(":", "_")
    return f"{name}:{text}" if text else name


def _text(value: object) -> str:
    """A member of an enumeration of texts is its text: it is equal to it, so it is the same series."""
    return str.__str__(value) if isinstance(value, str) else guard.said(value)
