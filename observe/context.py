"""Context: who a request is, on both sides; read from headers and written to headers.

The idea that keeps this small is projection: every source is first projected to lower-cased
headers, one `capture` reads them all; one `inject` writes them all.

Specification: docs/spec/context.md, test vectors in docs/spec/context-vectors.json.
"""

from __future__ import annotations

from contextvars import ContextVar

from observe import guard, ids, semconv, w3c

TYPE_CHECKING = False  # importing typing for it would cost 2 ms of every cold start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

    Links = tuple[tuple[str, str, str], ...]

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
BAGGAGE = "baggage"
CORRELATION_ID = "x-correlation-id"
#: Of Node functions in the same company: each of these is a member of baggage.
CORRELATION_PREFIX = "x-correlation-"
XRAY = "x-amzn-trace-id"

#: The trust edge: what a correlation ID may be made of, and how long it may be.
CORRELATION_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/=+@-"
CORRELATION_MAX = 128
HOPS_MAX = 9999

_FLAG_SAMPLED = 1
_FLAGS_KNOWN = 3  # sampled, random trace ID


class Context:
    """One request's identity; immutable.

    trace_id: 32 hex. span_id: 16 hex, the caller's, or "" where none is known. correlation_id:
    what people search by. flags: W3C trace flags (1 sampled, 2 random trace ID). debug: log this
    whole transaction at DEBUG. hops: how many hops the request has made. baggage: pairs of key
    and value as they were on the wire, without our own members. tracestate: as received.
    """

    __slots__ = ("baggage", "correlation_id", "debug", "flags", "hops", "span_id", "trace_id", "tracestate")

    trace_id: str
    span_id: str
    correlation_id: str
    flags: int
    debug: bool
    hops: int
    baggage: tuple[tuple[str, str], ...]
    tracestate: str

    def __init__(
        self,
        trace_id: str,
        span_id: str = "",
        *,
        correlation_id: str = "",
        flags: int = _FLAG_SAMPLED,
        debug: bool = False,
        hops: int = 0,
        baggage: tuple[tuple[str, str], ...] = (),
        tracestate: str = "",
    ) -> None:
        put = object.__setattr__
        put(self, "trace_id", trace_id)
        put(self, "span_id", span_id)
        put(self, "correlation_id", correlation_id or trace_id)
        put(self, "flags", flags)
        put(self, "debug", debug)
        put(self, "hops", hops)
        put(self, "baggage", baggage)
        put(self, "tracestate", tracestate)

    @property
    def sampled(self) -> bool:
        """Whether the trace is recorded: the first W3C trace flag."""
        return bool(self.flags & _FLAG_SAMPLED)

    def at(self, span_id: str) -> Context:
        """Return this context as seen by what is called from the span `span_id`."""
        return self._with(span_id, self.hops)

    def entered(self, span_id: str) -> Context:
        """Return this context one hop further on, inside the span `span_id`."""
        return self._with(span_id, min(self.hops + 1, HOPS_MAX))

    def _with(self, span_id: str, hops: int) -> Context:
        return Context(
            self.trace_id,
            span_id,
            correlation_id=self.correlation_id,
            flags=self.flags,
            debug=self.debug,
            hops=hops,
            baggage=self.baggage,
            tracestate=self.tracestate,
        )

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Context) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return "Context(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__) + ")"

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise AttributeError(f"Context is immutable: {name}")

    __delattr__ = __setattr__

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, self._values()


def _rebuild(*values: object) -> Context:
    """Pickle support: slots in, the same context out (multiprocessing carries it to workers)."""
    named = dict(zip(Context.__slots__, values, strict=True))
    return Context(named.pop("trace_id"), named.pop("span_id"), **named)  # type: ignore[arg-type]


class Captured:
    """What `capture` found: the context, what lost as links, and what there is to say about it.

    links: (trace_id, span_id, kind) with kind `correlation_id`, `traceparent` or `xray`.
    notes: low-cardinality words: `correlation_id_replaced`, `traceparent_invalid`.
    """

    __slots__ = ("context", "links", "notes")

    def __init__(self, context: Context, links: Links, notes: tuple[str, ...]) -> None:
        self.context, self.links, self.notes = context, links, notes


def extract(headers: Mapping[str, str]) -> Context:
    """Return the context that `headers` carry, or a fresh one: `extract(inject(c)) == c`.

    headers: any mapping, names in any case. The caller is trusted; `capture` knows the trust edge.
    """
    from observe.source import lower

    items = getattr(headers, "items", None)
    return capture(lower(dict(items()) if callable(items) else {}), trust="internal").context


