"""The datadog client: what it would send to an agent becomes lines on stdout.

    from datadog import statsd
    statsd.increment("page.views")          a function needs no change

Its datagrams are written as they are, at the invocation's end, without a socket or a thread of its own.
A client that user code has sent to another place, and every client where there is an agent, is left alone:
docs/metrics.md
"""

from __future__ import annotations

import os
import sys

from observe import aggregate, guard, settings, versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The first one has all the methods below but the threads, which came later.
VERSIONS = ((0, 30), (1, 0))
#: What must be there: a client that sends by another way would send past us.
_SENDING = ("_send_to_server", "_send_to_buffer")
_THREADS = ("_start_flush_thread", "_start_sender_thread")
_LOCAL, _PORT = ("localhost", "127.0.0.1", "::1"), 8125
#: Datadog's extension, and what has the socket table of the sandbox, which extensions share.
_EXTENSION, _UDP_TABLES = "/opt/extensions/datadog-agent", ("/proc/net/udp", "/proc/net/udp6")
#: Datadog's layer, whose own client talks to its extension.
_LAYER = "datadog_lambda"


def install(module: Any) -> None:
    """Let clients write to stdout; module: `datadog.dogstatsd.base`. Says once why not, where it cannot."""
    if not aggregate.admits(settings.get()) or _has_agent():
        return
    problem = versions.problem("datadog", _version(module), VERSIONS)
    missing = [name for name in _SENDING if not callable(getattr(module.DogStatsd, name, None))]
    if problem or missing:
        why = problem or f"its client has no {' and no '.join(missing)}"
        guard.report("patch_datadog.install", RuntimeError(f"datadog: {why}; its metrics are not written"))
        return
    for name in _SENDING:
        _replace(module.DogStatsd, name, _written)
    for name in _THREADS:
        _replace(module.DogStatsd, name, _not_started)
    _replace(module.DogStatsd, "_set_container_id", _not_detected)
    for client in {module.statsd, *getattr(module, "_instances", ())}:
        guard.guarded(_take_over, client, client is module.statsd)


def _version(module: Any) -> str:
    """Where the oldest versions have it: they ask pkg_resources, which their installation has."""
    found = getattr(module, "__version__", None)
    if found is None:
        from importlib.metadata import version

        found = version("datadog")
    return str(found)


def _has_agent() -> bool:
    """Whether there is somebody to send to: Datadog's extension, or whoever listens on its port here."""
    return os.path.exists(_EXTENSION) or _LAYER in sys.modules or any(map(_listens, _UDP_TABLES))


def _listens(table: str) -> bool:
    """Whether a socket of the table has the agent's port: `sl local_address:port rem_address:port ...`.

    https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
    """
    try:
        with open(table, encoding="ascii") as lines:
            addresses = [line.split(maxsplit=2)[1] for line in lines if line.count(" ") > 1]
    except OSError:  # no such system: nobody is known to listen
        return False
    return any(address.endswith(f":{_PORT:04X}") for address in addresses)


def _is_ours(client: Any) -> bool:
    """Whether a client sends to where it does by itself or by its environment, and nobody listens there."""
    if _LAYER in sys.modules:
        return False
    host, port = client.host, client.port
    if host in _LOCAL and port == _PORT and not client.socket_path:
        return True
    environ = os.environ
    url = environ.get("DD_DOGSTATSD_URL", "")
    if client.socket_path:
        return bool(client.socket_path == url)
    url_host, _, url_port = url.removeprefix("udp://").rpartition(":")
    hosts = (*_LOCAL, environ.get("DD_AGENT_HOST"), url_host.strip("[]"))
    return host in hosts and str(port) in (str(_PORT), environ.get("DD_DOGSTATSD_PORT"), url_port)


def _replace(cls: Any, name: str, ours: Callable[..., Any]) -> None:
    """Let the method be `ours(client, original, *arguments)` for clients that are ours."""
    original = getattr(cls, name, None)
    if original is None:
        return  # in a version without threads, or without container IDs

    def replaced(self: Any, *args: Any, **kwargs: Any) -> Any:
        if guard.guarded(_is_ours, self):
            return guard.guarded(ours, self, *args)
        if name in _THREADS and (stop := getattr(self, "_flush_thread_stop", None)) is not None:
            stop.clear()  # set by _take_over, while the client was ours
        return original(self, *args, **kwargs)

    replaced.__name__ = name
    setattr(cls, name, replaced)


def _written(_client: Any, packet: str, *_: Any) -> bool:
    """Datagrams, several in a packet that was buffered; True: sent, as far as the client can tell."""
    for datagram in packet.split("\n"):
        if datagram.startswith(("_e{", "_sc|")):
            guard.guarded(aggregate.write_datagram, datagram)
        elif datagram:
            guard.guarded(aggregate.keep_datagram, datagram)
    return True


def _not_started(client: Any, *_: Any) -> None:
    """The invocation gathers already; a thread would sleep through a freeze, and lose what it holds.

    Called once the client has buffering or aggregation, or a queue in between, switched on.
    """
    client._disable_aggregation = True


def _not_detected(client: Any, container_id: str | None, *_: Any) -> None:
    """A container that was detected means nothing to a reader of the log stream; one that is given does."""
    client._container_id = container_id or None


def _take_over(client: Any, is_default: bool) -> None:
    """A client that was made before: it has looked its methods up, and may have begun already.

    is_default: the library's own, which nobody has given a container.
    """
    if not _is_ours(client):
        return
    stop = getattr(client, "_flush_thread_stop", None)
    if stop is not None and getattr(client, "_flush_thread", None) is not None:
        stop.set()  # it ends when it next wakes up: to wait for it takes a cold start's time
        client._flush_thread = None
    name = getattr(client._send, "__name__", "")
    client._send = getattr(client, name if name in _SENDING else _SENDING[0])
    for flush in ("flush_aggregated_metrics", "flush_buffered_metrics", "flush"):
        if callable(found := getattr(client, flush, None)):
            found()
    client._disable_aggregation = True
    if is_default:
        client._container_id = None
