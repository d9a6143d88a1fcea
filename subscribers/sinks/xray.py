"""AWS X-Ray: spans by its OTLP endpoint, or as segment documents by PutTraceSegments.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.signals import Signal, Span
from subscribers.sinks import aws_codes, otlp, xray_segments
from subscribers.sinks.channel import AwsCall, Item, Limits, Refusal, Response, SigV4, Verdict
from subscribers.sinks.otlp import OtlpChannel

#: Of a request: plain bytes, spans, bytes of a span.
OTLP_LIMITS = Limits(5_000_000, 10_000, 200_000)
#: Documents of a call: what AWS's own daemon sends at most.
SEGMENTS = 50
SEGMENT_LIMITS = Limits(
    SEGMENTS * (xray_segments.DOCUMENT_MAX_BYTES + 1), SEGMENTS, xray_segments.DOCUMENT_MAX_BYTES + 1
)
_NS_PER_S = 1_000_000_000
_HOUR_NS = 3600 * _NS_PER_S
#: Of spans: how old they may be, how far ahead, and how far apart those of one request.
OLDEST_NS, NEWEST_NS, APART_NS = 14 * 24 * _HOUR_NS, 2 * _HOUR_NS, 24 * _HOUR_NS


class _Times(msgspec.Struct, rename="camel"):
    start_time_unix_nano: str
    end_time_unix_nano: str


_times = msgspec.json.Decoder(_Times)


class XRayTraces(OtlpChannel, frozen=True, kw_only=True):
    """Spans by OTLP. One span of a wrong time costs its whole request, so a 400 is looked into."""

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the items; those whose times X-Ray never takes are rejected without the rest."""
        judged = super().verdict(items, response)
        if response.status != 400:
            return judged
        times = [_times_of(item) for item in items]
        wrong = _out_of_range(times, aws_codes.told_at_s(response), judged)
        if wrong:
            others = judged.rejected.keys() - wrong.keys()
            return Verdict(rejected=wrong, retry={i: judged.rejected[i] for i in others})
        is_long = max(end for _, end in times) - min(start for start, _ in times) > APART_NS
        return msgspec.structs.replace(judged, is_too_large=is_long and len(items) > 1)


class XRaySegments(msgspec.Struct, frozen=True, kw_only=True):
    """Spans by PutTraceSegments. A Channel."""

    region: str = ""
    limits: Limits = SEGMENT_LIMITS

    @property
    def name(self) -> str:
        """Always the same: a sink has one."""
        return "segments"

    @property
    def is_repeatable(self) -> bool:
        """A document of the same trace and ID takes the place of the one before."""
        return True

    @property
    def cuts_items(self) -> bool:
        """A document that is too large comes without its metadata."""
        return True

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield a document a span."""
        return (xray_segments.item(signal) for signal in signals if isinstance(signal, Span))

    def request(self, items: Sequence[Item]) -> AwsCall:
        """Return the call that puts the documents."""
        documents = [item.body.decode() for item in items]
        return AwsCall(
            service="xray",
            operation="put_trace_segments",
            parameters={"TraceSegmentDocuments": documents},
            region=self.region,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of the documents, by the segment IDs of UnprocessedTraceSegments.

        Where an ID is none of ours nobody can say which was meant: then the halves are sent.
        """
        if response.fault or response.status != 200:
            return aws_codes.whole(items, response, is_repeatable=True)
        unprocessed = response.result.get("UnprocessedTraceSegments")
        if not isinstance(unprocessed, list):
            refusal = Refusal("bad_response", response.status, "no UnprocessedTraceSegments in it")
            return Verdict(retry=dict.fromkeys(range(len(items)), refusal), is_down=True)
        return _verdict_by_ids(items, [told for told in unprocessed if isinstance(told, dict)])


def make_xray(
    name: str,  # noqa: ARG001
    settings: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> tuple[XRayTraces | XRaySegments, ...]:
    """Return the channel of a sink of type `xray`, none where spans are not wanted.

    environ: where the Region is found that the settings do not name. Raises ValueError where nobody does.
    """
    if "spans" not in settings.get("signals", ("spans",)):
        return ()
    region = settings.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    if settings.get("api", "otlp") == "segments":
        return (XRaySegments(region=region, limits=otlp.limits(settings, SEGMENT_LIMITS)),)
    if not region:
        raise ValueError("no Region: name one in `region`, or in AWS_REGION")
    host = f"xray.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    return (
        XRayTraces(
            name="traces",
            url=f"https://{host}/v1/traces",
            auth=SigV4(region, "xray"),
            limits=otlp.limits(settings, OTLP_LIMITS),
        ),
    )


def _times_of(item: Item) -> tuple[int, int]:
    try:
        told = _times.decode(item.body)
        return int(told.start_time_unix_nano), int(told.end_time_unix_nano)
    except ValueError:  # a dead letter that somebody edited
        return 0, 0


def _out_of_range(
    times: Sequence[tuple[int, int]], now_s: float | None, judged: Verdict
) -> dict[int, Refusal]:
    """Which spans X-Ray never takes, by its own clock; {} where it does not tell the time."""
    if now_s is None:
        return {}
    now_ns = int(now_s) * _NS_PER_S
    found = {}
    for i, (start, end) in enumerate(times):
        reason = "too_old" if start < now_ns - OLDEST_NS else "too_new" if end > now_ns + NEWEST_NS else ""
        if reason:
            found[i] = msgspec.structs.replace(judged.rejected[i], reason=reason)
    return found


class _Named(msgspec.Struct):
    id: str = ""


_named = msgspec.json.Decoder(_Named)


def _verdict_by_ids(items: Sequence[Item], unprocessed: Sequence[dict[str, Any]]) -> Verdict:
    positions: dict[str, list[int]] = {}
    for i, item in enumerate(items):
        positions.setdefault(_id_of(item), []).append(i)
    retry: dict[int, Refusal] = {}
    rejected: dict[int, Refusal] = {}
    for told in unprocessed:
        code, message, segment_id = (str(told.get(key) or "") for key in ("ErrorCode", "Message", "Id"))
        refusal, is_transient = aws_codes.of_item(code, message)
        found = positions.get(segment_id)
        if found is None:
            every = dict.fromkeys(range(len(items)), refusal)
            return Verdict(rejected=every, is_too_large=len(items) > 1)
        (retry if is_transient else rejected).update(dict.fromkeys(found, refusal))
    return Verdict(retry={i: r for i, r in retry.items() if i not in rejected}, rejected=rejected)


def _id_of(item: Item) -> str:
    try:
        return _named.decode(item.body).id
    except ValueError:
        return ""
