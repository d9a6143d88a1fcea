"""The format `iis`: W3C extended log files, of IIS, and of others that write a `#Fields:` line.

    #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip ... time-taken
    2026-11-21 03:30:10 10.0.0.5 GET /claims policy=7 443 - 203.0.113.9 ... 46

The fields are those of the last `#Fields:` line of the stream; before one, what IIS 6 to 10 writes by
default, told apart by where method and status stand. Times are UTC and of the end of the request. The time it
took is in milliseconds where it is a whole number, as IIS writes it, in seconds where it has decimals, as
Tomcat's ExtendedAccessLogValve and CloudFront do. IIS writes `+` for a blank in a user agent.

https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging
https://www.w3.org/TR/WD-logfile.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import lru_cache

from observe import semconv
from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import moments
from subscribers.formats.access import MS_NS, S_NS, Access, Role
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_IIS_10 = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
#: What IIS 8 to 10, 7, and 6 write by default.
DEFAULTS = (
    _IIS_10,
    _IIS_10.replace(" cs(Referer)", ""),
    "date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status",
)
_FIELDS_MAX = 100
_METHOD = re.compile(r"[A-Z][A-Z_-]{1,30}+")
_STATUS = re.compile(r"\d{3}")
_WORD = re.compile(r'"((?:[^"]++|"")*+)"|(\S++)')
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}+))?+")


def _took(access: Access, said: str) -> None:
    unit_ns = S_NS if "." in said else MS_NS
    of.duration(unit_ns, MS_NS)(access, said)


def _agent(access: Access, said: str) -> None:
    of.text(of.USER_AGENT)(access, said.replace("+", " "))


#: Field -> what it is; `date` and `time` are read together.
_ROLES: dict[str, Role] = {
    "date": of.ignore,
    "time": of.ignore,
    "c-ip": of.client,
    "c-port": of.number(of.CLIENT_PORT),
    "cs-username": of.user,
    "cs-method": of.method,
    "cs-uri": of.target,
    "cs-uri-stem": of.path,
    "cs-uri-query": of.query,
    "cs-version": of.protocol,
    "cs-protocol-version": of.protocol,
    "cs-protocol": of.text(of.URL_SCHEME),
    "cs-host": headers.header("host"),
    "cs(User-Agent)": _agent,
    "cs-bytes": of.number(of.REQUEST_SIZE),
    "sc-bytes": of.number(of.RESPONSE_SIZE),
    "bytes": of.number(of.RESPONSE_BODY_SIZE),
    "sc-status": of.status(),
    "sc-substatus": of.number("iis.substatus"),
    "sc-win32-status": of.number("iis.win32_status"),
    "s-ip": of.text(of.NETWORK_LOCAL_ADDRESS),
    "s-port": of.number(semconv.SERVER_PORT),
    "s-computername": of.text(semconv.HOST_NAME),
    "s-sitename": of.text("iis.site_name"),
    "s-dns": of.text(semconv.SERVER_ADDRESS),
    "time-taken": _took,
    "ssl-protocol": of.tls,
    "ssl-cipher": of.text(of.TLS_CIPHER),
    "x-threadname": of.text(of.THREAD_NAME),
    "x-forwarded-for": headers.header("x-forwarded-for"),
    "x-host-header": of.text(semconv.SERVER_ADDRESS),
    "x-edge-request-id": of.text("http.request.id"),
}
_HEADER = re.compile(r"(cs|sc)\(([^()\s]++)\)")


def _role(field: str) -> Role:
    if field in _ROLES:
        return _ROLES[field]
    if match := _HEADER.fullmatch(field):
        return headers.header(match[2]) if match[1] == "cs" else headers.response_header(match[2])
    return headers.named(field, f"iis.{field.lower()}")


class _Fields:
    """The fields of a line, in order."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.size = len(names)
        self._roles = [_role(name) for name in names]
        self._date, self._time, self._method, self._status = (
            names.index(name) if name in names else -1 for name in ("date", "time", "cs-method", "sc-status")
        )

    def fits(self, values: list[str]) -> bool:
        """Whether values can be of these fields."""
        return (
            len(values) == self.size
            and (self._date < 0 or _DATE.fullmatch(values[self._date]) is not None)
            and (self._time < 0 or _TIME.fullmatch(values[self._time]) is not None)
            and (
                self._method < 0
                or values[self._method] == "-"
                or bool(_METHOD.fullmatch(values[self._method]))
            )
            and (
                self._status < 0
                or values[self._status] == "-"
                or bool(_STATUS.fullmatch(values[self._status]))
            )
        )

    def told(self, values: list[str], clock: Clock) -> Told | None:
        """Return what values tell."""
        access = Access()
        for role, said in zip(self._roles, values, strict=True):
            role(access, said)
        date = values[self._date] if self._date >= 0 else ""
        time = values[self._time] if self._time >= 0 else ""
        utc = clock._replace(zone=UTC)
        if date and time:
            nano = moments.iso(f"{date} {time}", utc)
            if nano is None:
                return None
            access.ended.take(nano, S_NS)
        elif time and (match := _TIME.fullmatch(time)):
            access.ended.parts = {"H": match[1], "m": match[2], "s": match[3], "S": match[4] or ""}
        return access.told(utc, f"{date} {time}".strip())


@lru_cache(maxsize=256)
def _fields(text: str) -> _Fields:
    return _Fields(tuple(text.split()[:_FIELDS_MAX]))


def _values(line: str) -> list[str]:
    if "\t" in line:
        return line.split("\t")
    if '"' not in line:
        return line.split(" ")
    return [
        match[1].replace('""', '"') if match[1] is not None else match[2] for match in _WORD.finditer(line)
    ]


def _reader() -> Reader:
    known: list[_Fields] = []

    def read(line: str, clock: Clock) -> Told | None:
        if line.startswith("#"):
            name, colon, rest = line[1:].partition(":")
            if name == "Fields" and colon:
                known[:] = [_fields(rest)]
            is_header = bool(colon) and name.replace("-", "").isalpha()
            return Told(is_header=True) if is_header else None
        values = _values(line.rstrip())
        candidates = known or [_fields(text) for text in DEFAULTS]
        fields = next((fields for fields in candidates if fields.fits(values)), None)
        return fields.told(values, clock) if fields else None

    return read


IIS = LineFormat(
    dataset="iis.access",
    reader=_reader,
    example="\n".join(
        (
            "#Software: Microsoft Internet Information Services 10.0",
            f"#Fields: {_IIS_10}",
            "2026-11-21 03:30:10 10.0.0.5 GET /claims policy=7 443 CORP\\frank 203.0.113.9 "
            "Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://claims.example.com/ 200 0 0 46",
        )
    ),
)
