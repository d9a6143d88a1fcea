"""urllib3, and so requests: every attempt forwards the context and is a span.

An attempt is what goes over the wire once: each retry and each redirect has a span of its own and headers
that name it. `_make_request` is where urllib3 1.26 and 2 send one, after a proxy's CONNECT, which thus gets
nothing of ours.
"""

from __future__ import annotations

import sys

from observe import guard, settings, versions
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.spans import span

    #: The span of an attempt, if there is one, and the headers to send.
    Attempt = tuple[span | None, Any]

_PORTS = {"http": 80, "https": 443}


def install(module: Any) -> None:
    """Patch urllib3's connection pools, those of botocore excepted; module: `urllib3`."""
    problem = versions.problem("urllib3", module.__version__, versions.URLLIB3)
    if problem:
        guard.report("patch_urllib3.install", RuntimeError(f"{problem}: its requests are not forwarded"))
        return
    pool = module.connectionpool.HTTPConnectionPool
    original = pool._make_request

    def _make_request(self: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        attempt = guard.guarded(_begin, self, method, url, kwargs)
        if attempt is None:
            return original(self, conn, method, url, *args, **kwargs)
        call, kwargs["headers"] = attempt
        if call is None:
            return original(self, conn, method, url, *args, **kwargs)
        try:
            response = original(self, conn, method, url, *args, **kwargs)
        except BaseException as error:
            guard.guarded(call.end, error)
            raise
        guard.guarded(_ended, call, response)
        return response

    pool._make_request = _make_request


def _begin(pool: Any, method: str, url: str, keywords: dict[str, Any]) -> Attempt | None:
    """The span and the headers of an attempt; None: it is not ours to touch.

    keywords: {"headers": mapping or None, ...}: the mapping is the caller's own where a proxy is tunnelled.
    """
    context = current()
    if context is None or "headers" not in keywords or _is_botocore(type(pool)):
        return None
    from observe import http_call, outbound

    scheme, host, port, path = _target(pool, url)
    if http_call.is_left_alone() or http_call.is_runtime(host, port):
        return None
    given = keywords["headers"]
    headers = given.copy() if hasattr(given, "copy") else dict(given or {})
    present = {(name.decode("latin-1") if isinstance(name, bytes) else name).lower() for name in headers}
    shown = f"[{host}]" if ":" in host else host
    shown = shown if port == _PORTS.get(scheme) else f"{shown}:{port}"
    call = http_call.attempt(method, f"{scheme}://{shown}{path}", host, port)
    context = (call.begin() if call is not None else None) or context
    added = guard.guarded(outbound.headers, host, port, present, context, settings.get())
    for name, value in (added or {}).items():
        headers[name] = value
    return call, headers


def _target(pool: Any, url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path and query) of whom an attempt is for; a proxy is asked with the whole URL.

    url: as in the request's first line: a path, `*` of OPTIONS, or the whole URL.
    """
    if not url.startswith(("http://", "https://")):
        scheme, host, port, path = pool.scheme, pool.host, pool.port, url
    else:
        parsed = sys.modules["urllib3"].util.parse_url(url)
        scheme, host, port, path = parsed.scheme, parsed.host or pool.host, parsed.port, parsed.request_uri
    return scheme, str(host).strip("[]"), port or _PORTS.get(scheme, 0), path


def _ended(call: span, response: Any) -> None:
    from observe import http_call

    http_call.answered(call, getattr(response, "status", None))
    call.end()


def _is_botocore(pool: type) -> bool:
    """Whether a pool is one of botocore's own (botocore.awsrequest): its requests are signed."""
    return any(base.__module__.partition(".")[0] == "botocore" for base in pool.__mro__)