def capture(
    headers: Mapping[str, str],
    *,
    trust: str = "public",
    environment: str = "",
    rate: float = 1.0,
    debug_rate: float = 0.0,
    fresh: Callable[[], str] = ids.new_trace_id,
) -> Captured:
    """Read a context from projected headers; never raises on any strings.

    headers: names in lower case. trust: `internal` takes everything; `public` ignores debug, hops,
    baggage and a "not sampled" flag; `strict` also starts a fresh trace and links to the caller's.
    environment: `_X_AMZN_TRACE_ID`, which Lambda always sets. rate: share of traces to sample where no
    inbound flag decides. debug_rate: share of those begun here to log at DEBUG. docs/spec/context.md
    """
    notes: list[str] = []
    parent = _traceparent(headers, notes)
    correlation_id, derived = _correlation(headers, notes)
    told, own = ids.segment_of(headers.get(XRAY, "")), ids.segment_of(environment)

    trace_id, span_id = _identity(parent, derived, told, own)
    if trust == "strict" and (parent[0] or derived or told[0]):
        # What a caller tells its front end, that hands on to the environment: then it is no fresh Root.
        trace_id, span_id = (own[0] if own[0] != told[0] else "") or fresh(), ""
    links = _links(parent, derived, (told, own), trace_id)
    trace_id = trace_id or fresh()

    internal = trust == "internal"
    debug, hops, baggage = _transaction(headers) if internal else (False, 0, ())
    decided = debug or hops or (internal and "debug-log-enabled" in headers)
    if debug_rate and not decided:  # the no of the hop before is as good as its yes
        debug = ids.sampled_by_rate(trace_id, debug_rate)
    inherits = bool(parent[0]) and trace_id == parent[0]
    context = Context(
        trace_id,
        span_id,
        correlation_id=correlation_id or trace_id,
        flags=_flags(parent[2] if inherits else -1, trace_id, rate, internal),
        debug=debug,
        hops=hops,
        baggage=baggage,
        tracestate=w3c.tracestate(headers.get(TRACESTATE, "")) if inherits else "",
    )
    return Captured(context, links, tuple(notes))


def _identity(
    parent: tuple[str, str, int], derived: str, told: tuple[str, str, bool], own: tuple[str, str, bool]
) -> tuple[str, str]:
    """Trace ID: `traceparent`; else derived from the correlation ID; else the X-Ray Root.

    told, own: the X-Ray segments of the message and of the environment.
    """
    if parent[0]:
        return parent[0], parent[1]
    if derived:
        return derived, ""
    if told[0]:
        return told[0], told[1]
    # The environment's Parent is a segment that exists only if X-Ray records; a message's is the sender's.
    return own[0], own[1] if own[2] else ""


def _links(
    parent: tuple[str, str, int], derived: str, xray: tuple[tuple[str, str, bool], ...], trace_id: str
) -> Links:
    """What lost becomes a span link, except an X-Ray trace that nobody records."""
    links: list[tuple[str, str, str]] = []
    if parent[0] and parent[0] != trace_id:
        links.append((parent[0], parent[1] or ids.derived_span_id(parent[0]), "traceparent"))
    if derived and derived not in (trace_id, parent[0]):
        links.append((derived, ids.derived_span_id(derived), "correlation_id"))
    for root, span_id, recorded in xray:
        if recorded and root != trace_id and all(root != link[0] for link in links):
            links.append((root, span_id or ids.derived_span_id(root), "xray"))
    return tuple(links)


def _flags(inbound: int, trace_id: str, rate: float, internal: bool) -> int:
    """The inbound decision where one may be believed, else ours by the trace ID."""
    if inbound >= 0 and (internal or inbound & _FLAG_SAMPLED):
        return inbound & _FLAGS_KNOWN
    random = inbound & 2 if inbound >= 0 else 0
    return random | (_FLAG_SAMPLED if ids.sampled_by_rate(trace_id, rate) else 0)


def _traceparent(headers: Mapping[str, str], notes: list[str]) -> tuple[str, str, int]:
    """(trace_id, span_id, flags) of W3C traceparent, or of a dialect, or ("", "", -1).

    https://www.w3.org/TR/trace-context/#versioning-of-traceparent
    """
    value = headers.get(TRACEPARENT, "")
    if value:
        parsed = w3c.parse_traceparent(value)
        if parsed[0]:
            return parsed
        notes.append("traceparent_invalid")
    if not DIALECT_NAMES.isdisjoint(headers):
        from observe import dialects

        return dialects.trace_parent(headers)
    return "", "", -1


# The names that make it worth loading the dialects.
DIALECT_NAMES = frozenset(("b3", "x-b3-traceid", "uber-trace-id", "x-datadog-trace-id", "sap-passport"))
#: Where a correlation ID may be, best first.
CORRELATION_HEADERS = (
    *(CORRELATION_ID, "correlation-id", "x-request-id", "request-id"),
    # IBM's gateways, Apache Camel, NServiceBus.
    *("x-global-transaction-id", "breadcrumbid", "nservicebus.correlationid"),
)


