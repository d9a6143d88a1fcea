"""The names of secrets, and what each says of the value that it stands before.

Which they are, in prose: docs/redaction.md
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Lazy:
    """An expression, compiled at its first use: each costs a cold start a tenth of a millisecond or more."""

    __slots__ = ("_compiled", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._compiled: re.Pattern[str] | None = None

    def get(self) -> re.Pattern[str]:
        """Return it compiled."""
        if self._compiled is None:
            self._compiled = re.compile(self._text)
        return self._compiled


#: What a name says of its value, from nothing to everything. PLAIN: tells requests apart, no secret whatever
#: it looks like. COUNT: text is secret, numbers are counts (`max_tokens`). WEAK: text is secret, numbers are
#: not. OPEN: text is, an object has names of its own (`session`). STRONG: all but booleans. ASKED: the
#: team's, everything.
NONE, PLAIN, COUNT, WEAK, OPEN, STRONG, ASKED = range(7)

_NAME_MAX = 64


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Names as `plain_name` gives them, whole or as a name's last word: `cardCvv`, `user.pin`, `x-auth`.
_STRONG = _words(
    "cardnumber creditcard creditcardnumber cvc cvc2 cvv cvv2 otp totp passcode pin pinnumber ssn"
    " socialsecuritynumber challengeanswer privatechallengeparameters artifactcredentials"
)
#: A name that ends so is a strong one's, whatever is before it.
_STRONG_ENDS = (
    *("password", "passwd", "pwd", "passphrase", "secret", "credential", "credentials", "connectionstring"),
    *("accesskey", "accountkey", "apikey", "encryptionkey", "masterkey", "privatekey", "secretkey"),
    *("signingkey", "subscriptionkey", "functionskey"),
)
_WEAK = _words(
    "auth authorization proxyauthorization bearer cookie setcookie csrf xsrf iban jwt sig signature"
    " sessionid sessid jsessionid phpsessid awsaccesskeyid accesskeyid stripesignature"
    " identitysource"
)
_WEAK_ENDS = ("token",)
_OPEN = frozenset(("session",))
#: Endings that a secret may have besides: `passwordHash`, `newPassword2`, `SecretString`, `token_value`.
_SUFFIXES = (
    *("hash", "salt", "value", "string", "binary", "plaintext", "confirmation", "confirm", "repeat"),
    *("old", "new", "current", "previous", "header"),
)
#: `pass` alone, behind one of these, and as the end of a variable's name: not `bypass`, not `boardingPass`.
_PASS = frozenset(
    f"{before}pass"
    for before in (
        *("", "admin", "auth", "database", "db", "email", "ftp", "http", "key", "ldap", "login", "mail"),
        *("mongo", "mq", "mysql", "pg", "postgres", "proxy", "rabbitmq", "redis", "root", "sftp", "smtp"),
        *("sql", "ssh", "store", "svc", "user"),
    )
)
#: Named like a secret, and none: cursors, idempotency, the shell's folder, receipts of queues.
_PLAIN = _words(
    "nexttoken nextpagetoken pagetoken paginationtoken continuationtoken nextcontinuationtoken synctoken"
    " clienttoken clientrequesttoken idempotencytoken oldpwd receipthandle traceparent tracestate baggage"
    " offset epoch time dedupid servicetoken parent root self"
)
#: What tells requests apart, and what is written for machines: no card, no IBAN, however it looks.
_PLAIN_ENDS = (
    *("traceid", "spanid", "parentid", "requestid", "correlationid", "messageid", "eventid", "invocationid"),
    *("timestamp", "unixnano", "epochms", "sequencenumber", "sequencer", "deduplicationid"),
)
SEPARATORS = str.maketrans("", "", "-_. \t$")
#: The last word of a name: of snake_case, kebab-case, a path, or camelCase.
_LAST_WORD = Lazy(r"(?:[A-Z]+|[A-Z]?[a-z0-9]+|[^\W\d_A-Za-z]+)\Z")

#: Without one of these in it, no built-in name is a secret's.
WORDS = (
    *(
        "pass",
        "pwd",
        "secret",
        "token",
        "key",
        "auth",
        "cookie",
        "sess",
        "sig",
        "cvv",
        "cvc",
        "pin",
        "otp",
        "ssn",
    ),
    *("social", "credential", "card", "iban", "jwt", "bearer", "srf", "challenge", "connection"),
    "identitysource",
)


def plain_name(name: str) -> str:
    """Return a name without case and separators: `X-Api-Key` and `x_api_key` are one name."""
    return name[-_NAME_MAX:].translate(SEPARATORS).casefold()


def kind_of(name: str) -> int:
    """Return what a name says of its value, as far as it is built in: NONE to STRONG."""
    plain = plain_name(name)
    if plain in _PLAIN or plain.endswith(_PLAIN_ENDS):
        return PLAIN
    last = _LAST_WORD.get().search(name[-_NAME_MAX:])
    word = last[0].casefold() if last is not None else plain
    for one in (plain, word):
        if one in _STRONG:
            return STRONG
        if one in _WEAK:
            return WEAK
        if one in _OPEN:
            return OPEN
    stem = plain.rstrip("0123456789")
    if stem.endswith(_STRONG_ENDS):
        return STRONG
    if stem in _PASS or name.endswith("_PASS"):
        return COUNT  # numbers are passes
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    if stem.endswith(_STRONG_ENDS):
        return STRONG
    if stem.endswith(_WEAK_ENDS) or stem in _WEAK:
        return WEAK
    one = stem.removesuffix("s")
    return COUNT if one != stem and (one in _WEAK or one.endswith(_STRONG_ENDS + _WEAK_ENDS)) else NONE


#: Where the certificate of SNS's signatures is.
SNS_URL = Lazy(r"https://sns\.[a-z0-9-]{2,32}\.amazonaws\.com(?:\.cn)?/")
#: Beside its signature. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
SNS_MEMBERS = ("Type", "MessageId", "TopicArn", "SignatureVersion")
_ARN = Lazy(r"arn:aws[a-z-]{0,16}:[a-z0-9-]{1,32}:")


def is_told(kind: int, text: str) -> bool:
    """Whether a text is no secret, though it stands behind the name of one."""
    return (
        not text
        or (kind != ASKED and text.startswith("arn:") and _ARN.get().match(text) is not None)
        or (kind == COUNT and is_count(text))
    )


def is_count(text: str) -> bool:
    """Whether a text behind a name such as `max_tokens` is a number of them."""
    return len(text) <= 9 and text.isascii() and text.isdecimal()


def is_signed(value: dict[Any, Any]) -> bool:
    """Whether an object is signed by SNS: whoever reads it can check that, so its signature is no secret."""
    held = dict.__contains__
    if not all(held(value, name) for name in SNS_MEMBERS):
        return False
    url = dict.get(value, "SigningCertURL") or dict.get(value, "SigningCertUrl")
    return isinstance(url, str) and SNS_URL.get().match(url) is not None
