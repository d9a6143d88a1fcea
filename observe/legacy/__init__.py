"""Carriers for the old world: each writes a context into something and reads it back.

| module | carries in |
|---|---|
| `compact` | 24 bytes, 48 hex, 32 base64url, 26 base-32 characters; the best form for a length |
| `soap` | a header block of SOAP 1.1 and 1.2 envelopes; reads WS-Addressing |
| `sql` | the session of PostgreSQL, MySQL, Oracle, SQL Server and Db2 |
| `sqlcomment` | a comment of an ad-hoc SQL statement (sqlcommenter) |
| `mq` | JMS and IBM MQ properties, RFH2, MQMD CorrelId, AMQP 0-9-1 and 1.0, Kafka, STOMP |
| `files` | sidecar files, file names; reads any file |
| `archives` | gzip, ZIP and tar, without recompressing |
| `records` | a field of a fixed-width record, a trailer record; EBCDIC, too |
| `edi` | EDIFACT UNH 0068, X12 TRN and REF |
| `syslog` | structured data of RFC 5424, a suffix of RFC 3164 |
| `environment` | environment variables of a subprocess, JCL PARM |

Three rules hold for all of them. Reading returns headers, names in lower case, for `observe.extract`: {}
where there is nothing of ours, never an exception, whatever is read. Writing takes a `Context`, or None where
there is none and nothing is carried; it changes nothing of the caller's and overwrites nothing; where a
document is changed, the result is a `Written`, whose `reason` says why it was not. An argument that is wrong
raises `CarrierError`. The session of a database and the environment of a subprocess are set anew each time.

Every module is loaded when it is first used. docs/legacy-carriers.md has the limits and their sources.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.legacy import (
        archives,
        compact,
        edi,
        environment,
        files,
        mq,
        records,
        soap,
        sql,
        sqlcomment,
        syslog,
    )
    from observe.legacy.carrier import CarrierError, Written

__all__ = [
    "CarrierError",
    "Written",
    "archives",
    "compact",
    "edi",
    "environment",
    "files",
    "mq",
    "records",
    "soap",
    "sql",
    "sqlcomment",
    "syslog",
]


def __getattr__(name: str) -> Any:
    """Load a public name at first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'observe.legacy' has no attribute {name!r}")
    from importlib import import_module

    if name in ("CarrierError", "Written"):
        value = getattr(import_module("observe.legacy.carrier"), name)
    else:
        value = import_module(f"observe.legacy.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
