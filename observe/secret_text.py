"""What secrets look like in a text, and their removal.

Apart from observe.redaction, and each expression compiled at its first use: it takes milliseconds, and most
texts hold no secret. Every expression is linear: its repeats are bounded, possessive, or begin where a run
does and end where it ends.
"""

from __future__ import annotations

import re

from observe.redaction import MARK
from observe.secret_names import ASKED, COUNT, OPEN, PLAIN, STRONG, WEAK, Lazy, is_told
from observe.secret_signs import may_have_number, may_have_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from observe.redaction import Redaction

#: What OpenTelemetry puts in a secret's place in addresses: it is not replaced once more.
DONE = "REDACTED"
#: A name and where what it holds begins: `"password": "`, the same escaped once or more, `password=`,
#: `'password': b'`, `password%3D`. Groups: name in quotes, maybe with blanks, and its closing quote; any
#: other name and, if any, its own; separator; opening quote of the value.
_NAME = Lazy(
    r"""(?:["']([^"'\\\r\n:={}\[\],<>]{1,100})(\\{0,8}["'])\]?\s{0,16}"""
    r"""|(?<![\w.$-])([\w.$-]++)(\\{0,8}["'])?\]?\s{0,16})"""
    r"""(=>?|:|%3[Dd])(?:[ \t\r\n]{0,16}[bBuU]?(\\{0,8}["']))?[ \t]{0,4}"""
)
#: `<wsse:Password Type="...">` of XML.
_ELEMENT = Lazy(r"<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]{0,512})?>(?:\s{0,16}<!\[CDATA\[)?([^<]++)")
_UNQUOTED = Lazy(r"""[^\s,;&"'<>)}\]\\]*+""")
_UNQUOTED_ENCODED = Lazy(r"""(?:(?!%26|%3[Bb]|%20)[^\s,;&"'<>)}\]\\])*+""")
_LINE = Lazy(r"""[^\r\n"'\\]*+""")
_WRAPPED = Lazy(r"""[\w.]{1,64}\((?=\\{0,8}["'])""")
_BRACKETS = Lazy(r"""[\[\]{}]|(\\{0,8}["'])""")
_NUMBER = Lazy(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?(?![\w.-])")
_DONE = Lazy(r"\[REDACTED\]|REDACTED(?!\w)")
#: Python's notation of an object: `<Mode.A: 'hunter2'>`.
_OBJECT = Lazy(r"<[^<>\r\n]{0,512}+>")
_CONSTANT = Lazy(r"(?i:true|false|null|none|undefined)(?![\w.-])|arn:")
_NUMBERS_ONLY = Lazy(r"[\[\]{}\s0-9.,eE+-]*+")
#: What stands before a secret in a header and is none itself.
#: https://www.iana.org/assignments/http-authschemes/http-authschemes.xhtml
_SCHEMES = Lazy(
    r"(?i:basic|bearer|digest|dpop|negotiate|ntlm|hoba|mutual|vapid|token|apikey|aws4-hmac-sha256)[ \t]{1,8}"
)
_CREDENTIALS = Lazy(
    r"(?<![A-Za-z0-9])([Bb]earer|[Bb]asic)( {1,4})(?!(?:[Bb]earer|[Bb]asic) )"
    r"([A-Za-z0-9._~+/-]{6,}+(?!=[\"'][^\s,;)\]}])=*+)"  # `Bearer realm="..."` is a challenge
)
_ADDRESS = Lazy(r"(?::(?://|\\/\\/))([^\s:/@\"'\\<>]{0,128}):([^\s/\"'\\<>]{1,1024})@")
_ORACLE = Lazy(r"(jdbc:oracle:\w{1,16}:[^\s/@:\"'<>]{1,64}/)[^\s@\"'<>]{1,256}@")
_TOKENS = Lazy(
    # JSON web tokens and encrypted ones.
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]++){0,3}"
    # An access key, and a secret one beside it as in credentials.csv.
    r"|(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])(?:[,;:|/\s\"']{1,4}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?"
    r"|(?<![A-Za-z0-9])(?:gh[opsur]_[A-Za-z0-9]{36,255}+|github_pat_[A-Za-z0-9_]{22,255}+)"
    r"|(?<![A-Za-z0-9])(?:xox[abeprs]-[A-Za-z0-9-]{10,255}+|glpat-[A-Za-z0-9_-]{20,255}+)"
    r"|(?<![A-Za-z0-9])(?:[prs]k_(?:live|test)_[A-Za-z0-9]{16,255}+|whsec_[A-Za-z0-9+/=]{24,255}+)"
    r"|(?<![A-Za-z0-9_-])sk-(?:[a-z]{2,8}[0-9]{0,2}-){0,3}[A-Za-z0-9_-]{32,255}+"
    r"|(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|AIza[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"
    r"|(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"
    r"|(?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]{16,255}+"
    r"|AAAAKgAAAA[A-Za-z0-9+/=]{64,}+"  # a task token of Step Functions
    # A private key; one that was cut off has no end, and all of it goes.
    r"|-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-(?!----END)[^-]*+)*+"
    r"(?:-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----)?"
)
#: Digits of a card, in one run or in the groups that cards have; beside no hexadecimal digit, and no part of
#: an ID or of a number with a point.
_CARD = Lazy(
    r"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]{4}-)(?<![0-9][.])(?:([2-6][0-9]{12,18})"
    r"|([2-6][0-9]{3}([ -])[0-9]{4}\3[0-9]{4}\3[0-9]{4}(?:\3[0-9]{3})?)"
    r"|(3[0-9]{3}([ -])[0-9]{6}\5[0-9]{4,5}))(?![0-9A-Fa-f])(?!-[0-9A-Fa-f]{2})(?!\.[0-9])"
)
_IBAN = Lazy(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}+")
#: What a number in a text belongs to: `dd.trace_id=`, `"spanId": "`.
_OWNER = Lazy(r"([\w.$-]{2,64})\\{0,8}[\"']?\s{0,4}[:=]\s{0,4}\\{0,8}[\"']?\Z")


