"""The legacy application's endpoints: what they answer, to clients good and bad."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.examples.legacy import EXAMPLE, Legacy

POLICY = "POL-105"


def claim(number: str, policy: str = POLICY, amount: float = 12.5, **more: object) -> dict[str, object]:
    return {"number": number, "policy": policy, "amount": amount, **more}


def test_a_policy_in_force_is_shown_with_its_rate(legacy: Legacy) -> None:
    """GET /policies/{number} knows status, tariff and rate."""
    reply = legacy.get(f"/policies/{POLICY}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json() == {
        "policy": POLICY,
        "status": "in force",
        "active": True,
        "tariff": "MX-26",
        "rate": "0.0332",
    }


@pytest.mark.parametrize(
    ("policy", "status"), [("POL-999", 404), ("POL-902", 422), ("POL-900", 500), ("POL-399", 201)]
)
def test_what_a_claim_meets_depends_on_its_policy(legacy: Legacy, policy: str, status: int) -> None:
    """Unknown, lapsed, without a rate, in force: the data decides, the same for old and new."""
    old, new = claim(f"CLM-1{policy[4:]}00", policy), claim(f"CLM-1{policy[4:]}01", policy)
    assert legacy.post("/registrations", new).status_code == status
    assert legacy.post("/claims", old).status_code == (202 if status == 201 else status)
    assert legacy.get(f"/claims/{new['number']}").status_code == (200 if status == 201 else 404)


def test_an_archived_policy_is_restored_each_time(legacy: Legacy) -> None:
    """POL-901 is served, after a warning and a wait; the archive is read-only."""
    replies = legacy.at_once(*[lambda: legacy.get("/policies/POL-901")] * 2)
    assert [reply.status_code for reply in replies] == [200, 200]
    assert all(reply.elapsed.total_seconds() > 2.5 for reply in replies)
    started = legacy.events("policy POL-901 is archived: restoring it from tape, this takes a while")
    assert [event["level"] for event in started] == ["WARN ", "WARN "]
    assert len(legacy.events("policy POL-901 is restored")) == 2


def test_the_old_submission_does_everything_at_once(legacy: Legacy) -> None:
    """POST /claims answers 202, and the claim is assessed by then; again is the same again."""
    for _ in range(2):
        reply = legacy.post("/claims", claim("CLM-200001", amount=6000.01, email="ada@example.com"))
        assert (reply.status_code, reply.json()) == (202, {"claim": "CLM-200001"})
    assert legacy.get("/claims/CLM-200001").json() == {
        "claim": "CLM-200001",
        "status": "assessed",
        "amount": 6000.01,
    }
    assert legacy.events("claim CLM-200001 over 5000.00: an adjuster has to see it")


def test_a_registration_is_idempotent(legacy: Legacy) -> None:
    """201, then 200 for the same data, 409 for other data under the same number."""
    first = claim("CLM-200002")
    assert [legacy.post("/registrations", first).status_code for _ in range(2)] == [201, 200]
    assert legacy.post("/registrations", {**first, "amount": 12.51}).status_code == 409
    assert legacy.post("/registrations", {**first, "policy": "POL-106"}).status_code == 409
    assert legacy.post("/claims", {**first, "amount": 1}).status_code == 409
    assert legacy.get("/claims/CLM-200002").json()["status"] == "registered"


def test_parallel_registrations_of_one_claim_store_it_once(legacy: Legacy) -> None:
    """One of them gets 201, the others 200."""
    calls = [lambda: legacy.post("/registrations", claim("CLM-200003"))] * 8
    assert sorted(reply.status_code for reply in legacy.at_once(*calls)) == [200] * 7 + [201]


def test_a_statement_is_a_slow_report(legacy: Legacy) -> None:
    """GET /policies/{number}/statement: as many pages each time, and it lists the policy's claims."""
    legacy.post("/registrations", claim("CLM-200004", "POL-107", 100))
    one, two = legacy.at_once(*[lambda: legacy.get("/policies/POL-107/statement")] * 2)
    assert one.json() == two.json()
    assert one.elapsed.total_seconds() >= 0.35
    assert 7 <= one.json()["pages"] <= 17
    assert {"claim": "CLM-200004", "amount": 100.0, "deductible": 3.46} in one.json()["claims"]
    assert legacy.get("/policies/POL-999/statement").status_code == 404
    assert legacy.get("/policies/POL-900/statement").status_code == 500


def test_a_failure_tells_the_client_nothing(legacy: Legacy) -> None:
    """500 is a JSON body without a traceback."""
    assert legacy.get("/policies/POL-900").json() == {"message": "internal error"}


