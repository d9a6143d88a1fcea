"""What can go wrong with the embedded store.

    StoreError          any of these; `reason` is a low-cardinality word, the text a sentence with the path
      NoStore           there is no store at the path
      NotAStore         the folder holds something else
      Unwritable        a file cannot be written: rights, a full disk, a path that is a file
      NewerStore        a newer version of this tool wrote the manifest
      CorruptManifest   the manifest is not what this tool writes
      QueryError        the SQL is wrong, or is more than one reading statement

A corrupt table file raises nothing: it is left out, and counted in `Store.skipped`.
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked."""

    reason = "store"


class NoStore(StoreError):  # noqa: N818 - reads as what it says
    """There is no store at the path."""

    reason = "no_store"


class NotAStore(StoreError):  # noqa: N818
    """The folder holds something that is not a store."""

    reason = "not_a_store"


class Unwritable(StoreError):  # noqa: N818
    """A file of the store cannot be written."""

    reason = "unwritable"


class NewerStore(StoreError):  # noqa: N818
    """The manifest was written by a newer version."""

    reason = "newer_store"


class CorruptManifest(StoreError):  # noqa: N818
    """The manifest cannot be read."""

    reason = "corrupt_manifest"


class QueryError(StoreError):
    """The SQL cannot be run."""

    reason = "bad_query"
