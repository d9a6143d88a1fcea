"""Parsing never raises, and nothing is lost: damaged lines and payloads through the whole way, recorded.

    python bench/fuzz.py [--seconds 60] [--executions N] [--seed 1] [--record FILE] [--only N]

Each execution is one of

    handler     an event of any kind through `handler.make_handler`: the ledger balances, nothing is raised,
                no parser faults, each signal is a row of the tables and a document of a `_bulk` request
    lane        lines of a function: the fast lane and the general way tell the same documents
    format      lines through a format, named or a team's own, with another format's lines among them
    inputs      bytes as an object of S3, as a record of Kinesis and of Firehose: a reply names each once
    console     bytes as `observe parse` reads them

A violation is printed with its number: `--seed S --only N` runs it again. One found again at the same place
in the code is counted. One that takes more than two seconds of CPU is a violation, too.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]  # run as a script, this folder comes first

import observe  # noqa: E402
from bench import fuzz_inputs as make  # noqa: E402
from console import parse_view  # noqa: E402
from console.parse import Parsing, Wish  # noqa: E402
from console.parse_input import Source as File  # noqa: E402
from subscribers import lane  # noqa: E402
from subscribers.config import Config, LogGroup, Service, load  # noqa: E402
from subscribers.envelope import LogEvent, MalformedEnvelope  # noqa: E402
from subscribers.formats import FORMATS as LINE_FORMATS  # noqa: E402
from subscribers.handler import make_handler  # noqa: E402
from subscribers.inputs import archives, firehose, kinesis, objects  # noqa: E402
from subscribers.parse import AUTO, FORMATS, custom, named  # noqa: E402
from subscribers.parsers import serverless  # noqa: E402
from subscribers.parsers.identity import event_ids  # noqa: E402
from subscribers.parsers.page import Page, Parsed  # noqa: E402
from subscribers.signals import Log, Origin, Signal, Span  # noqa: E402
from subscribers.sinks import bulk  # noqa: E402
from subscribers.tables import row  # noqa: E402

NOW = 1_795_231_900_000_000_000
#: CPU time of one execution, and what may be added: a file of blank lines has millions, and what is packed
#: may be 20 MB, of which parsing, redaction and printing do some 7 a second.
_SECONDS_MAX, _SECONDS_AN_EVENT, _SECONDS_A_KB = 2.0, 100e-6, 500e-6
_INT64 = 1 << 63


class ViolationError(AssertionError):
    """Something that shall always hold does not."""


class _Sink:
    """Keeps what a handler tells, and looks at all of it."""

    def __init__(self) -> None:
        self.signals = 0
        self.rows: list[Mapping[str, Any]] = []

    def append(self, signals: Iterable[Signal]) -> None:
        told = list(signals)
        self.signals += len(told)
        check_signals(told)

    def record(self, ledger_rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows += ledger_rows

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        if reason == "parser_fault":
            raise ViolationError(f"parser_fault: {detail.get('error')}")
        assert isinstance(document, bytes)


class _Aws:
    """Objects of S3 that hold what they are given; streams that take what is put again, or do not."""

    def __init__(self, r: Random, data: bytes) -> None:
        self._r, self._data = r, data

    def read(self, _: objects.S3Object) -> Iterator[bytes]:
        step = self._r.choice((1000, 1 << 16))
        for at in range(0, len(self._data), step):
            yield self._data[at : at + step]

    def put(self, made: firehose.Reply) -> list[firehose.Again]:
        return [put for call in made.again for put in call if self._r.random() < 0.3]


class Fuzz:
    """One run: every execution is made of its seed and its number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seeds = make.seeds()
        own = [load(path) for path in sorted(make.GOLDEN.glob("*.yaml"))]
        services = [service for config in own for service in config.services.values()]
        self._formats = {name: named(name) for name in (*FORMATS, AUTO)}
        self._formats |= {name: named(name, "Europe/Paris", "claim") for name in LINE_FORMATS}
        for one in services:
            made = custom(one.format_options, one.timezone, one.correlation_field)
            if made is not None:
                self._formats[one.name] = made
        self._config = _config(services)
        self._kinds: dict[str, Callable[[Random], Counter[str]]] = {
            "handler": self._handler,
            "lane": self._lane,
            "format": self._format,
            "inputs": self._inputs,
            "console": self._console,
        }

    def run(self, number: int) -> tuple[str, Counter[str]]:
        """Run one execution. Returns (its kind, what it counted); raises what it finds."""
        r = Random(f"{self._seed}/{number}")
        kind = r.choice(list(self._kinds))
        begun = time.process_time()
        counts = self._kinds[kind](r)
        took = time.process_time() - begun
        more = (
            _SECONDS_AN_EVENT * (counts["events"] + counts["received"]) + _SECONDS_A_KB * counts["kilobytes"]
        )
        if took > _SECONDS_MAX + more:
            raise ViolationError(f"{kind} took too long: {took:.1f} s")
        return kind, counts

    def _group(self, r: Random, name: str) -> str:
        function = r.random() < 0.3
        return (
            "/aws/lambda/claims"
            if function
            else f"/fuzz/{name if r.random() < 0.8 else r.choice(list(self._seeds))}"
        )

    def _handler(self, r: Random) -> Counter[str]:
        sent = []
        for _ in range(r.choice((1, 1, 2, 3))):
            name, lines = make.lines(r, self._seeds)
            sent.append(make.document(r, self._group(r, name), lines))
        event = make.event(r, sent)
        data = make.packed(r, json.dumps(sent[0]).encode() if r.random() < 0.3 else _bytes(lines))
        sink = _Sink()
        handle = make_handler(self._config, sink, lambda: NOW, key_secret="fuzz", source=_Aws(r, data))
        with contextlib.redirect_stdout(io.StringIO()):
            reply = handle(event, None)
        json.dumps(reply)
        check_reply(event, reply)
        counts: Counter[str] = Counter()
        for told in sink.rows:
            settled = told["delivered"] + told["stored"] + told["dropped"]
            if told["received"] != settled:
                raise ViolationError("a ledger does not balance")
            counts.update({name: told[name] for name in ("received", "delivered", "stored", "dropped")})
        return counts

    def _lane(self, r: Random) -> Counter[str]:
        # What was decoded has no half surrogates.
        page = _page(r, [text.encode("utf-8", "replace").decode() for text in self._lines_of_functions(r)])
        told = documents(b"".join(lane.bodies(page)))
        alone = documents(b"".join(bulk.body(serverless.parse(part).signals) for part in page.parts()))
        if told != alone:
            raise ViolationError("the lane and the general way differ")
        return Counter(events=len(page.events), documents=len(told))

    def _lines_of_functions(self, r: Random) -> Iterator[str]:
        usual = self._seeds["lambda_text"] if "lambda_text" in self._seeds else self._seeds["json"]
        for _ in range(r.randint(1, 3)):
            # A function's stream is text or JSON: a START and a platform.start of the same request are two.
            _, lines = make.lines(r, {k: v for k, v in self._seeds.items() if k != "lambda_json"})
            invocation = [*usual[:5], *lines, *usual[5:]] if r.random() < 0.7 else lines
            yield from invocation

    def _format(self, r: Random) -> Counter[str]:
        name, lines = make.lines(r, self._seeds)
        format = self._formats[
            name if name in self._formats and r.random() < 0.7 else r.choice(list(self._formats))
        ]
        page = _page(r, lines)
        parsed = format(page)
        check_signals(parsed.signals)
        check_parsed(page, parsed)
        return Counter(events=len(page.events), signals=len(parsed.signals))

    def _inputs(self, r: Random) -> Counter[str]:
        name, lines = make.lines(r, self._seeds)
        raw = _bytes(lines) if r.random() < 0.5 else json.dumps(make.document(r, name, lines)).encode()
        data = make.packed(r, raw)
        found = objects.S3Object(
            bucket="b",
            key=r.choice(("a.log", "t/" + "0" * 8 + "-0000-4000-8000-" + "0" * 12 + "/s/000000.gz")),
            time_ms=make.AT_MS,
        )
        archive = archives.Archive(
            kind=r.choice(("auto", "export", "documents", "file")),
            encoding=r.choice(("utf-8", "utf-16", "cp037", "latin-1")),
            record_bytes=r.choice((0, 0, 7, 100)),
        )
        events = broken = 0
        for batch in archives.batches(iter([data]), found, archive, 4_000_000):
            events += 0 if isinstance(batch, MalformedEnvelope) else len(batch.events)
            broken += isinstance(batch, MalformedEnvelope)
        event = make.event(r, [make.document(r, name, lines)])
        events += sum(1 for _ in objects.objects(event, now_ms=make.AT_MS))
        if kinesis.is_event(event):
            for part in kinesis.parts(event):
                json.dumps(kinesis.failures(event, {part.record_id}))
        if firehose.is_event(event):
            outcomes = {part.record_id: firehose.outcome_of(part, data) for part in firehose.parts(event)}
            told = firehose.settled(firehose.reply(event, outcomes, limit=r.choice((200, 6_000_000))))
            check_reply(event, told)
        return Counter(events=events, broken=broken)

    def _console(self, r: Random) -> Counter[str]:
        name, lines = make.lines(r, self._seeds)
        raw = _bytes(lines)
        if r.random() < 0.4:
            raw = json.dumps(make.event(r, [make.document(r, name, lines)])).encode()
        chunks = iter(make.chunks(r, make.packed(r, raw)))
        wish = Wish(
            self._config,
            r.choice(("", "", *FORMATS)),
            r.choice(("", name)) if name in self._config.services else "",
        )
        parsing = Parsing(File(f"{name}.log", make.AT_MS, chunks), wish, NOW)
        signals = size = 0
        for page in parsing.pages():
            for signal in page.signals:
                size += len(signal.message) if isinstance(signal, Log) else 0
                json.loads(parse_view.signal_json(signal))
                if not parse_view.signal_text(signal).plain.isprintable():
                    raise ViolationError("a row for people would do something to a terminal")
                signals += 1
        if signals != parsing.summary.signals.total():
            raise ViolationError("the summary counts other signals than were told")
        return Counter(events=parsing.summary.lines, signals=signals, kilobytes=size // 1000)


# --- What always holds ----------------------------------------------------------------------


def check_signals(signals: list[Signal]) -> None:
    """Each is JSON in UTF-8, a row and a document; its times fit the tables."""
    for signal in signals:
        msgspec.json.encode(signal)
        json.dumps(row(signal)).encode()
        times = (
            (signal.start_unix_nano, signal.end_unix_nano)
            if isinstance(signal, Span)
            else (signal.time_unix_nano,)
        )
        if not all(-_INT64 <= moment < _INT64 for moment in times):
            raise ViolationError(f"a time is beyond 64 bits: {times}")
        if isinstance(signal, Span) and signal.end_unix_nano < signal.start_unix_nano:
            raise ViolationError("a span ends before it begins")
    documents(bulk.body(signals))


def check_parsed(page: Page, parsed: Parsed) -> None:
    """Every event is in a signal, or joined to one that is, or silent."""
    told = {signal.event_id.partition(":")[0] for signal in parsed.signals}
    joined = {event for event, log in parsed.joined.items() if event not in told and log in told}
    if len(told) + len(joined) + parsed.silent != len(page.events):
        raise ViolationError(
            f"{len(page.events)} events: {len(told)} told, {len(joined)} joined, {parsed.silent} silent"
        )
    if not told <= set(page.event_ids):
        raise ViolationError("a signal is of no event")


def check_reply(event: Any, reply: Any) -> None:
    """Firehose gets each record ID once, and no more than it takes."""
    if not firehose.is_event(event):
        return
    ids = [one.get("recordId") if isinstance(one, dict) else None for one in event["records"]]
    wanted = list(dict.fromkeys(one for one in ids if isinstance(one, str) and one))
    if [record["recordId"] for record in reply["records"]] != wanted:
        raise ViolationError("the reply has not each record once")


def documents(body: bytes) -> dict[str, Any]:
    """The documents of a `_bulk` request by their IDs."""
    lines = body.decode().split("\n")
    if lines.pop() != "" or len(lines) % 2:
        raise ViolationError("a body has not two lines a document")
    return {
        json.loads(action)["create"]["_id"]: (action, json.loads(document))
        for action, document in zip(lines[::2], lines[1::2], strict=True)
    }


def _page(r: Random, lines: list[str]) -> Page:
    origin = Origin(
        "123456789012", "eu-west-1", "/aws/lambda/claims", f"s{r.random()}", "claims", "serverless"
    )
    step = r.choice((0, 1, 1001))
    events = tuple(LogEvent(timestamp_ms=make.AT_MS + n * step, message=text) for n, text in enumerate(lines))
    ids = event_ids(origin.account, origin.log_group, origin.log_stream, events)
    return Page(origin=origin, events=events, event_ids=ids, now_unix_nano=NOW)


def _bytes(lines: list[str]) -> bytes:
    return "\n".join(lines).encode("utf-8", "replace")


def _config(own: list[Service]) -> Config:
    """A group for every format, with those of teams."""
    services: dict[str, Service] = {}
    for one in own:
        group = LogGroup(f"/fuzz/{one.name}", one.format, one.format_options, one.timezone)
        services[one.name] = msgspec.structs.replace(one, groups=(group,))
    for name in (*FORMATS, AUTO):
        if name not in services:
            group = LogGroup(f"/fuzz/{name}", name)
            services[name] = Service(name=name, side="legacy", groups=(group,), format=name)
    return Config(services=services, keys={"claim": "CLM-[0-9]+"})


# --- The run --------------------------------------------------------------------------------


def place_of(fault: BaseException) -> str:
    """Return where a fault was raised: the innermost line of ours, so that the same one is known again."""
    frames = [f for f in traceback.extract_tb(fault.__traceback__) if str(ROOT) in f.filename]
    last = frames[-1]
    return f"{type(fault).__name__} at {Path(last.filename).relative_to(ROOT)}:{last.lineno}"


def run(seed: int, seconds: float, executions: int, first: int = 0) -> dict[str, Any]:
    """Run until the time is over or so many executions are done, and return the record."""
    fuzz, begun = Fuzz(seed), time.monotonic()
    kinds: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = {}
    findings: dict[str, dict[str, Any]] = {}
    number = first
    while number - first < executions and time.monotonic() - begun < seconds:
        try:
            kind, counted = fuzz.run(number)
            kinds[kind] += 1
            counts.setdefault(kind, Counter()).update(counted)
        except Exception as fault:  # noqa: BLE001 - finding what is raised is what this is for
            where = place_of(fault) + (f": {str(fault)[:120]}" if isinstance(fault, ViolationError) else "")
            known = findings.setdefault(where, {"number": number, "said": str(fault)[:300], "times": 0})
            known["times"] += 1
            if known["times"] == 1:
                print(f"--seed {seed} --only {number}: {where}: {str(fault)[:300]}", file=sys.stderr)
        number += 1
    return {
        "seed": seed,
        "executions": number - first,
        "seconds": round(time.monotonic() - begun),
        "version": observe.__version__,
        "python": platform.python_version(),
        "kinds": dict(sorted(kinds.items())),
        "counts": {kind: dict(sorted(counted.items())) for kind, counted in sorted(counts.items())},
        "findings": findings,
    }


def main() -> None:
    """Run as the arguments say, print the record, and fail where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executions", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this execution alone, with its traceback")
    parser.add_argument("--record", type=Path, help="write the record to this file, too")
    given = parser.parse_args()
    if given.only is not None:
        print(Fuzz(given.seed).run(given.only))
        return
    record = run(given.seed, given.seconds, given.executions)
    text = json.dumps(record, indent=1)
    if given.record:
        given.record.write_text(text + "\n", encoding="utf-8")
    print(text)
    sys.exit(bool(record["findings"]))


if __name__ == "__main__":
    main()