@pytest.mark.parametrize("amount", [12.34, 1, 0.01, 999_999_999_999.99, 1e3])
def test_amounts_have_at_most_two_decimals(legacy: Legacy, amount: float) -> None:
    """What is registered is what is shown."""
    number = f"CLM-3{amount:.2f}".replace(".", "-")
    assert legacy.post("/registrations", claim(number, amount=amount)).status_code == 201
    assert legacy.get(f"/claims/{number}").json()["amount"] == amount


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "-1", "0.001", "12.345", "1000000000000", "1e12"),
        *("9" * 5000, "1e999999", "1e-999999", "1e99999999999999999999", "NaN", "Infinity", "-Infinity"),
        *('"12"', "true", "null", "[]", "{}"),
    ],
)
@pytest.mark.parametrize("path", ["/claims", "/registrations"])
def test_no_other_amount_is_taken(legacy: Legacy, path: str, amount: str) -> None:
    """400, whatever it is."""
    body = f'{{"number": "CLM-400000", "policy": "{POLICY}", "amount": {amount}}}'
    reply = legacy.post(path, content=body.encode())
    assert (reply.status_code, list(reply.json())) == (400, ["message"])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b"7", b'"x"', b"{}", b"\0" * 100),
        json.dumps({"number": "CLM-400001", "amount": 1}).encode(),
        json.dumps({"number": "CLM-400001", "policy": POLICY}).encode(),
        json.dumps(claim("")).encode(),
        json.dumps(claim("CLM-1\n2026-01-01 00:00:00,000 INFO  forged")).encode(),
        json.dumps(claim("CLM\ud800")).encode(),
        json.dumps(claim("C" * 33)).encode(),
        json.dumps(claim("CLM-400001", policy="../etc")).encode(),
        json.dumps({**claim("CLM-400001"), "policy": 105}).encode(),
    ],
)
def test_a_body_that_is_no_claim_is_refused(legacy: Legacy, body: bytes) -> None:
    """4xx with a message, on both endpoints that take a body."""
    for path in ("/claims", "/registrations"):
        reply = legacy.post(path, content=body, headers={"Content-Length": str(len(body))})
        assert (reply.status_code, list(reply.json())) == (400, ["message"])


def test_a_huge_body_is_refused(legacy: Legacy) -> None:
    """413, and the client, which sends it all, reads it."""
    assert legacy.post("/claims", content=b" " * 3_000_000).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", 411),
        ("Transfer-Encoding: chunked\r\n", 411),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: two\r\n", 400),
        ("Content-Length: " + "9" * 30 + "\r\n", 400),
    ],
)
def test_a_body_without_a_length_is_refused(legacy: Legacy, headers: str, status: int) -> None:
    """Nothing is read that was not announced."""
    answer = _raw(legacy, f"POST /claims HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    assert answer.split(b" ")[1] == str(status).encode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/policies/"),
        ("GET", "/policies/POL-100/"),
        ("GET", "/policies/POL%0A100"),
        ("GET", "/policies/" + "P" * 33),
        ("GET", "/claims"),
        ("GET", "/claims/CLM-000000"),
        ("DELETE", "/claims/CLM-000101"),
        ("PUT", "/registrations"),
        ("POST", "/policies/POL-100"),
    ],
)
def test_everything_else_is_not_found(legacy: Legacy, method: str, path: str) -> None:
    """404, in JSON."""
    reply = httpx.request(method, legacy.url + path)
    assert (reply.status_code, list(reply.json())) == (404, ["message"])


def test_garbage_on_the_wire_does_no_harm(legacy: Legacy) -> None:
    """Whatever comes, the next request is served, and no answer holds a traceback."""
    for garbage in (b"\r\n", b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET " + b"x" * 70_000, b"\x16\x03\x01\x02"):
        assert b"Traceback" not in _raw(legacy, garbage)
    assert legacy.get(f"/policies/{POLICY}").status_code == 200


@pytest.mark.parametrize("arguments", [[], ["0"], ["x", "folder"], ["70000", "folder"], ["0", "a", "b"]])
def test_the_application_says_how_it_is_started(arguments: list[str], tmp_path: Path) -> None:
    """Wrong arguments: its usage, and no start."""
    command = [sys.executable, "-I", str(EXAMPLE / "legacy" / "app.py"), *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "python app.py PORT FOLDER" in done.stderr
    assert not list(tmp_path.iterdir())


def _raw(legacy: Legacy, request: bytes) -> bytes:
    host, _, port = legacy.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer
