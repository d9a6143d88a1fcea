"""The legacy system's nightly report has come: which submitted claims never reached it?"""

import os
import re
from urllib.parse import unquote_plus

import boto3
from report import parse

import observe

DOCUMENT = re.compile("claims/([^/]+)[.]json")

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        reconcile(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))


def reconcile(bucket, key):
    report = parse(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    observe.log.info("report read", report=key, claims=len(report.claims), written_at=str(report.written_at))
    submitted = submitted_before(report.written_at)
    missing = sorted(submitted - report.claims.keys())
    observe.metrics.gauge("claims.reconciled", len(submitted) - len(missing))
    observe.metrics.increment("claims.missing", len(missing))
    for number in missing:
        observe.key(claim=number)
        observe.log.error("claim is not in tonight's report", claim=number, report=key)


def submitted_before(moment):
    """The numbers of all claims whose documents were stored by then."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=os.environ["CLAIMS_BUCKET"], Prefix="claims/")
    documents = (document for page in pages for document in page.get("Contents", []))
    return {
        match[1]
        for document in documents
        if document["LastModified"].replace(microsecond=0) <= moment
        if (match := DOCUMENT.fullmatch(document["Key"]))
    }
