"""The numbers of payment cards and of bank accounts (IBAN) in a text, and their removal.

Of observe.secret_text: what it says of its expressions goes for these, too.
"""

from __future__ import annotations

from observe.redaction import MARK
from observe.secret_names import PLAIN, Lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from observe.redaction import Redaction

#: Digits of a card, in one run or in the groups that cards have; beside no hexadecimal digit (but behind
#: `visa` and `card`), and no part of an ID or of a number with a point.
_CARD = Lazy(
    r"(?:(?<![0-9A-Fa-f])|(?<=[Vv]isa)|(?<=VISA)|(?<=[Cc]ard)|(?<=CARD))"
    r"(?<![0-9A-Fa-f]{4}-)(?<![0-9][.])(?:([2-6][0-9]{12,18})"
    r"|([2-6][0-9]{3}([ \xa0\u202f]{1,2}|-)[0-9]{4}\3[0-9]{4}\3[0-9]{4}(?:\3[0-9]{3})?)"
    r"|(3[0-9]{3}([ \xa0\u202f]{1,2}|-)[0-9]{6}\5[0-9]{4,5}))(?![0-9A-Fa-f])(?!-[0-9A-Fa-f]{2})(?!\.[0-9])"
)
_IBAN = Lazy(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z]-)"
    r"(?:[A-Z]{2}[0-9]{2}(?:(?: ?[0-9A-Z]){11,30}+|(?:-[0-9A-Z]{4}){2,8}+(?:-[0-9A-Z]{1,3})?)"
    r"|[a-z]{2}[0-9]{2}[0-9a-z]{11,30}+)"
)
#: What a number in a text belongs to, `dd.trace_id=`, `"spanId": "`, from its end on: a search for what ends
#: at the number would begin at every character before it.
_OWNER = Lazy(r"[\"']?\\{0,8}\s{0,4}[:=]\s{0,4}[\"']?\\{0,8}([\w.$-]{2,64})")
#: How far before the number the colon is, and the name that is before that.
_SIGN_CHARACTERS, _OWNER_CHARACTERS = 14, 80


_ZERO = ord("0")
#: A digit -> the digits of its double, added, as a digit.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def clean(value: str, redaction: Redaction) -> str:
    """Return a text without the numbers of cards and accounts."""
    value = _each(value, _CARD, lambda found: _card(found, redaction))
    return _each(value, _IBAN, _iban)


def _each(value: str, pattern: Lazy, judge: Callable[[re.Match[str]], int]) -> str:
    """Replace what `judge` takes for a secret; what it does not is looked at again, one character on.

    judge(match): how many characters of the match are the secret, 0 for none.
    """
    search = pattern.get().search
    kept: list[str] = []
    copied = at = 0
    while (found := search(value, at)) is not None:
        size = judge(found)
        at = found.start() + (size or 1)
        if size:
            kept += (value[copied : found.start()], MARK)
            copied = at
    return "".join((*kept, value[copied:])) if kept else value


def _card(found: re.Match[str], redaction: Redaction) -> int:
    text = found[0]
    last = 3 + len(found[3] or found[5] or "")
    for size in (len(text), len(text) - last):  # the last group may be its verification code
        if size < len(text) and found[2] is None:
            break
        if is_card(text[:size]):
            owner = _owner(found.string, found.start())
            return 0 if owner and redaction.kind(owner) == PLAIN else size
    return 0


def _owner(value: str, start: int) -> str:
    """The name that a number belongs to, "" for none."""
    near = value[max(0, start - _SIGN_CHARACTERS) : start]
    if ":" not in near and "=" not in near:
        return ""
    found = _OWNER.get().match(value[max(0, start - _OWNER_CHARACTERS) : start][::-1])
    return found[1][::-1] if found is not None else ""


def is_card(text: str) -> bool:
    """Whether digits are a payment card's number: an issuer's prefix, its length, and Luhn's check digit.

    https://en.wikipedia.org/wiki/Payment_card_number
    """
    number = (
        text
        if text.isascii() and text.isdecimal()
        else "".join(digit for digit in text if digit in "0123456789")
    )
    if not _issued(number):
        return False
    digits = number.encode()
    odd, even = digits[-1::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(odd) + sum(even) - len(digits) * _ZERO) % 10 == 0


def _issued(number: str) -> bool:
    size, two, three, four = len(number), int(number[:2]), int(number[:3]), int(number[:4])
    return (
        (number[0] == "4" and size in (13, 16, 19))  # Visa
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))  # Mastercard
        or (size == 15 and two in (34, 37))  # American Express
        or (size == 14 and (two in (36, 38, 39) or 300 <= three <= 305 or four == 3095))  # Diners Club
        or (16 <= size <= 19 and (3528 <= four <= 3589 or two in (62, 65)))  # JCB, UnionPay, Discover
        or (16 <= size <= 19 and (644 <= three <= 649 or four == 6011))  # Discover
        or (16 <= size <= 19 and (2200 <= four <= 2204 or two == 60))  # Mir, RuPay
        or (size > 12 and four in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763))  # Maestro
    )


#: Country and length. https://www.swift.com/standards/data-standards/iban-international-bank-account-number
_IBAN_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28"
    " EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26"
    " IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28"
    " NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25"
    " SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_AS_NUMBERS = {ord("A") + n: str(10 + n) for n in range(26)}
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_COUNTRIES.split(" ")}


def _iban(found: re.Match[str]) -> int:
    """ISO 13616: of its country's length; moved by four, letters as numbers, 1 is left over by 97."""
    text = found[0].upper()
    size = _IBAN_LENGTHS.get(text[:2], 0)
    end = taken = 0
    while end < len(text) and taken < size:
        taken += text[end] not in " -"
        end += 1
    after = found.string[found.start() + end : found.start() + end + 1]
    if not size or taken < size or (after.isascii() and after.isalnum()):
        return 0
    plain = text[:end].replace(" ", "").replace("-", "")
    if found[0][0].islower() and not _is_lower_iban(plain):
        return 0
    return end if int((plain[4:] + plain[:4]).translate(_AS_NUMBERS)) % 97 == 1 else 0


def _is_lower_iban(plain: str) -> bool:
    """In small letters an ID may look like one: digits end it, and it is as long as no ID in hex."""
    is_hex = not set(plain) - set("0123456789ABCDEF")
    return plain[-8:].isdecimal() and not (is_hex and len(plain) in (16, 24))
