"""X-Ray, Firehose and CloudWatch, as strict as their documentation, for the SDK over real sockets.

moto takes nearly everything; these enforce limits, and refuse as AWS does. Point the SDK at one by
AWS_ENDPOINT_URL_XRAY, AWS_ENDPOINT_URL_FIREHOSE or AWS_ENDPOINT_URL_CLOUDWATCH.

https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from tests.backends.server import Backend, Received, Reply

_CODES = {
    401: (403, "ExpiredTokenException"),
    413: (413, "RequestEntityTooLarge"),
    429: (400, "ThrottlingException"),
    500: (500, "InternalFailure"),
    502: (502, "BadGateway"),
    503: (503, "ServiceUnavailable"),
    504: (504, "GatewayTimeout"),
}


class RefusedError(Exception):
    """A call that AWS refuses whole."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(message)


class AwsBackend(Backend):
    """An API of AWS: signed calls only, errors with their codes."""

    #: As it is signed.
    service = ""

    def answer(self, request: Received) -> Reply:
        try:
            signed = request.headers.get("authorization", "")
            if not signed.startswith("AWS4-HMAC-SHA256 ") or f"/{self.service}/aws4_request" not in signed:
                raise RefusedError("MissingAuthenticationTokenException", "not signed", 403)
            is_gzip = request.headers.get("content-encoding") == "gzip"
            return self.call(request, gzip.decompress(request.body) if is_gzip else request.body)
        except RefusedError as refused:
            return self.refusal(refused.status, refused.code, refused.message)

    def call(self, request: Received, body: bytes) -> Reply:
        """Answer a call. Raises RefusedError."""
        raise NotImplementedError

    def success(self, result: dict[str, Any]) -> Reply:
        """Return what a call returns. Whatever AWS itself says has a request ID."""
        return Reply(200, result, {"x-amzn-RequestId": str(uuid.uuid4())})

    def refusal(self, status: int, code: str, message: str) -> Reply:
        """Return an error."""
        headers = {"x-amzn-errortype": code, "x-amzn-RequestId": str(uuid.uuid4())}
        return Reply(status, {"__type": code, "message": message}, headers)

    def fault_reply(self, status: int) -> Reply:
        answered, code = _CODES[status]
        return self.refusal(answered, code, f"status {status}")


class Segments(AwsBackend):
    """X-Ray's PutTraceSegments. `accepted` counts the event IDs in the documents' metadata."""

    service = "xray"

    def __init__(self, faults: Any = None, *, throttles: Callable[[str], bool] = lambda _: False) -> None:
        """throttles: event IDs that are not processed this time."""
        super().__init__(faults)
        self.throttles = throttles
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}

    def call(self, request: Received, body: bytes) -> Reply:
        if request.path != "/TraceSegments":
            raise RefusedError("UnknownOperationException", request.path, 404)
        texts = json.loads(body)["TraceSegmentDocuments"]
        if not 1 <= len(texts) <= 50:
            raise RefusedError("InvalidRequestException", "more than 50 documents")
        unprocessed = [told for text in texts if (told := self._take(text))]
        return self.success({"UnprocessedTraceSegments": unprocessed})

    def _take(self, text: str) -> dict[str, str] | None:
        if len(text.encode()) > 64_000:
            return {"ErrorCode": "SegmentTooLarge", "Message": "more than 64 kB"}
        try:
            document = json.loads(text)
        except ValueError:
            return {"ErrorCode": "ParseError", "Message": "not JSON"}
        if wrong := _wrong_segment(document):
            return {"Id": str(document.get("id", "")), "ErrorCode": "InvalidSegment", "Message": wrong}
        event_id = document["metadata"]["observe"]["event_id"]
        if self.throttles(event_id):
            return {"Id": document["id"], "ErrorCode": "ThrottledException", "Message": "slow down"}
        with self.lock:
            self.accepted[event_id] += 1
            self.documents[document["trace_id"], document["id"]] = document
        return None


def _wrong_segment(document: dict[str, Any]) -> str:
    """Why it is no segment document, "" where it is one."""
    shapes = {
        "name": r"[\w\s.:/%&#=+\\\-@]{1,200}",
        "id": r"[0-9a-f]{16}",
        "trace_id": r"1-[0-9a-f]{8}-[0-9a-f]{24}",
    }
    for name, shape in shapes.items():
        if not re.fullmatch(shape, str(document.get(name, ""))):
            return f"a wrong {name}"
    if not document["start_time"] <= document["end_time"]:
        return "it ends before it starts"
    if document.get("type", "subsegment") != "subsegment" or ("type" in document) > ("parent_id" in document):
        return "a subsegment has a parent"
    annotations = document.get("annotations", {})
    if len(annotations) > 50 or not all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in annotations):
        return "wrong annotations"
    return ""


