"""S3: user metadata and tags of what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from boto3.s3.transfer import TransferConfig
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe.context import Context, extract
from observe.services import s3_carrier
from observe.testing import Lines
from tests.observe.carriers.cases import CONTEXT, fresh_name, made, receipts_in


@given(st.dictionaries(st.text("abcX-", min_size=1, max_size=20), st.text("xyz", max_size=400), max_size=6))
def test_s3_metadata_stays_under_its_limit(metadata: dict[str, str]) -> None:
    """2 KB with names and values, whatever the caller has; nothing of the caller's is lost."""
    params = {"Bucket": "b", "Key": "k", "Metadata": metadata}
    carried = s3_carrier.PUT.carry(params, CONTEXT)["Metadata"]
    size = sum(11 + len(name) + len(value) for name, value in carried.items())
    assert size <= max(2048, sum(11 + len(name) + len(value) for name, value in metadata.items()))
    assert metadata.items() <= carried.items()
    told = ("traceparent" in carried) + ("x-correlation-id" in carried)
    assert s3_carrier.PUT.lost(params, CONTEXT) == ("no_carrier" if told == 2 else "too_large")


def test_a_copy_keeps_its_metadata_unless_the_call_replaces_it(opted: None) -> None:
    """Metadata in a call that copies it would be ignored, or refused."""
    copied = {"Bucket": "b", "Key": "k", "CopySource": "b/o"}
    assert s3_carrier.COPY.carry(copied, CONTEXT) == copied
    replaced = s3_carrier.COPY.carry({**copied, "MetadataDirective": "REPLACE"}, CONTEXT)
    assert replaced["Metadata"]["x-correlation-id"] == "CLM-1"
    assert "Tagging" not in replaced
    assert "Tagging" in s3_carrier.COPY.carry({**copied, "TaggingDirective": "REPLACE"}, CONTEXT)


@pytest.mark.parametrize(("existing", "ours"), [(0, 2), (8, 2), (9, 1), (10, 0), (12, 0)])
def test_tags_stay_within_ten(opted: None, existing: int, ours: int) -> None:
    """Ten tags an object, and they are written as a query is."""
    tagging = "&".join(f"t{n}=v" for n in range(existing))
    context = Context(CONTEXT.trace_id, CONTEXT.span_id, correlation_id="a/b=c+d")
    params = {"Bucket": "b", "Key": "k", **({"Tagging": tagging} if tagging else {})}
    carried = s3_carrier.PUT.carry(params, context).get("Tagging", "")
    assert carried.startswith(tagging)
    assert carried.count("=") == existing + ours
    assert ("x-correlation-id=a%2Fb%3Dc%2Bd" in carried) == (ours == 2)
    assert s3_carrier.PUT.lost(params, context) == ("no_carrier" if ours == 2 else "no_attribute_room")
    assert "Tagging" not in s3_carrier.PUT.carry({"Bucket": "b--euw1-az1--x-s3"}, context)


def test_an_object_has_the_metadata_and_its_request_a_receipt(
    lines: Lines, client: Callable[[str], Any]
) -> None:
    """Who reads the object finds the context; the notification has the request's ID, and so has the line."""
    s3 = client("s3")
    bucket = fresh_name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    metadata = {"Mine": "1"}
    reply = made(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata))
    found = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    _, put = lines.spans
    assert metadata == {"Mine": "1"}
    assert (found["mine"], extract(found).span_id) == ("1", put["spanId"])
    assert (put["name"], put["attributes"]["aws.s3.key"]) == (f"PutObject {bucket}", "k")
    (told,) = receipts_in(lines)
    assert told["receipts"]["ids"] == [reply["ResponseMetadata"]["RequestId"]]
    assert told["span_id"] == put["spanId"]


