"""What a text must have in it to hold a secret: a cheap look, so that most texts need no other.

Each look takes in more than the expressions of observe.secret_text do, never less.
"""

from __future__ import annotations

from observe.secret_names import WORDS, Lazy

#: More closely, and ten times as dear: not `author`, not `"key"`, not `shipping`.
_NAMED = Lazy(
    r"pass(?:[-_. ]?[wpc]|(?![a-z]))|p(?:wd|in(?:n|(?![a-z])))"
    r"|s(?:ecret|ess(?:id|ion)|ig(?:n(?:ature|ing)|(?![a-rt-z]))|sn(?![a-z])|rf(?![a-z])|ocial)"
    r"|token|key(?<=[aeginrst]key)|[aeginrst][-_. ]key|auth(?!or(?!iz))"
    r"|c(?:ookie|v[vc](?![a-z])|redential|ard|hallenge|onnection)|otp(?![a-z])|i(?:ban(?![a-z])|dentitysource)|jwt|bearer"
)
#: What a token begins with, from a rare sign of it on: a search for one character is the quickest.
_UNDERSCORED = Lazy(r"_(?:(?<=gh[opsur]_)|(?<=github_)pat_|(?:live|test)_|(?<=npm_)|(?<=whsec_))")
_HYPHENED = Lazy(r"-(?:(?<=xox[abeprs]-)|(?<=glpat-)|(?<=sk-)|----BEGIN)")
#: The beginnings of cards and IBANs; in groups with blanks that may be wide or not break.
_CARD = Lazy("[2-6][0-9]{3}[0-9 \xa0\u202f-]{9}")
_IBAN = Lazy(r"[A-Z][A-Z][0-9][0-9][0-9A-Z -]{11}|[a-z][a-z][0-9][0-9][0-9a-z]{4}[0-9]{7}")


def may_have_token(text: str) -> bool:
    """Whether a token may be in a text: what it begins with is."""
    # Bearer and Basic: in lower case they stand behind the name of their header.
    return (
        "earer " in text
        or "asic " in text
        or "EARER " in text
        or "ASIC " in text
        or ("_" in text and _UNDERSCORED.get().search(text) is not None)
        or ("-" in text and _HYPHENED.get().search(text) is not None)
        or ("J" in text and "eyJ" in text)
        or ("I" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("G" in text and "SG." in text)
        or ("K" in text and "AAAAKgAAAA" in text)
        or ("9." in text and "ya29." in text)
        or ("v" in text and "hvs." in text)
        or ("/" in text and "hooks.slack" in text)
    )


def may_have_number(text: str) -> bool:
    """Whether a card's number or an IBAN may be in a text."""
    # Ten looks for one character each are cheaper than one for any of ten.
    return (
        "0" in text
        or "1" in text
        or "2" in text
        or "3" in text
        or "4" in text
        or "5" in text
        or "6" in text
        or "7" in text
        or "8" in text
        or "9" in text
    ) and (_CARD.get().search(text) is not None or _IBAN.get().search(text) is not None)


def may_have_name(lower: str) -> bool:
    """Whether the built-in name of a secret may be in a text, given without case."""
    for word in WORDS:
        if word in lower:
            return _NAMED.get().search(lower) is not None
    return False