def clean(value: str, redaction: Redaction) -> str:
    """Return `value` without secrets. Called for texts that Redaction.suspect suspects."""
    for pattern in redaction.patterns:
        value = pattern.sub(MARK, value)
    tokens, numbers = may_have_token(value), may_have_number(value)
    if tokens:
        value = _CREDENTIALS.get().sub(_credentials, value)
    if "=" in value or ":" in value or "%3" in value:
        value = _pairs(value, redaction)
    if ">" in value:
        value = _ELEMENT.get().sub(lambda found: _element(found, redaction), value)
    if "@" in value:
        value = _ADDRESS.get().sub(_address, value)
        if "jdbc:oracle:" in value:
            value = _ORACLE.get().sub(rf"\1{MARK}@", value)
    if tokens:
        value = _TOKENS.get().sub(MARK, value)
    if numbers:
        value = _each(value, _CARD, lambda found: _card(found, redaction))
        value = _each(value, _IBAN, _iban)
    return value


# --- Names and what they hold ---------------------------------------------------------------


def _pairs(value: str, redaction: Redaction) -> str:
    """Take out what names of secrets hold, in JSON, query strings, headers and assignments that are text."""
    search = _NAME.get().search
    kept: list[str] = []
    copied = at = 0
    told = ""  # the name that a member `name` has told, for the member `value` after it
    while (found := search(value, at)) is not None:
        at = found.end()
        name, start = found[1] or found[3], found.end()
        if found[1] is None and value[found.start() - 1 : found.start()] == "%":
            name = name[2:]  # `%3Ftoken%3D`: the escape's own digits
        kind = redaction.kind(name)
        if told and name.lower() in ("value", "parametervalue"):
            kind = redaction.kind(told)
        if kind == WEAK and name == "Signature" and _of_sns(value, start):
            continue
        told = _told(value, found) if name.lower() in ("name", "key", "parameterkey") else ""
        if kind <= PLAIN or (kind != ASKED and _in_arn(value, found)):
            continue
        end = _end(value, found, kind, name)
        if end > start and value[start:end] != MARK:
            # What was no string becomes one, so that JSON stays JSON.
            quote = "" if found[6] else found[2] or found[4] or ""
            kept += (value[copied:start], quote, MARK, quote)
            copied = end
        at = max(at, end)
    return "".join((*kept, value[copied:])) if kept else value


def _in_arn(value: str, found: re.Match[str]) -> bool:
    """`arn:aws:secretsmanager:<region>:<account>:secret:<name>` names a secret, and tells none."""
    at = found.start()
    return found[5] == ":" and value[at - 1 : at] == ":" and value.rfind("arn:", max(0, at - 128), at) >= 0


def _of_sns(value: str, start: int) -> bool:
    """SNS signs what it delivers, and whoever reads it can check that: no secret."""
    return "SigningCertU" in value[start : start + 1024]


def _told(value: str, found: re.Match[str]) -> str:
    return value[found.end() : found.end() + 65].partition(found[6][-1])[0].rstrip("\\") if found[6] else ""