class Firehose(AwsBackend):
    """Firehose's PutRecordBatch. `accepted` counts the `event_id` of each line of each record."""

    service = "firehose"

    def __init__(
        self,
        faults: Any = None,
        *,
        streams: frozenset[str] = frozenset(("logs", "spans", "metrics", "ledger")),
        is_busy: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """is_busy: records that are not taken this time."""
        super().__init__(faults)
        self.streams, self.is_busy = streams, is_busy
        self.rows: list[dict[str, Any]] = []

    def call(self, request: Received, body: bytes) -> Reply:
        if request.headers.get("x-amz-target") != "Firehose_20150804.PutRecordBatch":
            raise RefusedError("UnknownOperationException", "only PutRecordBatch")
        told = json.loads(body)
        if told["DeliveryStreamName"] not in self.streams:
            raise RefusedError("ResourceNotFoundException", "no such stream")
        records = [base64.b64decode(record["Data"], validate=True) for record in told["Records"]]
        if not 1 <= len(records) <= 500 or sum(map(len, records)) > 4 * 1024 * 1024:
            raise RefusedError("InvalidArgumentException", "more than 500 records or 4 MiB")
        if max(map(len, records)) > 1000 * 1024:
            raise RefusedError("InvalidArgumentException", "a record of more than 1,000 KiB")
        answers = [self._put(record) for record in records]
        failed = sum("ErrorCode" in answer for answer in answers)
        return self.success({"FailedPutCount": failed, "Encrypted": False, "RequestResponses": answers})

    def _put(self, record: bytes) -> dict[str, str]:
        if self.is_busy(record):
            return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        lines = record.splitlines(keepends=True)
        assert all(line.endswith(b"\n") for line in lines)
        assert len(lines) <= 500, "more than deaggregation takes"
        rows = [json.loads(line) for line in lines]
        assert len({row["date"] for row in rows}) == 1, "a record of several days"
        with self.lock:
            self.accepted.update(row["event_id"] for row in rows)
            self.rows += rows
        return {"RecordId": "49600000000000000000000000000000000000000000000000000000"}


class CloudWatch(AwsBackend):
    """CloudWatch's PutMetricData, by the JSON that today's SDK speaks.

    A datum has no event ID, so `accepted` counts its values by `key`: the metric's name after `metric-`.
    """

    service = "monitoring"

    def __init__(self, faults: Any = None, *, key: Callable[[dict[str, Any]], str] | None = None) -> None:
        super().__init__(faults)
        self.key = key or (lambda datum: f"metric-{datum['MetricName']}")
        self.data: list[dict[str, Any]] = []

    def call(self, request: Received, body: bytes) -> Reply:
        if request.headers.get("x-amz-target") != "GraniteServiceVersion20100801.PutMetricData":
            raise RefusedError("UnknownOperationException", "only PutMetricData")
        if len(body) > 1_000_000:
            raise RefusedError("RequestEntityTooLarge", "more than 1 MB", 413)
        told = json.loads(body)
        if not re.fullmatch(r"[A-Za-z0-9._/#:-]{1,255}", told["Namespace"]):
            raise RefusedError("InvalidParameterValue", "Namespace")
        data = told["MetricData"]
        if not 1 <= len(data) <= 1000:
            raise RefusedError("InvalidParameterValue", "more than 1000 metrics")
        for i, datum in enumerate(data, 1):
            if wrong := next(_wrong_datum(datum), ""):
                raise RefusedError("InvalidParameterValue", f"MetricData.member.{i}.{wrong}")
        with self.lock:
            self.data += data
            for datum in data:
                self.accepted[self.key(datum)] += int(sum(datum["Counts"]))
        return self.success({})


def _wrong_datum(datum: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a datum."""
    # Protocols of AWS have NaN and infinities as text.
    values, counts = [float(value) for value in datum["Values"]], datum.get("Counts", [])
    if not 1 <= len(values) <= 150 or len(values) != len(counts) or len(set(values)) != len(values):
        yield "Values: 1 to 150, each once, with as many counts"
    if not all(math.isfinite(value) and abs(value) <= 2.0**360 for value in values):
        yield "Values: beyond 2^360"
    if not _is_name(datum["MetricName"], 255):
        yield "MetricName"
    dimensions = datum.get("Dimensions", [])
    names = [pair["Name"] for pair in dimensions]
    if len(names) > 30 or len(set(names)) != len(names):
        yield "Dimensions: at most 30, each once"
    if not all(_is_name(pair["Name"], 255) and _is_name(pair["Value"], 1024) for pair in dimensions):
        yield "Dimensions: names and values are ASCII"
    if not -14 * 86_400 <= datum["Timestamp"] - time.time() <= 2 * 3600:
        yield "Timestamp: two weeks past to two hours ahead"


def _is_name(text: str, most: int) -> bool:
    is_plain = text.isascii() and text.isprintable() and bool(text.strip())
    return is_plain and len(text) <= most and not text.startswith(":")
