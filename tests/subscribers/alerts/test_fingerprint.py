"""Fingerprints of errors and templates of messages."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.alerts.fingerprint import LOOKED_AT_MAX, MARK, _template, fingerprint_of, template_of
from tests.subscribers.samples import log

#: Message -> its template, as systems write them.
TEMPLATES = {
    "claim CLM-889123 took 12.5 ms": "claim CLM-<*> took <*> ms",
    "took 1m30.5s, read 3MB": "took <*>, read <*>",
    "2026-11-21T08:00:00.123Z 550e8400-e29b-41d4-a716-446655440000 Task timed out after 3.00 seconds": (
        "<*> Task timed out after <*> seconds"
    ),
    "21/Nov/2026:08:00:00 +0100 GET /policies/PN-2291?x=1&who=ann failed with 504": (
        "<*> GET /policies/PN-<*>?x=<*>&who=<*> failed with <*>"
    ),
    "Nov 21 08:00:01 web sshd[123]: refused": "<*> web sshd[<*>]: refused",
    "bob.smith+x@example.com from 10.0.0.1:443 and fe80::1ff:fe23:4567:890a": "<*> from <*> and <*>",
    '{"event":"claim.assessed","policy":"PN-1","amount":5}': ('{"event":"<*>","policy":"<*>","amount":<*>}'),
    "KeyError: 'policyNumber'": "KeyError: '<*>'",
    "can't open user's file 'a b c' now": "can't open user's file '<*>' now",
    "ids [1, 2, 3] and ['a', 'b']": "ids [<*>] and ['<*>']",
    "balance -5, rate 1e-05": "balance <*>, rate <*>",
    "arn:aws:sqs:eu-west-1:123456789012:claims is denied": "arn:aws:sqs:<*>:claims is denied",
    "user42 s3 HTTP2": "user<*> s<*> HTTP<*>",
    "commit 3f2a9c1 at 0xdeadbeef by AKIAIOSFODNN7EXAMPLE": "commit <*> at <*> by <*>",
    "session x9Kf3aQ2, token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc": "session <*>, token <*>",
    "sent q3k2jJ8sKd92+aQ/x82kdJw92Lsk20sKx82Lsk==": "sent <*>",
    "std::vector A::B": "std::vector A::B",
    "pod claims-6d5f7c9b8-x2x7q": "pod claims-<*>",
    "/srv/releases/20260101/app.py": "/srv/releases/<*>/app.py",
    "  two\t\twords \n": "two words",
    "": "",
}

PYTHON = """Traceback (most recent call last):
  File "/var/task/app/store.py", line {line}, in load
    return rows[key]
KeyError: 'PN-{number}'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/var/runtime/bootstrap.py", line 60, in handle_event_request
  File "/var/task/app/handler.py", line {line}, in handler
    raise ClaimError(number) from None
