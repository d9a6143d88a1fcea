"""Indices, mappings and templates of a strict Elasticsearch or OpenSearch, as far as `_bulk` needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

Dialect = Literal["elasticsearch", "opensearch"]
KEYWORD_MAX_BYTES = 32766
_COMMON_TYPES = frozenset(
    (
        *("text", "match_only_text", "keyword", "long", "integer", "double", "float", "boolean", "date"),
        *("date_nanos", "ip", "object", "nested", "wildcard"),
    )
)
TYPES: dict[Dialect, frozenset[str]] = {
    "elasticsearch": _COMMON_TYPES | {"flattened"},
    "opensearch": _COMMON_TYPES | {"flat_object"},
}
_NUMBERS = frozenset(("long", "integer", "double", "float"))
#: Python's type -> what it is detected as, and what becomes of it without a template.
_DETECTED = {bool: ("boolean", "boolean"), int: ("long", "long"), float: ("double", "float")}
_BAD_NAME = re.compile(r'[A-Z \\/*?"<>|,#:]')


class Refused(Exception):  # noqa: N818 - what the server says, no fault
    """An error as the server tells it."""

    def __init__(self, status: int, type: str, reason: str, cause: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.error: dict[str, Any] = {"type": type, "reason": reason}
        if cause:
            self.error["caused_by"] = cause


def flat(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (dotted name, mapping) of each field of a mapping that is no plain object."""
    for name, mapping in properties.items():
        if "properties" in mapping and mapping.get("type", "object") == "object":
            yield from flat(mapping["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, mapping


def settings_of(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template's settings, flat, each with `index.` before it."""
    found: dict[str, Any] = {}

    def walk(tree: dict[str, Any], prefix: str) -> None:
        for name, value in tree.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{name}.")
            else:
                found[prefix + name] = value

    walk(template.get("settings", {}), "")
    return {name if name.startswith("index.") else f"index.{name}": value for name, value in found.items()}


class Index:
    """One index: documents by ID, and fields by dotted name."""

    def __init__(
        self, name: str, dialect: Dialect, mappings: dict[str, Any], settings: dict[str, Any]
    ) -> None:
        self.name, self.dialect = name, dialect
        self.documents: dict[str, dict[str, Any]] = {}
        self.fields: dict[str, dict[str, Any]] = {"": {"type": "object"}}
        self._limit = int(settings.get("index.mapping.total_fields.limit", 1000))
        self._is_lenient = str(settings.get("index.mapping.ignore_malformed", "")).lower() == "true"
        self._ignores_beyond = "index.mapping.total_fields.ignore_dynamic_beyond_limit" in settings
        self._is_strict = mappings.get("dynamic") == "strict"
        rules = [rule for one in mappings.get("dynamic_templates", ()) for rule in one.values()]
        self._rules = {rule["match_mapping_type"]: rule["mapping"] for rule in rules}
        for name, mapping in flat(mappings.get("properties", {})):
            self._add(name, mapping)

    def put(self, id: str, document: dict[str, Any]) -> None:
        """Keep a document. Raises Refused, and changes nothing then."""
        added: dict[str, dict[str, Any]] = {}
        self._check("", document, id, added)
        room = self._limit - len(self.fields) + 1
        if len(added) > room:
            if not self._ignores_beyond:
                raise Refused(
                    400,
                    *self._parsing(id),
                    cause={
                        "type": "illegal_argument_exception",
                        "reason": f"Limit of total fields [{self._limit}] has been exceeded"
                        f" while adding new fields [{len(added)}]",
                    },
                )
            added = dict(list(added.items())[:room])
        self.fields |= added
        self.documents[id] = document

    def _parsing(self, id: str) -> tuple[str, str]:
        if self.dialect == "elasticsearch":
            return "document_parsing_exception", f"[1:1] failed to parse in document with id '{id}'"
        return "mapper_parsing_exception", "failed to parse"

    def _add(self, name: str, mapping: dict[str, Any]) -> None:
        parts = name.split(".")
        for i in range(1, len(parts)):
            self.fields.setdefault(".".join(parts[:i]), {"type": "object"})
        self.fields[name] = mapping

    def _check(self, path: str, value: Any, id: str, added: dict[str, dict[str, Any]]) -> None:
        known = self.fields.get(path) or added.get(path)
        if value is None:
            return
        if isinstance(value, list):
            for one in value:
                self._check(path, one, id, added)
        elif known is None:
            self._add_dynamic(path, value, id, added)
        elif known.get("type", "object") in ("flattened", "flat_object"):
            self._check_flat(path, known, value, id)
        elif known.get("type", "object") in ("object", "nested"):
            self._check_object(path, known, value, id, added)
        else:
            self._check_value(path, known, value, id)

    def _check_object(
        self, path: str, known: dict[str, Any], value: Any, id: str, added: dict[str, dict[str, Any]]
    ) -> None:
        if not isinstance(value, dict):
            what = f"object mapping for [{path}] tried to parse field [{path}] as object"
            raise Refused(400, self._parsing(id)[0], f"{what}, but found a concrete value")
        if known.get("enabled") is False:
            return
        for name, one in value.items():
            parts = name.split(".")
            if not all(parts):
                reason = f"field name cannot contain only whitespace or be empty: [{name}]"
                raise Refused(400, self._parsing(id)[0], reason)
            for i in range(1, len(parts)):
                above = ".".join(filter(None, (path, *parts[:i])))
                mapping = self.fields.get(above) or added.setdefault(above, {"type": "object"})
                kind = mapping.get("type", "object")
                if kind not in ("object", "nested"):
                    what = f"Could not dynamically add mapping for field [{name}]. Existing mapping for"
                    reason = f"{what} [{above}] must be of type object but found [{kind}]."
                    raise Refused(400, "mapper_parsing_exception", reason)
            self._check(f"{path}.{name}" if path else name, one, id, added)

    def _check_flat(self, path: str, known: dict[str, Any], value: Any, id: str) -> None:
        if not isinstance(value, dict):
            raise Refused(400, *self._failed(path, known["type"], id, value))
        leaves: list[tuple[str, Any]] = [("", value)]
        while leaves:
            above, one = leaves.pop()
            if isinstance(one, dict):
                leaves += [(f"{above}.{name}" if above else name, inner) for name, inner in one.items()]
            elif isinstance(one, list):
                leaves += [(above, inner) for inner in one]
            elif isinstance(one, str) and len(one) <= known.get("ignore_above", len(one)):
                self._check_term(f"{path}._keyed", f"{above}\0{one}")

    def _add_dynamic(self, path: str, value: Any, id: str, added: dict[str, dict[str, Any]]) -> None:
        if self._is_strict:
            reason = f"mapping set to strict, dynamic introduction of [{path}] within [_doc] is not allowed"
            raise Refused(400, "strict_dynamic_mapping_exception", reason)
        if isinstance(value, dict):
            added[path] = {"type": "object"}
            self._check(path, value, id, added)
            return
        kind, default = _DETECTED.get(type(value), ("string", "text"))
        added[path] = self._rules.get(kind, {"type": default})
        self._check(path, value, id, added)

    def _check_value(self, path: str, known: dict[str, Any], value: Any, id: str) -> None:
        kind = known["type"]
        is_lenient = known.get("ignore_malformed", self._is_lenient)
        if isinstance(value, dict):
            raise Refused(400, *self._failed(path, kind, id, value))
        if kind in _NUMBERS and not _is_number(value) and not is_lenient:
            raise Refused(
                400,
                *self._failed(path, kind, id, value),
                cause={"type": "number_format_exception", "reason": f'For input string: "{value}"'},
            )
        if kind == "boolean" and not isinstance(value, bool) and value not in ("true", "false", ""):
            raise Refused(400, *self._failed(path, kind, id, value))
        if kind in ("date", "date_nanos") and not is_lenient and not _is_date(value, kind):
            reason = (
                f"failed to parse date field [{value}] with format [strict_date_optional_time||epoch_millis]"
            )
            cause = {"type": "illegal_argument_exception", "reason": reason}
            raise Refused(400, *self._failed(path, kind, id, value), cause=cause)
        if kind == "keyword" and len(str(value)) <= known.get("ignore_above", 2**31):
            self._check_term(path, str(value))

    def _check_term(self, path: str, term: str) -> None:
        if len(term) > KEYWORD_MAX_BYTES // 4 and len(term.encode()) > KEYWORD_MAX_BYTES:
            what = f'Document contains at least one immense term in field="{path}" (whose UTF8 encoding is'
            reason = f"{what} longer than the max length 32766), all of which were skipped."
            raise Refused(400, "illegal_argument_exception", reason)

    def _failed(self, path: str, kind: str, id: str, value: Any) -> tuple[str, str]:
        what = f"failed to parse field [{path}] of type [{kind}] in document with id '{id}'."
        reason = f"{what} Preview of field's value: '{str(value)[:40]}'"
        if self.dialect == "elasticsearch":
            return "document_parsing_exception", f"[1:1] {reason}"
        return "mapper_parsing_exception", reason


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_date(value: Any, kind: str) -> bool:
    if isinstance(value, int):
        return True
    try:
        year = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value))).year
    except ValueError:
        return False
    return kind == "date" or 1970 <= year < 2262


def check_index_name(name: str) -> None:
    """Raise Refused for what is no name of an index."""
    too_long = len(name.encode()) > 255
    if too_long or _BAD_NAME.search(name) or name[:1] in ("-", "_", "+") or name in (".", "..", ""):
        why = (
            'must be lowercase and must not contain the following characters [ , ", *, \\, <, |, ,, >, /, ?]'
        )
        raise Refused(400, "invalid_index_name_exception", f"Invalid index name [{name}], {why}")


def matches(patterns: list[str], name: str) -> bool:
    """Whether an index template's patterns match a name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
