"""What secrets look like in a text, and their removal.

Apart from observe.redaction, and each expression compiled at its first use: it takes milliseconds, and most
texts hold no secret. Every expression is linear: its repeats are bounded, possessive, or begin where a run
does and end where it ends.
"""

from __future__ import annotations

import re

from observe import secret_numbers
from observe.redaction import MARK
from observe.secret_names import ASKED, COUNT, OPEN, PLAIN, SNS_MEMBERS, SNS_URL, STRONG, WEAK, Lazy, is_told
from observe.secret_signs import may_have_number, may_have_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from observe.redaction import Redaction

#: What OpenTelemetry puts in a secret's place in addresses: it is not replaced once more.
DONE = "REDACTED"
#: A name and where what it holds begins: `"password": "`, the same escaped once or more, `password=`,
#: `'password': b'`, `password%3D`. Groups: name in quotes, maybe with blanks, and its closing quote; any
#: other name and, if any, its own; separator; opening quote of the value.
_NAME = Lazy(
    r"""(?:["']([^"'\\\r\n:={}\[\],<>]{1,100})(\\{0,8}["'])\]?\s{0,16}"""
    r"""|(?<![\w.$-])([\w.$-]++)(\\{0,8}["'])?\]?\s{0,16})"""
    r"""(={1,3}>?|:=?|%3[Dd])(?:[ \t\r\n]{0,16}[bBuU]?(\\{0,8}["']))?[ \t]{0,4}"""
)
#: `<wsse:Password Type="...">` of XML.
_ELEMENT = Lazy(r"<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]{0,512})?>(?:\s{0,16}<!\[CDATA\[)?([^<]++)")
#: An element with others inside.
_PARENT = Lazy(r"<([\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]{0,512})?>(?=\s{0,64}<[\w])")
_UNQUOTED = Lazy(r"""[^\s,;&"'<>)}\]\\]*+""")
_UNQUOTED_ENCODED = Lazy(r"""(?:(?!%26|%3[Bb]|%20)[^\s,;&"'<>)}\]\\])*+""")
_LINE = Lazy(r"""[^\r\n"'\\]*+""")
_WRAPPED = Lazy(r"""[\w.]{1,64}\((?=\\{0,8}["'])""")
_BRACKETS = Lazy(r"""[\[\]{}]|(\\{0,8}["'])""")
_NUMBER = Lazy(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?(?![\w.-])")
_DONE = Lazy(r"\[REDACTED\]|REDACTED(?!\w)")
#: Python's notation of an object: `<Mode.A: 'hunter2'>`.
_OBJECT = Lazy(r"<[^<>\r\n]{0,512}+>")
_CONSTANT = Lazy(r"(?i:true|false|null|none|undefined)(?![\w.-])|arn:aws[a-z-]{0,16}:[a-z0-9-]{1,32}:")
_NUMBERS_ONLY = Lazy(r"[\[\]{}\s0-9.,eE+-]*+")
#: What stands before a secret in a header and is none itself.
#: https://www.iana.org/assignments/http-authschemes/http-authschemes.xhtml
_SCHEMES = Lazy(
    r"(?i:basic|bearer|digest|dpop|negotiate|ntlm|hoba|mutual|vapid|token|apikey|aws4-hmac-sha256)[ \t]{1,8}"
)
#: Of `Digest username="u", response="..."`.
_PARAMETERS = Lazy(
    r"""(?:[\w.*-]{1,64}+=(?:\\{0,8}"[^"\r\n\\]{0,4096}+\\{0,8}"|[^\s,;"'\\]{0,4096}+)"""
    r"""[,;]?[ \t]{0,4}+){1,64}+"""
)
_CREDENTIALS = Lazy(
    r"(?<![A-Za-z0-9])([Bb]earer|[Bb]asic|BEARER|BASIC)( {1,4})(?!(?:[Bb]earer|[Bb]asic|BEARER|BASIC) )"
    r"([A-Za-z0-9._~+/-]{6,}+(?!=[\"'][^\s,;)\]}])=*+)"  # `Bearer realm="..."` is a challenge
)
#: A password in an address, up to its last `@`; one with a slash up to the first, if it begins like no port.
_ADDRESS = Lazy(
    r"(?::(?://|\\/\\/))([^\s:/\[\"'\\<>]{0,128}):(?:((?:[^\s/\"'\\<>]|'(?=\w)){1,1024})@"
    r"|(?![0-9]{1,5}/)((?:[^\s/\"'\\<>{}]|'(?=\w)){1,256}+/(?:[^\s/\"'\\<>]|/(?!/)|'(?=\w)){0,256}?)@)"
)
#: A token in the place of an address's user.
_USER = Lazy(r"(?<=://)([A-Za-z0-9_-]{16,512}+)@")
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
    r"|(?<![A-Za-z0-9])(?:ya29|hvs)\.[A-Za-z0-9_-]{20,2048}+"  # Google's OAuth, Vault's
    r"|AAAAKgAAAA[A-Za-z0-9+/=]{64,}+"  # a task token of Step Functions
    # A private key; one that was cut off has no end, and all of it goes.
    r"|-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-(?!----END)[^-]*+)*+"
    r"(?:-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----)?"
)
_ESCAPED = Lazy(r"\\{1,8}u00([2-7][0-9A-Fa-f])")


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
        value = _elements(value, redaction)
    if "@" in value:
        value = _ADDRESS.get().sub(_address, value)
        value = _USER.get().sub(_user, value)
        if "jdbc:oracle:" in value:
            value = _ORACLE.get().sub(rf"\1{MARK}@", value)
    if tokens:
        value = _TOKENS.get().sub(MARK, value)
    if numbers:
        value = secret_numbers.clean(value, redaction)
    return value