def test_an_upload_in_parts_is_told_when_it_is_complete(
    opted: None, lines: Lines, client: Callable[[str], Any]
) -> None:
    """The metadata and tags are the beginning's, the receipt is the end's; a copy that replaces has them."""
    s3 = client("s3")
    bucket = fresh_name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def upload() -> Any:
        started = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=started, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
        return s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=started, MultipartUpload=parts)

    reply = made(upload)
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["x-correlation-id"] == "CLM-1"
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {"Key": "x-correlation-id", "Value": "CLM-1"} in tags
    (told,) = receipts_in(lines)
    assert told["receipts"]["operation"] == "CompleteMultipartUpload"
    assert told["receipts"]["ids"] == [reply["ResponseMetadata"]["RequestId"]]
    source = {"Bucket": bucket, "Key": "k"}
    made(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE"))
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"].keys() == {"traceparent", "x-correlation-id"}


def test_tags_of_the_callers_win_whatever_their_case(opted: None) -> None:
    """And each counts, also one that stands there twice."""
    params = {"Bucket": "b", "Key": "k", "Tagging": "X-Correlation-ID=mine"}
    carried = s3_carrier.PUT.carry(params, CONTEXT)["Tagging"]
    assert carried.startswith("X-Correlation-ID=mine&traceparent=")
    assert carried.count("=") == 2
    twice = {"Bucket": "b", "Key": "k", "Tagging": "&".join(["a=1"] * 10)}
    assert s3_carrier.PUT.carry(twice, CONTEXT)["Tagging"] == twice["Tagging"]


@pytest.mark.parametrize("size", [5, 12 * 1024 * 1024])
@pytest.mark.parametrize("threads", [True, False])
def test_an_upload_of_the_transfer_manager_belongs_to_who_asked(
    lines: Lines, client: Callable[[str], Any], tmp_path: Path, size: int, threads: bool
) -> None:
    """Its threads have no context of their own: in one call or in parts, the parent is the span around it."""
    s3, bucket, path = client("s3"), fresh_name(), tmp_path / "scan.pdf"
    config = TransferConfig(use_threads=threads)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    path.write_bytes(b"x" * size)
    extra = {"Metadata": {"mine": "1"}, "ContentType": "application/pdf"}

    def upload() -> None:
        record = Context("c" * 32, "d" * 16, correlation_id="CLM-9")
        with observe.use(record), observe.span("archive"):
            s3.upload_file(str(path), bucket, "k", ExtraArgs=extra, Config=config)

    made(upload)
    assert extra == {"Metadata": {"mine": "1"}, "ContentType": "application/pdf"}
    found = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    archive = next(span for span in lines.spans if span["name"] == "archive")
    puts = [span for span in lines.spans if span["kind"] == 3]
    assert (found["mine"], found["x-correlation-id"]) == ("1", "CLM-9")
    assert extract(found).span_id == puts[0]["spanId"]
    assert {(span["traceId"], span["parentSpanId"]) for span in puts} == {("c" * 32, archive["spanId"])}
    assert len(puts) == (1 if size < 100 else 2)
    (told,) = receipts_in(lines)
    assert told["span_id"] == puts[-1]["spanId"]


def test_a_url_for_somebody_else_has_nothing_of_ours(lines: Lines, client: Callable[[str], Any]) -> None:
    """A presigned PUT and POST are sent later, by another, and signed over what they have."""
    s3 = client("s3")
    urls: list[Any] = []

    def sign() -> None:
        s3.list_buckets()
        urls.append(s3.generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"}))
        urls.append(s3.generate_presigned_post("b", "k"))

    made(sign)
    assert "traceparent" not in repr(urls)
    assert "x-amz-meta" not in repr(urls)


def test_metadata_that_botocore_refuses_is_refused_in_its_own_words(
    lines: Lines, client: Callable[[str], Any]
) -> None:
    """Not ASCII: the same exception as without us, and nothing is sent."""
    s3 = client("s3")

    def put() -> None:
        with pytest.raises(botocore.exceptions.ParamValidationError, match="Non ascii"):
            s3.put_object(Bucket="b", Key="k", Metadata={"name": "ë"})
        with pytest.raises(botocore.exceptions.ParamValidationError, match="Metadata"):
            s3.put_object(Bucket="b", Key="k", Metadata=["a"])

    made(put)
    assert receipts_in(lines) == []
