"""References to secrets, resolved against moto's Secrets Manager and parameter store."""

from __future__ import annotations

import io
import json
import logging
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.traceback import Traceback

from console.local.moto_server import MotoServer
from subscribers.secrets import REFRESH_MIN_S, Reason, SecretError, Secrets
from subscribers.sinks.channel import SecretReference

VALUE = "hunter2-Zq9"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Calls:
    """moto's clients; counts what is asked of them."""

    def __init__(self, moto: MotoServer) -> None:
        self.moto = moto
        self.regions: list[str] = []
        self.made: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service: str, region: str) -> Any:
        self.regions.append(region)
        client = self.moto.client(service, region or None)
        client.meta.events.register("before-parameter-build", self._told, unique_id=f"told-{service}")
        return client

    def _told(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name.startswith("Get"):
            self.made.append((model.name, dict(params)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls(moto: MotoServer) -> Iterator[Calls]:
    found = Calls(moto)
    yield found
    for key in moto._clients:
        moto._clients[key].meta.events.unregister("before-parameter-build", unique_id=f"told-{key[0]}")


@pytest.fixture
def secrets(calls: Calls, clock: Clock) -> Secrets:
    return Secrets(calls, clock)


def stored(moto: MotoServer, name: str, value: str | bytes) -> str:
    """Store a secret of that name and return its ARN."""
    client = moto.client("secretsmanager")
    kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
    try:
        return str(client.create_secret(Name=name, **{kind: value})["ARN"])
    except client.exceptions.ResourceExistsException:
        return str(client.put_secret_value(SecretId=name, **{kind: value})["ARN"])


def parameter(moto: MotoServer, name: str, value: str) -> str:
    """Store a SecureString and return the reference to it."""
    moto.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
    return f"ssm:{name}"


def refused(secrets: Secrets, reference: SecretReference) -> SecretError:
    with pytest.raises(SecretError) as raised:
        secrets.get(reference)
    return raised.value


def test_each_kind_of_reference_is_resolved(moto: MotoServer, secrets: Secrets, calls: Calls) -> None:
    """A whole secret by its ARN, in the ARN's Region; a key of one by its name; a parameter, decrypted."""
    arn = stored(moto, "whole", VALUE)
    stored(moto, "team/keys", json.dumps({"api": "k-1", "pin": 7, "deep": {"a": 1}}))
    assert secrets.get(arn) == VALUE
    assert secrets.get({"secretsmanager": "team/keys", "key": "api"}) == "k-1"
    assert secrets.get({"secretsmanager": "team/keys", "key": "pin"}) == "7"
    assert secrets.get(parameter(moto, "/prod/dd/key", "p-1")) == "p-1"
    assert calls.regions == [moto.region, "", ""]
    # The two keys are of one secret, which is asked for once.
    assert [name for name, _ in calls.made].count("GetSecretValue") == 2


def test_a_secret_is_asked_for_once(moto: MotoServer, secrets: Secrets, calls: Calls, clock: Clock) -> None:
    """By whichever of many threads; and again when its time is over."""
    arn = stored(moto, "often", VALUE)
    threads = [threading.Thread(target=secrets.get, args=(arn,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls.made) == 1
    stored(moto, "often", "second")
    clock.now_s += 899
    assert secrets.get(arn) == VALUE
    clock.now_s += 2
    assert secrets.get(arn) == "second"


def test_a_rotated_secret_is_asked_for_anew(
    moto: MotoServer, secrets: Secrets, calls: Calls, clock: Clock
) -> None:
    """When a destination refuses the old one; but not by each of the requests that were refused at once."""
    arn = stored(moto, "rotated", "old")
    assert secrets.get(arn) == "old"
    stored(moto, "rotated", "new")
    secrets.refresh(arn)
    assert secrets.get(arn) == "old"  # it was asked for just now
    clock.now_s += REFRESH_MIN_S
    secrets.refresh(arn)
    secrets.refresh(arn)
    assert [secrets.get(arn) for _ in range(3)] == ["new"] * 3
    secrets.refresh(arn)
    assert secrets.get(arn) == "new"
    assert len(calls.made) == 2


def test_to_refresh_raises_nothing(secrets: Secrets) -> None:
    """Not even for what was never asked for: a thread that sends must go on."""
    secrets.refresh("ssm:/never")
    secrets.refresh({"secretsmanager": "never", "key": "k"})


def test_parameters_are_asked_for_ten_at_a_time(moto: MotoServer, secrets: Secrets, calls: Calls) -> None:
    """As many as GetParameters takes; what was known is not asked for, and what is missing is told by get."""
    references = [parameter(moto, f"/many/{n}", f"v{n}") for n in range(12)]
    assert secrets.get(references[0]) == "v0"
    secrets.load([*references, "ssm:/many/none"])
    assert [secrets.get(reference) for reference in references] == [f"v{n}" for n in range(12)]
    assert [len(params["Names"]) for _, params in calls.made] == [1, 10, 2]
    assert refused(secrets, "ssm:/many/none").reason == "not_found"


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (b"\x00\x01", None, "binary"),
        ("  ", None, "empty"),
        (VALUE + "\n", None, "bad_characters"),
        (f"a\r\nX-Injected: {VALUE}", None, "bad_characters"),
        (VALUE + "\x7f", None, "bad_characters"),
        (VALUE, "api", "not_json"),
        (json.dumps([VALUE]), "api", "not_json"),
        (json.dumps({"other": VALUE}), "api", "no_such_key"),
        (json.dumps({"api": {"a": VALUE}}), "api", "no_such_key"),
        (json.dumps({"api": True, "other": VALUE}), "api", "no_such_key"),
        (json.dumps({"api": f"{VALUE}\n"}), "api", "bad_characters"),
        (json.dumps({"api": "", "other": VALUE}), "api", "empty"),
        ('{"api": "' + VALUE, "api", "not_json"),
    ],
)
def test_what_is_no_secret_is_told_without_it(
    moto: MotoServer, secrets: Secrets, value: str | bytes, key: str | None, reason: str
) -> None:
    """With a reason and the reference; never with the value, whoever renders the error, locals and all."""
    arn = stored(moto, f"odd-{reason}-{abs(hash((value, key)))}", value)
    # In a frame that does not have the value either.
    error = refused(secrets, arn if key is None else {"secretsmanager": arn, "key": key})
    assert error.reason == reason
    assert arn in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    out = io.StringIO()
    found = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, width=200, locals_max_length=100
    )
    Console(file=out, width=200).print(found)
    text = out.getvalue() + "".join(traceback.format_exception(error))
    assert "reference = " in text  # the locals are there
    assert "hunter2" not in text


def test_a_secret_is_in_no_log_and_no_repr(
    moto: MotoServer, secrets: Secrets, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where botocore logs all that it gets; what else it logs stays."""
    caplog.set_level(logging.DEBUG)
    arn = stored(moto, "logged", VALUE)
    reference = parameter(moto, "/logged", VALUE)
    caplog.clear()
    assert secrets.get(arn) == secrets.get(reference) == VALUE
    assert VALUE not in caplog.text
    assert "GetSecretValue" in caplog.text
    moto.client("secretsmanager").get_secret_value(SecretId=arn)
    assert VALUE in caplog.text  # what others ask for is not ours to hide
    assert VALUE not in repr(secrets)
    assert VALUE not in repr(vars(secrets))


def test_what_is_not_there_is_told(moto: MotoServer, secrets: Secrets) -> None:
    """A secret and a parameter that do not exist, and a secret that is marked for deletion."""
    arn = stored(moto, "gone", VALUE)
    moto.client("secretsmanager").delete_secret(SecretId=arn)
    for reference in ({"secretsmanager": "nothing", "key": "k"}, "ssm:/nothing", arn):
        assert refused(secrets, reference).reason == "not_found"


class Refusing:
    """A client that refuses everything, as AWS does."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        raise self.error

    get_parameters = get_secret_value


def client_error(code: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": "said"}}, "GetSecretValue")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDeniedException", "access_denied"),
        ("DecryptionFailure", "access_denied"),
        ("ThrottlingException", "throttled"),
        ("InternalServiceError", "unreachable"),
    ],
)
def test_what_aws_refuses_is_told(code: str, reason: str, clock: Clock) -> None:
    """With what it said; and it is not asked again at once."""
    client = Refusing(client_error(code))
    secrets = Secrets(lambda service, region: client, clock)
    for _ in range(3):
        error = refused(secrets, "ssm:/a")
        assert (error.reason, str(error)) == (reason, f"{reason}: ssm:/a: said")
    assert client.calls == 1
    clock.now_s += REFRESH_MIN_S
    refused(secrets, "ssm:/a")
    assert client.calls == 2


def test_no_network_and_no_region_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client, without anything to talk to."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert str(refused(Secrets(), "ssm:/a")) == "unreachable: ssm:/a: NoRegionError"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert refused(Secrets(), {"secretsmanager": "a", "key": "k"}).reason == "unreachable"


def test_a_known_secret_outlives_a_fault_of_aws(clock: Clock) -> None:
    """It is used until AWS answers again, and counted; one that was refused is not."""

    class Flaky(Refusing):
        is_up = True

        def get_parameters(self, **_: Any) -> dict[str, Any]:
            if not self.is_up:
                raise self.error
            return {"Parameters": [{"Name": "/a", "Value": VALUE}]}

    client = Flaky(client_error("ThrottlingException"))
    secrets = Secrets(lambda service, region: client, clock)
    assert secrets.get("ssm:/a") == VALUE
    client.is_up = False
    clock.now_s += 1_000
    assert secrets.get("ssm:/a") == VALUE
    assert secrets.notes == {"secret_stale": 1}
    secrets.refresh("ssm:/a")
    assert secrets.get("ssm:/a") == VALUE  # asked for anew in vain a moment ago
    clock.now_s += 2_000
    secrets.refresh("ssm:/a")
    assert refused(secrets, "ssm:/a").reason == "throttled"
    client.is_up = True
    clock.now_s += REFRESH_MIN_S
    assert secrets.get("ssm:/a") == VALUE


@given(st.text(max_size=30))
def test_what_is_returned_ends_no_header(text: str) -> None:
    """Any text is returned as it is, or refused; what is returned is one line with something in it."""

    class Client:
        def get_parameters(self, **_: Any) -> dict[str, Any]:
            return {"Parameters": [{"Name": "/a", "Value": text}]}

    secrets = Secrets(lambda service, region: Client())
    if not text.strip() or any(ord(c) < 32 and c != "\t" for c in text) or "\x7f" in text:
        assert refused(secrets, "ssm:/a").reason in ("empty", "bad_characters")
    else:
        assert secrets.get("ssm:/a") == text


def test_every_reason_is_documented() -> None:
    """In the page that says what to do about it."""
    text = (Path(__file__).parents[2] / "docs" / "secrets.md").read_text()
    assert all(f"| `{reason}` |" in text for reason in get_args(Reason))
