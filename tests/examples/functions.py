"""The example's functions, loaded as the Lambda runtime loads them, with AWS by moto."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import boto3
import pytest
from moto import mock_aws

from tests.examples.legacy import EXAMPLE

REGION = "eu-west-1"


@contextmanager
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials and region as in a function, and no real AWS behind them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def bucket(name: str) -> str:
    boto3.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return name


def load(folder: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModuleType:
    """Import functions/<folder>/app.py afresh, with these environment variables."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = EXAMPLE / "functions" / folder
    monkeypatch.syspath_prepend(str(path))
    monkeypatch.delitem(sys.modules, "report", raising=False)
    spec = importlib.util.spec_from_file_location(f"example_{folder}", path / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