def _correlation(headers: Mapping[str, str], notes: list[str]) -> tuple[str, str]:
    """(correlation ID within the trust edge, derived trace ID), or ("", "")."""
    raw = ""
    for name in CORRELATION_HEADERS:
        if name in headers and (raw := headers[name].strip(ids.BLANK)):
            break
    if not raw and "sap-passport" in headers:
        from observe import dialects

        raw = dialects.sap_transaction(headers["sap-passport"])
    if not raw:
        return "", ""
    derived = ids.derive_trace_id(raw)
    if is_correlation_id(raw):
        return raw, derived
    notes.append("correlation_id_replaced")
    return derived, derived


def is_correlation_id(value: str) -> bool:
    """Whether `value` may pass the trust edge unchanged."""
    return 0 < len(value) <= CORRELATION_MAX and not value.strip(CORRELATION_CHARACTERS)


def _transaction(headers: Mapping[str, str]) -> tuple[bool, int, tuple[tuple[str, str], ...]]:
    """(debug, hops, baggage) from baggage, or from the dialect of Node functions in the same company."""
    debug = headers.get("debug-log-enabled", "").lower() == "true"
    hops = headers.get("call-chain-length", "")
    members: list[tuple[str, str]] = []
    carried = headers.get(BAGGAGE, "")
    if any(name.startswith(CORRELATION_PREFIX) and name != CORRELATION_ID for name in headers):
        from observe import dialects

        carried = dialects.with_correlations(carried, headers)
    for key, value in w3c.parse_baggage(carried):
        if key == semconv.BAGGAGE_DEBUG:
            debug = value in ("1", "true")
        elif key == semconv.BAGGAGE_HOPS:
            hops = value
        else:
            members.append((key, value))
    made = min(int(hops), HOPS_MAX) if hops.isascii() and hops.isdigit() and len(hops) <= 9 else 0
    return debug, made, tuple(members)


def inject(context: Context | None, *, baggage: bool = True) -> dict[str, str]:
    """Return the headers that carry `context`: names in lower case, values ASCII; {} for None.

    baggage: False towards hosts that are not ours, which must not learn what we carry.
    """
    if context is None:  # what `current` returns outside of a request
        return {}
    span_id = context.span_id or ids.derived_span_id(context.trace_id)
    headers = {
        TRACEPARENT: f"00-{context.trace_id}-{span_id}-{context.flags:02x}",
        CORRELATION_ID: context.correlation_id,
    }
    if context.tracestate:
        headers[TRACESTATE] = context.tracestate
    if baggage:
        own = [(semconv.BAGGAGE_DEBUG, "1")] if context.debug else []
        if context.hops:
            own.append((semconv.BAGGAGE_HOPS, str(context.hops)))
        members = w3c.baggage(context.baggage, own)
        if members:
            headers[BAGGAGE] = members
    return headers


# --- The current context ----------------------------------------------------------------------

_scope: ContextVar[Context | None] = ContextVar("observe.context", default=None)
#: The context of the invocation that the running code belongs to: a task may outlive it. None: nobody knows.
owner: ContextVar[Context | None] = ContextVar("observe.owner", default=None)
#: The invocation's context, for threads that user code started: they inherit no context variables.
_ambient: Context | None = None
#: Where OpenTelemetry or another tracer is loaded, its current span is the truth.
_bridge: Callable[[Context], Context] | None = None


def current() -> Context | None:
    """Return the context of the running code, or None outside an invocation.

    Its span_id is the innermost open span's, so `inject(current())` is what an outbound call carries.
    """
    context = _scope.get() or _ambient
    return context if context is None or _bridge is None else _bridge(context)


class use:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Make `context` the current one inside a `with` block; blocks nest."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> Context:
        if self._context is not None and getattr(self._context, "baggage", None) is None:
            guard.report("observe.use", TypeError(f"no Context: {type(self._context).__name__}"))
            self._context = current()  # type: ignore[assignment]  # outside of a request there is none
        self._token = _scope.set(self._context)
        return self._context

    def __exit__(self, *exc: object) -> None:
        if _scope.get() is self._context:  # else left late, when another request is at work
            self.end()

    def end(self) -> None:
        """Make current what was so before the block, whatever is current now."""
        try:
            _scope.reset(self._token)
        except ValueError:
            pass  # left in another context than entered, as generators run by executors are: nothing to undo


def set_ambient(context: Context | None) -> None:
    """Set the context that threads without one fall back to: one invocation runs at a time."""
    global _ambient
    _ambient = context
    owner.set(context)


def set_bridge(bridge: Callable[[Context], Context] | None) -> None:
    """Let a tracer say in which span a context is: its own innermost one."""
    global _bridge
    _bridge = bridge