def decoded(inside: bytes) -> Iterator[str]:
    """Yield bytes as text: UTF-8 where it is, but for an end that was cut off, else Latin-1 and EBCDIC."""
    if inside.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield inside.decode("utf-16", "ignore")
        return
    if b"\0" in inside:  # UTF-16 without a mark of its order
        yield inside.replace(b"\0", b"").decode("latin-1")
    try:
        text = inside.decode()
    except UnicodeDecodeError as fault:
        text = inside[: fault.start].decode() if fault.start >= len(inside) - 3 else inside.decode("latin-1")
    yield text
    if inside.count(b"\x40") + inside.count(b"\x7e") > inside.count(b" ") + inside.count(b"="):
        yield inside.decode("cp500")


def unescaped(value: str) -> str:
    r"""Return a text with `\u0070` and the like as the letter: who hides a name may write it so."""
    return _ESCAPED.get().sub(_letter, value)


def _letter(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if letter in "\"\\'\x7f" else letter


# --- Names and what they hold ---------------------------------------------------------------


def _pairs(value: str, redaction: Redaction) -> str:
    """Take out what names of secrets hold, in JSON, query strings, headers and assignments that are text."""
    search = _NAME.get().search
    kept: list[str] = []
    copied = at = 0
    signed: bool | None = None  # whether it may be a message of SNS: looked for once
    told = ""  # the name that a member `name` has told, for the member `value` after it
    while (found := search(value, at)) is not None:
        at = found.end()
        name, start = found[1] or found[3], found.end()
        if found[1] is None and value[found.start() - 1 : found.start()] == "%":
            name = name[2:]  # `%3Ftoken%3D`: the escape's own digits
        kind = redaction.kind(name)
        if told and name.lower() in ("value", "parametervalue"):
            kind = redaction.kind(told)
        if kind == WEAK and name == "Signature":
            if signed is None:
                signed = all(f'{one}\\"' in value or f'{one}"' in value for one in SNS_MEMBERS)
            if signed and _of_sns(value, start):
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
    after = value[start : start + 1024]
    at = after.find("SigningCertU")
    return at >= 0 and SNS_URL.get().search(after, at) is not None


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
            return max(_matched(_LINE, value, start), _matched(_PARAMETERS, value, scheme.end()))
    return _matched(_UNQUOTED_ENCODED if separator[0] == "%" else _UNQUOTED, value, start)


def _matched(pattern: Lazy, value: str, start: int) -> int:
    found = pattern.get().match(value, start)
    return found.end() if found is not None else start


def _elements(value: str, redaction: Redaction) -> str:
    value = _ELEMENT.get().sub(lambda found: _element(found, redaction), value)
    search = _PARENT.get().search
    kept: list[str] = []
    copied = at = 0
    while (found := search(value, at)) is not None:
        at = found.end()
        if redaction.kind(found[2]) in (WEAK, STRONG, ASKED):
            end = value.find(f"</{found[1]}{found[2]}", at)
            end = end if end >= 0 else len(value)
            kept += (value[copied:at], MARK)
            copied = at = end
    return "".join((*kept, value[copied:])) if kept else value


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
    at = 2 if found[2] is not None else 3
    if found[at] in (MARK, DONE):
        return found[0]
    return f"{found[0][: found.start(at) - found.start()]}{MARK}@"


def _user(found: re.Match[str]) -> str:
    """`https://TOKEN@host`: a name has no digits."""
    return f"{MARK}@" if any(map(str.isdigit, found[1])) else found[0]