app.errors.ClaimError: no policy PN-{number}
"""
JAVA = """java.lang.IllegalStateException: no policy PN-{number}
\tat com.acme.Assess$$EnhancerBySpringCGLIB$$1a2b{line}.assess(<generated>)
\tat com.acme.Assess.lambda$assess${line}(Assess.java:{line})
\tat com.acme.Assess$$Lambda${line}/0x00000008000{line}.run(Unknown Source)
\tat com.acme.$Proxy{line}.find(Unknown Source)
\tat java.base/java.util.stream.ReferencePipeline.forEach(ReferencePipeline.java:{line})
\tat app//com.acme.Main.main(Main.java:{line})
Caused by: java.sql.SQLException: too many connections: {number}
\tat com.acme.Db${line}.open(Db.java:{line})
\t... {line} more"""
NODE = """TypeError: no policy PN-{number}
    at assess (/var/task/src/index.js:{line}:34)
    at async Runtime.handler (file:///var/task/src/app.mjs:1:{line})
    at Object.<anonymous> (/var/task/node_modules/x/y.js:1:1)
    at node:internal/main:1:2
  [cause]: Error: connect ECONNREFUSED 10.0.0.{line}:443
      at Db.open (/var/task/src/db.js:3:4)"""
DOTNET = """System.InvalidOperationException: no policy PN-{number}
 ---> System.Data.SqlException (0x80131904): Timeout
   at Acme.Claims.Db.Open() in C:\\src\\Db.cs:line {line}
   --- End of inner exception stack trace ---
   at Acme.Claims.Service.<AssessAsync>d__{line}.MoveNext() in /src/Service.cs:line {line}
   at System.Runtime.CompilerServices.TaskAwaiter.Throw(Task task)
   at Acme.Claims.Service.<>c__DisplayClass{line}_0.<Run>b__0(String id)
   at Acme.List`1.Add(T item)"""

STACKS = {
    "python": (
        PYTHON,
        "app.errors.ClaimError",
        ("app/handler.py:handler", "caused by KeyError", "app/store.py:load"),
    ),
    "java": (
        JAVA,
        "java.lang.IllegalStateException",
        (
            "com.acme.Assess.assess",
            "com.acme.Assess.lambda$assess$",
            "com.acme.Main.main",
            "caused by java.sql.SQLException",
            "com.acme.Db$.open",
        ),
    ),
    "node": (
        NODE,
        "TypeError",
        ("src/index.js:assess", "src/app.mjs:Runtime.handler", "caused by Error", "src/db.js:Db.open"),
    ),
    "dotnet": (
        DOTNET,
        "System.InvalidOperationException",
        (
            "Acme.Claims.Service.AssessAsync",
            "Acme.Claims.Service.Run",
            "Acme.List.Add",
            "caused by System.Data.SqlException",
            "Acme.Claims.Db.Open",
        ),
    ),
}

VARYING = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.decimals(0, 10**6, places=2).map(str),
    st.uuids(version=4).map(str),
    # Eight hex digits can be a word, and then are; two of ten thousand random ones are.
    st.integers(0, 2**64 - 1).map("{:016x}".format),
)
WORDS = st.lists(
    st.sampled_from(["no", "policy", "step", "(", ")", "[", "=", ":", "/", ",", "-"]), max_size=8
)
#: What makes masks meet: digits, quotes, separators, letters, marks.
AWKWARD = st.text(st.sampled_from("0123456789abcxyzAZ_-+.,:;/'\"`|%=?&@<*> \n\té\u0661"), max_size=60)


@pytest.mark.parametrize("message", TEMPLATES)
def test_templates(message: str) -> None:
    """Whatever varies is the mark, and the words stay."""
    assert template_of(message) == TEMPLATES[message]


@given(st.one_of(st.text(), AWKWARD))
@example("0\"0\" '0'")
@example('a1.1b 5"abc"')
@example("--5 +-+5")
def test_a_template_is_its_own(message: str) -> None:
    """Masking is idempotent, and never raises."""
    template = template_of(message)
    assert template_of(template) == template


@given(WORDS, VARYING, VARYING, WORDS)
def test_values_do_not_matter(before: list[str], one: str, other: str, after: list[str]) -> None:
    """A number, a UUID or hex in the place of another is the same template."""
    first, second = (template_of(" ".join([*before, value, *after])) for value in (one, other))
    assert first == second


@given(st.uuids(), st.text("abcdefgh", min_size=1))
def test_words_matter(number: UUID, word: str) -> None:
    """Another word is another template."""
    assert template_of(f"claim {number} is {word}") != template_of(f"claim {number} is {word}x")


@pytest.mark.parametrize(
    "hostile",
    [
        "a@" * 50_000,
        "'" * 100_000,
        "0 " * 100_000,
        "-" * 100_000 + "1",
        "eyJ_" * 30_000,
        "a1" * 50_000,
        "\ud800",
    ],
)
def test_hostile(hostile: str) -> None:
    """A quarter of a megabyte of what patterns stumble over has a template of what is read."""
    assert len(template_of(hostile)) <= LOOKED_AT_MAX * len(MARK)


def test_only_the_beginning_counts() -> None:
    """What lies behind the first 1,024 characters, or 100 words and signs, is not looked at."""
    assert template_of("a " * LOOKED_AT_MAX + "x") == template_of("a " * LOOKED_AT_MAX + "y")
    assert template_of("word" * 250 + " 1 x") == template_of("word" * 250 + " 2 x")
    words = " ".join(["a-b"] * 19)
    assert template_of(f"{words} x") != template_of(f"{words} y")


@given(st.lists(VARYING, min_size=4, max_size=4), st.lists(VARYING, min_size=4, max_size=4))
def test_where_a_long_message_is_cut_does_not_depend_on_what_varies(
    some: list[str], others: list[str]
) -> None:
    """Law: 12.50 is three words and signs, 5 is one, and behind them there is more than is read."""
    more = " and so on," * 90
    one, other = (" ".join(f"key {value}," for value in values) + more for values in (some, others))
    assert template_of(one) == template_of(other)


#: Message -> another with the same template, whose parts vary otherwise.
ALIKE = {
    "claim 17 of 550e8400-e29b-41d4-a716-446655440000": "claim 9 of 11111111-aaaa-bbbb-cccc-dddddddddddd",
    "key claims/550e8400-e29b-41d4-a716-446655440000 gone": (
        "key claims/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee gone"
    ),
    "GET /a?page2=x failed": "GET /a?page31=y failed",
    "1-5f84c3a1-0123456789abcdef01234567 failed": "1-aaaaaaaa-abcdefabcdefabcdefabcdef failed",
    "image 800x600": "image 1024x768",
}


@pytest.mark.parametrize("message", ALIKE)
def test_what_is_left_out_before_anything_is_looked_at(message: str) -> None:
    """Digits, UUIDs and long hex are the same first, so that most lines of one error are remembered."""
    assert template_of(message) == template_of(ALIKE[message])


def test_lines_of_one_error_are_masked_once() -> None:
    """A thousand numbers of four lengths make a few texts to look at."""
    _template.cache_clear()
    templates = {template_of(f"claim CLM-{n} failed after {n} ms") for n in range(1_000)}
    assert templates == {"claim CLM-<*> failed after <*> ms"}
    assert _template.cache_info().misses == 3


def test_a_frame_far_from_the_throw_does_not_count() -> None:
    """Of one exception 64 frames are looked at: who threw it is among them, or nobody is."""
    far = "".join(f"\tat java.util.A{chr(97 + n % 26)}.run(A.java:{n})\n" for n in range(70))
    stack = f"java.lang.StackOverflowError\n{far}\tat com.acme.Main.main(Main.java:1)\n"
    assert "com.acme.Main.main" not in fingerprint_of(log("a", error_stack=stack)).frames


@pytest.mark.parametrize("language", STACKS)
def test_stacks(language: str) -> None:
    """The application's frames count, of the outermost exception and of its root cause."""
    stack, error_type, frames = STACKS[language]
    found = fingerprint_of(log("a", message="failed", error_stack=stack.format(line=5, number=1)))
    assert (found.error_type, found.frames) == (error_type, frames)


@pytest.mark.parametrize("language", STACKS)
def test_same_error(language: str) -> None:
    """Other IDs, lines and generated names are the same error, another type is not."""
    stack, error_type, _ = STACKS[language]
    one, moved = stack.format(line=5, number=1), stack.format(line=17, number=22913)
    first = fingerprint_of(log("a", message="assessing CLM-1", error_stack=one))
    assert fingerprint_of(log("b", message="assessing CLM-2", error_stack=moved)) == first
    assert fingerprint_of(log("b", message=f"assessing CLM-2\n{moved}")).frames == first.frames
    other = moved.replace(error_type, "app.OtherError")
    assert fingerprint_of(log("c", message="assessing CLM-2", error_stack=other)).id != first.id


@pytest.mark.parametrize("language", STACKS)
def test_only_a_stack(language: str) -> None:
    """A record that is nothing but a stack has the words of its exception as template."""
    found = fingerprint_of(log("a", message=STACKS[language][0].format(line=5, number=1)))
    assert (found.error_type, found.template) == (STACKS[language][1], "no policy PN-<*>")


def test_parts_of_a_fingerprint() -> None:
    """The type, the message and the exception's own words tell errors apart; IDs, service and time do not."""
    known: dict[str, Any] = {"message": "failed for 5", "error_type": "KeyError", "error_message": "PN-1"}
    first = fingerprint_of(log("a", **known))
    assert first.template == "failed for <*>: PN-<*>"
    assert re.fullmatch("[0-9a-f]{16}", first.id)
    assert fingerprint_of(log("b", 99, "other", **{**known, "error_message": "PN-2"})) == first
    for key, value in {"message": "lost 5", "error_type": "ValueError", "error_message": "gone"}.items():
        assert fingerprint_of(log("a", **{**known, key: value})).id != first.id


def test_library_frames_only() -> None:
    """Where a stack has no frame of the application's, the library's count."""
    stack = "java.lang.NullPointerException\n\tat java.util.Objects.requireNonNull(Objects.java:208)"
    assert fingerprint_of(log("a", error_stack=stack)).frames == ("java.util.Objects.requireNonNull",)


def test_deep_recursion() -> None:
    """A stack of 100,000 frames is read at its ends, and a frame that calls itself counts once."""
    frames = "".join(f'  File "/var/task/app/tree.py", line {n}, in walk\n' for n in range(100_000))
    stack = f"Traceback (most recent call last):\n{frames}RecursionError: maximum depth\n"
    found = fingerprint_of(log("a", error_stack=stack))
    assert (found.error_type, found.frames) == ("RecursionError", ("app/tree.py:walk",))


@given(st.text(), st.text(), st.text())
def test_never_raises(message: str, error_type: str, stack: str) -> None:
    """Any record has a fingerprint, and the same record the same."""
    record = log("a", message=message, error_type=error_type, error_stack=stack)
    assert fingerprint_of(record) == fingerprint_of(record)