def _end(value: str, found: re.Match[str], kind: int, name: str) -> int:
    """Where the secret ends that begins behind `found`; its beginning where there is none."""
    start, quote = found.end(), found[6]
    if quote is not None:
        end = _closing(value, start, quote)
        return start if is_told(kind, value[start:end]) else end
    if _DONE.get().match(value, start) or (kind != ASKED and _CONSTANT.get().match(value, start)):
        return start
    assigned = found[5] != ":"
    if kind < STRONG and (not assigned or kind == COUNT) and _NUMBER.get().match(value, start):
        return start
    if value[start : start + 1] in ("{", "["):
        return start if kind == OPEN else _structure(value, start, kind, assigned)
    if value[start : start + 1] == "<":
        return _matched(_OBJECT, value, start)
    wrapped = _WRAPPED.get().match(value, start)
    if wrapped is not None:
        inside = _BRACKETS.get().match(value, wrapped.end())
        return _closing(value, inside.end(), inside[0]) if inside is not None else wrapped.end()
    return _bare(value, start, name, found[5])


def _closing(value: str, start: int, quote: str) -> int:
    """Where what is quoted ends: before the closing quote, escaped as the opening one is.

    A text that was cut off has none: then all of it goes.
    """
    at = value.find(quote, start)
    while at > start and value[at - 1] == "\\":  # escaped once more: inside
        at = value.find(quote, at + len(quote))
    return at if at >= 0 else len(value)


def _structure(value: str, start: int, kind: int, assigned: bool) -> int:
    """Where a list or an object ends; what is only numbers stays behind a weak name."""
    depth, at = 0, start
    search = _BRACKETS.get().search
    while (found := search(value, at)) is not None:
        at = found.end()
        if found[1] is not None:
            at = min(_closing(value, at, found[1]) + len(found[1]), len(value))
            continue
        depth += 1 if found[0] in "[{" else -1
        if not depth:
            break
    else:
        return len(value)
    if kind < STRONG and not assigned and _NUMBERS_ONLY.get().fullmatch(value, start, at):
        return start
    rest = _UNQUOTED.get().match(value, at) if assigned else None
    return rest.end() if rest is not None else at


def _bare(value: str, start: int, name: str, separator: str) -> int:
    """Where a secret without quotes ends: with the line for headers, else where the word does."""
    last = name.lower().rpartition(".")[2]
    if separator == ":":
        if last.endswith("cookie"):
            return _matched(_LINE, value, start)
        scheme = _SCHEMES.get().match(value, start)
        if scheme is not None and last.endswith("authorization"):
            return _matched(_LINE, value, start)
    return _matched(_UNQUOTED_ENCODED if separator[0] == "%" else _UNQUOTED, value, start)


def _matched(pattern: Lazy, value: str, start: int) -> int:
    found = pattern.get().match(value, start)
    return found.end() if found is not None else start


def _element(found: re.Match[str], redaction: Redaction) -> str:
    kind = redaction.kind(found[1])
    held, end = found[2], "]]>" if found[2].endswith("]]>") else ""
    if kind <= PLAIN or is_told(kind, held.removesuffix(end).strip()):
        return found[0]
    return f"{found[0][: found.start(2) - found.start()]}{MARK}{end}"


# --- What secrets look like -----------------------------------------------------------------


def _credentials(found: re.Match[str]) -> str:
    """`Bearer` keeps its name. What has neither length nor digits is a word: `basic understanding`."""
    token = found[3]
    if found[1].lower() == "basic":
        import binascii

        try:
            secret = b":" in binascii.a2b_base64(token)
        except ValueError:
            secret = False
    else:
        secret = len(token) >= 20 or (len(token) >= 8 and any(map(str.isdigit, token)))
    return f"{found[1]}{found[2]}{MARK}" if secret else found[0]


def _address(found: re.Match[str]) -> str:
    return found[0] if found[2] in (MARK, DONE) else f"{found[0][: found.start(2) - found.start()]}{MARK}@"


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
    for size in (len(text), len(text) - 4):  # the last group may be its verification code
        if size < len(text) and found[2] is None:
            break
        if is_card(text[:size]):
            owner = _OWNER.get().search(found.string[max(0, found.start() - 80) : found.start()])
            return 0 if owner is not None and redaction.kind(owner[1]) == PLAIN else size
    return 0


def is_card(text: str) -> bool:
    """Whether digits are a payment card's number: an issuer's prefix, its length, and Luhn's check digit.

    https://en.wikipedia.org/wiki/Payment_card_number
    """
    number = text.replace(" ", "").replace("-", "")
    if not _issued(number):
        return False
    digits = [int(c) for c in number]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0


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
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_COUNTRIES.split(" ")}


def _iban(found: re.Match[str]) -> int:
    """ISO 13616: of its country's length; moved by four, letters as numbers, 1 is left over by 97."""
    text = found[0]
    size = _IBAN_LENGTHS.get(text[:2], 0)
    end = taken = 0
    while end < len(text) and taken < size:
        taken += text[end] != " "
        end += 1
    after = found.string[found.start() + end : found.start() + end + 1]
    if not size or taken < size or (after.isascii() and after.isalnum()):
        return 0
    plain = text[:end].replace(" ", "")
    return end if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1 else 0
