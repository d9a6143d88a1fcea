"""What every backend of the state takes for an entry: the same is refused everywhere, and lives as long.

ValueError      a key or a body that some backend could not hold; a sentence
"""

from __future__ import annotations

from subscribers.alerts.state import BODY_MAX_BYTES, LAST, SORT_MAX_BYTES, Entry

#: DynamoDB's limit of a partition key.
PARTITION_MAX_BYTES = 2 * SORT_MAX_BYTES


def checked(entry: Entry) -> Entry:
    """Return an entry as it is, if every backend can hold it. Raises ValueError."""
    check_key(entry.partition, entry.sort)
    if len(entry.body) > BODY_MAX_BYTES:
        said = f"has {len(entry.body):,} bytes; at most {BODY_MAX_BYTES:,} are stored"
        raise ValueError(f"entry {_name(entry.partition, entry.sort)} {said}")
    if entry.expires_s < 0 or entry.version < 0:
        raise ValueError(f"entry {_name(entry.partition, entry.sort)} has an expiry or a version below 0")
    return entry


def check_key(partition: str, sort: str) -> None:
    """Raise ValueError for a key that DynamoDB does not take: an empty one, too, is none there."""
    for what, text, most in (("partition", partition, PARTITION_MAX_BYTES), ("sort", sort, SORT_MAX_BYTES)):
        if not text:
            raise ValueError(f"key {_name(partition, sort)}: an empty {what} key cannot be stored")
        _check_text(what, text, most)


def bounds(partition: str, first: str, last: str) -> tuple[str, str] | None:
    """Return what a query means by its bounds, None where nothing can be between them. Raises ValueError.

    "" and LAST are no bounds: they come back as they are.
    """
    check_key(partition, first or "-")
    if last and last != LAST:
        _check_text("sort", last, SORT_MAX_BYTES)
    return (first, last) if last and first <= last else None


def is_live(expires_s: int, now_s: float) -> bool:
    """Whether an entry with this expiry is still there: what is only waiting to be removed is not.

    Whole seconds, as the conditions of DynamoDB compare them.
    """
    return not expires_s or int(now_s) <= expires_s


def _check_text(what: str, text: str, most: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"the {what} key {text[:100]!r} is no text that UTF-8 can write") from error
    if size > most:
        raise ValueError(f"the {what} key {text[:100]!r}... has {size:,} bytes; at most {most:,} are stored")


def _name(partition: str, sort: str) -> str:
    return f"{partition[:100]!r} {sort[:100]!r}"
