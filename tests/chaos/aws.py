"""AWS behind faults: moto takes the calls and judges them, what lies before it fails as networks do."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Self

import urllib3

from console.local.moto_server import MotoServer
from tests.backends.server import Backend, Received, Reply

KEY = "/observe/chaos/key"
_BUSY_SHARE = 0.01
#: Of moto's answers, which are passed on.
_HEADERS = frozenset(("content-type", "x-amzn-requestid", "smithy-protocol"))
_METRIC = re.compile(rb"chaos\.m[0-9]{8}")


def environ(endpoint_url: str) -> Mapping[str, str]:
    """Return what points a process's SDK here."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


class _QuietMoto(MotoServer):
    """moto without the traceback of each call that it fails at: it answers 500, and a run tells of that."""

    def start(self) -> MotoServer:
        super().start()
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        return self


class Aws(Backend):
    """One service of AWS. `accepted` counts what was in calls that it took."""

    def __init__(self) -> None:
        super().__init__()
        self._moto = _QuietMoto()
        self._pool = urllib3.PoolManager(maxsize=8)
        self._random = Random(11)

    def __enter__(self) -> Self:
        self._moto.start()
        self._prepare(self._moto)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._moto.stop()

    def answer(self, request: Received) -> Reply:
        """Pass the call on, and take note of what was in it."""
        body = self._offered(request)
        headers = {k: v for k, v in request.headers.items() if k not in ("content-length", "host")}
        url = f"{self._moto.endpoint_url}{request.path}"
        told = self._pool.request(request.method, url, body=body, headers=headers, retries=False)
        kept = {name: value for name, value in told.headers.items() if name.lower() in _HEADERS}
        reply = Reply(told.status, told.data, kept)
        if told.status != 200:
            return reply
        with self.lock:
            return self._noted(request, body, reply)

    def fault_reply(self, status: int) -> Reply:
        """Return an error as AWS's JSON protocols have it."""
        code = {
            429: "ThrottlingException",
            503: "ServiceUnavailableException",
            401: "UnrecognizedClientException",
        }
        told = {"__type": code.get(status, "InternalFailure"), "message": f"status {status}"}
        return Reply(400 if status in (401, 429) else status, told)

    def _prepare(self, moto: MotoServer) -> None:
        """Make what the calls name."""

    def _offered(self, request: Received) -> bytes:
        return request.body

    def _noted(self, request: Received, body: bytes, reply: Reply) -> Reply:
        raise NotImplementedError


class Firehose(Aws):
    """Records are refused one by one, now and then."""

    def _prepare(self, moto: MotoServer) -> None:
        moto.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": moto.region}
        )
        for name in ("logs", "spans", "metrics", "ledger"):
            moto.client("firehose").create_delivery_stream(
                DeliveryStreamName=name,
                S3DestinationConfiguration={
                    "RoleARN": "arn:aws:iam::123456789012:role/r",
                    "BucketARN": "arn:aws:s3:::lake",
                },
            )

    def _noted(self, request: Received, body: bytes, reply: Reply) -> Reply:
        tree, told = json.loads(body), json.loads(bytes(reply.body))
        if tree["DeliveryStreamName"] == "ledger":
            return reply
        for n, record in enumerate(tree["Records"]):
            if self._random.random() < _BUSY_SHARE:
                said = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
                told["RequestResponses"][n] = said
                told["FailedPutCount"] += 1
                continue
            for row in base64.b64decode(record["Data"]).splitlines():
                self.accepted[json.loads(row)["event_id"]] += 1
        return reply._replace(body=json.dumps(told).encode())


class XRay(Aws):
    """Segments are left unprocessed, now and then."""

    def _noted(self, request: Received, body: bytes, reply: Reply) -> Reply:
        left = []
        for document in json.loads(body)["TraceSegmentDocuments"]:
            segment = json.loads(document)
            if self._random.random() < _BUSY_SHARE:
                left.append(
                    {"Id": segment["id"], "ErrorCode": "ThrottlingException", "Message": "Rate exceeded"}
                )
            else:
                self.accepted[segment["id"]] = 1  # the same segment replaces itself
        return reply._replace(body=json.dumps({"UnprocessedTraceSegments": left}).encode())


class CloudWatch(Aws):
    """Metrics, by their names."""

    def _noted(self, request: Received, body: bytes, reply: Reply) -> Reply:
        plain = gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
        for name in _METRIC.findall(plain):
            self.accepted[name.decode()] += 1
        return reply


class Keyed:
    """A parameter with a key, for backends that ask for one: mixed in before them."""

    key = "k" * 32

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.moto = _QuietMoto()

    def __enter__(self) -> Self:
        self.moto.start()
        self.moto.client("ssm").put_parameter(Name=KEY, Value=self.key, Type="SecureString")
        super().__enter__()  # type: ignore[misc]
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[misc]
        self.moto.stop()
