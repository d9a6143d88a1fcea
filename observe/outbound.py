"""Which headers a request to a host gets: the one place where that is decided, for every HTTP client.

`headers` depends on the host, the names that the caller has set, the context and the settings alone.
`carriable` is the trust edge on the way out, for HTTP and for AWS calls.
`rules` reads OBSERVE_DIALECTS, `allowed` OBSERVE_FORWARD_HOSTS and OBSERVE_BAGGAGE_HOSTS: docs/layer.md,
docs/spec/context.md
"""

from __future__ import annotations

from observe import context as contexts
from observe import guard, ids, semconv, w3c, watched
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from observe.context import Context
    from observe.settings import Settings

    #: (host, port): the host is a name, an address, a suffix (".example.com") or "*"; port 0 is any.
    Pattern = tuple[str, int]
    #: (pattern, dialects): most specific pattern first; no dialects: the host gets nothing.
    Rule = tuple[Pattern, tuple[str, ...]]

#: What a test is told of a request whose host may have none of our headers.
NOT_FORWARDED = "not_forwarded"
#: What it is told of one whose caller has set headers of its own where ours would be: one of source.LOST.
CALLER_HAS_OWN = "caller_has_own"
#: Whoever sets one of these sends a trace: beside it ours would be a second one.
TRACE_HEADERS = (
    *(contexts.TRACEPARENT, contexts.TRACESTATE),
    *sorted(contexts.DIALECT_NAMES - {"sap-passport"}),
)
W3C = "w3c"
#: What OBSERVE_DIALECTS may name, `none` apart; dialects.WRITERS has them all but W3C's.
DIALECTS = (W3C, "b3", "b3multi", "jaeger", "datadog", "x-request-id", "request-id", "x-correlation-star")
_FLAGS_MAX = 255
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."


def headers(
    host: str, port: int, present: Container[str], context: Context, found: Settings
) -> dict[str, str]:
    """Return the headers to add to a request: names in lower case, none of `present`.

    host: a name, in its ASCII form, or an IP literal, with or without brackets. port: the effective one,
    0 where it is not known. present: the names the caller has set, in lower case: the caller's win. Beside
    the caller's trace there is none of ours, beside its correlation ID none under another name; beside its
    request ID `x-correlation-id` is sent still.
    """
    host, context = canonical(host), carriable(context)
    names = dialects_of(host, port, found)
    baggage = takes_baggage(host, port, found)
    out = _written(names, present, context, baggage=baggage)
    if watched.listener is not None:
        whole = _written(names, (), context, baggage=baggage)
        lost = CALLER_HAS_OWN if out.keys() != whole.keys() else ""
        watched.tell(f"http {host}", lost if names else NOT_FORWARDED)
    return out


def _written(
    names: tuple[str, ...], present: Container[str], context: Context, *, baggage: bool
) -> dict[str, str]:
    """The headers of all dialects that are named, without what would contradict the caller's."""
    traced = any(name in present for name in TRACE_HEADERS)
    out = http.carry(present, context, baggage=baggage) if W3C in names else {}
    if traced:
        out.pop(contexts.TRACEPARENT, None)
        out.pop(contexts.TRACESTATE, None)
    if names and names != (W3C,):
        from observe import dialects

        for name in names:
            if not (traced and dialects.is_of_traces(name)):
                for key, value in dialects.write(name, context, present, baggage=baggage).items():
                    out.setdefault(key, value)
    if any(name in present for name in contexts.CORRELATION_HEADERS):
        # A request's own `x-request-id` is most often made anew for it: the chain's ID goes with it still.
        first = contexts.CORRELATION_HEADERS[:1]
        kept = () if any(name in present for name in contexts.CORRELATION_HEADERS[:2]) else first
        return {k: v for k, v in out.items() if k in kept or k not in contexts.CORRELATION_HEADERS}
    return out


def takes_baggage(host: str, port: int, found: Settings) -> bool:
    """Whether `host`, in its canonical form, is one of OBSERVE_BAGGAGE_HOSTS."""
    return any(_fits(pattern, host, port) for pattern in found.baggage_hosts)


def carriable(context: Context) -> Context:
    """Return `context` as it can travel: itself, unless user code made one that `capture` never makes.

    `observe.Context` takes anything. A line break in it would fail the caller's request, or put a header of
    somebody's choice into it: so it passes the trust edge, which replaces or leaves out what it must.
    """
    if _is_carriable(context):
        return context
    trace_id, span_id = guard.said(context.trace_id), guard.said(context.span_id)
    told = contexts.Context(
        trace_id if ids.is_trace_id(trace_id) else ids.derive_trace_id(trace_id),
        span_id if ids.is_span_id(span_id) else "",
        correlation_id=guard.said(context.correlation_id),
        flags=context.flags if _is_count(context.flags, _FLAGS_MAX) else 0,
        debug=bool(context.debug),
        hops=min(max(context.hops, 0), contexts.HOPS_MAX) if type(context.hops) is int else 0,
        baggage=tuple(_members(context.baggage)),
        tracestate=guard.said(context.tracestate),
    )
    mended = ValueError("a context that user code made cannot travel as it is; it was mended")
    guard.report("outbound.carriable", mended)
    return contexts.extract(contexts.inject(told))


def _is_carriable(context: Context) -> bool:
    try:
        return (
            ids.is_trace_id(context.trace_id)
            and (context.span_id == "" or ids.is_span_id(context.span_id))
            and contexts.is_correlation_id(context.correlation_id)
            and len(context.tracestate) <= w3c.TRACESTATE_MAX
            and context.tracestate.isascii()
            and context.tracestate.isprintable()
            and _is_count(context.flags, _FLAGS_MAX)
            and _is_count(context.hops, contexts.HOPS_MAX)
            and all(_is_member(key, value) for key, value in context.baggage)
        )
    except (AttributeError, TypeError, ValueError):
        return False


