"""Lines and records of a file, and what damage and pauses between its pieces do to them."""

from __future__ import annotations

import gzip
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.parse_input import Pause
from subscribers.envelope import MalformedEnvelope
from subscribers.inputs.inflate import Piece, unpacked
from subscribers.inputs.lines import lines, records, texts

DAMAGE = MalformedEnvelope("bad_gzip", "a member is truncated")


def read(pieces: list[Piece], record_bytes: int = 0, encoding: str = "utf-8") -> list[str]:
    """Texts, and the reason of what is none."""
    cuts, decode = texts(pieces, encoding, record_bytes)
    return [cut.reason if isinstance(cut, MalformedEnvelope) else decode(cut[1]) for cut in cuts]


@pytest.mark.parametrize("reason", ["bad_gzip", "bad_compression"])
def test_damage_ends_a_line(reason: str) -> None:
    """What was begun is a line of its own, never glued to what comes behind the damage."""
    broken = MalformedEnvelope(reason, "x")  # type: ignore[arg-type]
    assert read([b"one\ntw", broken, b"three\nfour"]) == ["one", "tw", reason, "three", "four"]
    assert read([b"one\n", broken, b"two"]) == ["one", reason, "two"]
    assert read([broken, b"one"]) == [reason, "one"]


def test_a_pause_ends_no_line() -> None:
    """What a pipe has not told yet comes later, be it half a line, a record or a character."""
    assert read([b"one\ntw", Pause(), b"o\n"]) == ["one", "unsupported", "two"]
    assert read([b"AAAAB", Pause(), b"BBBCC", Pause(), b"CCDDDD"], 4) == [
        "unsupported",
        "unsupported",
        *(letter.encode().hex() * 4 for letter in "ABCD"),
    ]
    wide = "größe\n".encode("utf-16")
    assert read([wide[:7], Pause(), wide[7:]], encoding="utf-16") == ["unsupported", "größe"]


@pytest.mark.parametrize("gap", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [1, 2, 3, 9])
@pytest.mark.parametrize("cut", [1, 3])
def test_damage_does_not_shift_the_records_behind_it(gap: bytes, before: int, cut: int) -> None:
    """A record that was cut off is told as long as it is; those behind it are whole."""
    good = [f"{n:04}".encode() for n in range(before)]
    behind = [f"{n:04}".encode() for n in range(5000, 5009)]
    found = read(
        [b"".join(one + gap for one in good) + b"torn"[:cut], DAMAGE, b"".join(one + gap for one in behind)],
        4,
    )
    assert found == [
        *(one.hex() for one in good),
        b"torn"[:cut].hex(),
        "bad_gzip",
        *(one.hex() for one in behind),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_damage_within_a_character_costs_the_character(encoding: str) -> None:
    """The order of bytes, which only the file's beginning tells, is kept."""
    begin, behind = "one\ntw".encode(encoding), "three\nfour".encode(encoding)
    if encoding in ("utf-16", "utf-32"):
        behind = behind[len("".encode(encoding)) :]
    assert read([begin + b"\0", DAMAGE, behind], encoding=encoding) == [
        "one",
        "tw\ufffd",
        "bad_gzip",
        "three",
        "four",
    ]


@given(
    st.lists(
        st.sampled_from([b"a", b"a\n", b"\n", b"bb\r\n", b"c" * 9, DAMAGE, DAMAGE, Pause()]), max_size=20
    ),
    st.integers(0, 5),
)
def test_places_are_not_had_twice(pieces: list[Piece], record_bytes: int) -> None:
    """And no byte of a line is lost or made up, whatever lies between."""
    cuts = list(records(pieces, record_bytes) if record_bytes else lines(pieces))
    found = [cut for cut in cuts if not isinstance(cut, MalformedEnvelope)]
    places = [offset for offset, line in found if line]
    assert len(set(found)) == len(found)
    assert places == sorted(set(places))
    if not record_bytes:
        told = b"".join(line for _, line in found)
        assert told == b"".join(piece for piece in pieces if isinstance(piece, bytes)).replace(b"\n", b"")


def test_records_behind_a_truncated_member_are_read() -> None:
    """Three members of a file, the second of which is cut off where gzip notices it: all of the third."""
    noise = random.Random(1)

    def member(begin: int) -> bytes:
        made = (f"{n:06}CLAIM {noise.getrandbits(32):08x}".encode() for n in range(begin, begin + 2000))
        return gzip.compress(b"".join(made))

    first, second, third = member(0), member(2000), member(900_000)
    for cut in (1, 9, 15, len(second) // 2, len(second) // 2 + 37, len(second) - 3):
        found = records(unpacked([first + second[:cut] + third], 1 << 30), 20)
        whole = {cut[1][:12] for cut in found if not isinstance(cut, MalformedEnvelope)}
        assert {f"{n:06}CLAIM ".encode() for n in range(900_000, 902_000)} <= whole
