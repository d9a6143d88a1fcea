"""A template of 300 functions: every target stays within its limits, and everybody can still read it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from dashboards.made import Made, made_of
from dashboards.output import TARGETS
from dashboards.template.values import Deployment
from subscribers.config import EMPTY
from tests.dashboards.test_corpus import problems

FUNCTIONS = 300
_HEAD = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.handler, Timeout: 10, CodeUri: src/}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
"""
_FUNCTION = """  Worker{n}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: worker-{n}
      Events:
{call}        Queued: {{Type: SQS, Properties: {{Queue: !GetAtt Queue{n}.Arn}}}}
  Queue{n}:
    Type: AWS::SQS::Queue
    Properties: {{RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}}}}
"""
_CALL = "        Call: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: POST, Path: /work/{n}}}}}\n"
_TAIL = "  Dead: {Type: AWS::SQS::Queue}\n"


def _call(n: int) -> str:
    """Every fifth function is called by HTTP; the others read their queues alone."""
    return "" if n % 5 else _CALL.format(n=n)


@cache
def large(folder: Path) -> Made:
    path = folder / "template.yaml"
    functions = (_FUNCTION.format(n=n, call=_call(n)) for n in range(FUNCTIONS))
    path.write_text(_HEAD + "".join(functions) + _TAIL)
    return made_of([path], EMPTY, Deployment())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The large system, once."""
    return large(tmp_path_factory.mktemp("large"))


def test_every_function_is_found(made: Made) -> None:
    """With its queue, and its route where it has one."""
    assert sum(1 for _ in made.system.of_kind("function")) == FUNCTIONS
    assert sum(1 for _ in made.system.of_kind("queue")) == FUNCTIONS + 1
    assert len(made.system.routes) == FUNCTIONS // 5
    assert not [note for note in made.notes if note.level == "error"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_stays_within_its_limits(target: str, made: Made) -> None:
    """What the validators say of it: nothing."""
    assert problems(target, made) == []