def _is_count(value: object, most: int) -> bool:
    """Whether a value is an integer from 0 to `most`; a bool, or a float, is written in another way."""
    return type(value) is int and 0 <= value <= most


def _is_member(key: str, value: str) -> bool:
    """Whether the next hop reads a member of baggage as the one it is, and not as one of our own."""
    own = key in (semconv.BAGGAGE_DEBUG, semconv.BAGGAGE_HOPS)
    return not own and w3c.parse_baggage(f"{key}={value}") == [(key, value)]


def _members(baggage: object) -> Iterator[tuple[str, str]]:
    """The members of user code's baggage that can travel, as text."""
    for member in baggage if isinstance(baggage, tuple | list) else ():
        if isinstance(member, tuple | list) and len(member) == 2:
            key, value = guard.said(member[0]), guard.said(member[1]).strip()
            if _is_member(key, value):
                yield key, value


def dialects_of(host: str, port: int, found: Settings) -> tuple[str, ...]:
    """Return the dialects that `host`, in its canonical form, is spoken to in; none: it gets nothing."""
    if found.forward_hosts is not None and not any(_fits(p, host, port) for p in found.forward_hosts):
        return ()
    for pattern, names in found.dialects:
        if _fits(pattern, host, port):
            return names
    return (W3C,)


def _fits(pattern: Pattern, host: str, port: int) -> bool:
    name, wanted = pattern
    if wanted and wanted != port:
        return False
    if name.startswith("."):  # no address lies below another one
        return host.endswith(name) and not _is_address(host)
    return name in ("*", host)


def canonical(host: str) -> str:
    """Return one spelling of a host: ASCII, lower case, no final dot, no brackets, IPv6 in its short form."""
    host = host.lower().strip("[]")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return host  # no name at all, as the client is about to find out
    if ":" in host:
        import socket  # whoever sends a request has loaded it

        try:
            return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host))
        except (OSError, ValueError):
            return host  # with a zone, or no address at all
    return host.removesuffix(".")


def authority(text: str) -> tuple[str, int]:
    """Return (host in its canonical form, port or 0) of a Host header; ("", 0) for what is none."""
    return _pattern(text.strip().lower()) or ("", 0)


def _is_address(host: str) -> bool:
    """No top-level domain is numeric: https://url.spec.whatwg.org/#ends-in-a-number-checker"""
    return ":" in host or host.rpartition(".")[2].isdigit()


# --- The variables ----------------------------------------------------------------------------


def allowed(name: str, text: str, problems: list[str]) -> tuple[Pattern, ...]:
    """Read a variable such as `host,.suffix,host:port`; what cannot be used is named in `problems`.

    It is a list of who may know: one in which nothing can be used allows nobody.
    """
    patterns = []
    for entry in _entries(text):
        pattern = _pattern(entry)
        if pattern is None:
            problems.append(f"{name}: {entry!r} is not a host; it is ignored")
        else:
            patterns.append(pattern)
    return tuple(patterns)


def rules(text: str, problems: list[str]) -> tuple[Rule, ...]:
    """Read OBSERVE_DIALECTS: `host=dialect+dialect,.suffix=!dialect,host=none`, most specific first.

    The dialects are in addition to W3C's headers; after `!`, instead of them.
    """
    read: dict[Pattern, tuple[str, ...]] = {}
    for entry in _entries(text):
        host, _, value = entry.partition("=")
        pattern, names, problem = _pattern(host.strip()), *_dialects(value.strip())
        if pattern is None:
            problem = f"{host.strip()!r} is not a host"
        elif pattern in read:
            problem = f"{host.strip()!r} is named before"
        if problem or pattern is None:
            problems.append(f"OBSERVE_DIALECTS: {entry!r}: {problem}; it is ignored")
        else:
            read[pattern] = names
    return tuple(sorted(read.items(), key=_specificity))


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.lower().split(",") if entry.strip()]


def _dialects(value: str) -> tuple[tuple[str, ...], str]:
    """(dialects, "") of one rule, or ((), what is wrong with it)."""
    asked = [name.strip() for name in value.removeprefix("!").split("+")]
    if value in ("none", "!none"):
        return (), ""
    unknown = [name for name in asked if name not in DIALECTS]
    if unknown:
        return (), f"{unknown[0]!r} is none of {', '.join(DIALECTS)} and, alone, none"
    names = asked if value.startswith("!") else [W3C, *asked]
    return tuple(dict.fromkeys(names)), ""


def _pattern(text: str) -> Pattern | None:
    """`host`, `host:port`, `[IPv6]:port` or a bare IPv6 address, or None."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or port[:1] not in ("", ":"):
            return None
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return None
    return (canonical(host), int(port or 0)) if _is_host(host) else None


def _is_host(text: str) -> bool:
    if ":" in text:
        return not text.strip("0123456789abcdef:.")
    named = text.strip(".") != "" and ".." not in text and not text.strip(_NAME_CHARACTERS)
    return named or text == "*"


def _specificity(rule: Rule) -> tuple[int, int, int]:
    """Exact hosts before suffixes, longer suffixes before shorter ones, a port before none."""
    host, port = rule[0]
    kind = 2 if host == "*" else 1 if host.startswith(".") else 0
    return kind, -len(host), 0 if port else 1
