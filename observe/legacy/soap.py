"""SOAP 1.1 and 1.2: a header block of ours, spliced into an envelope; WS-Addressing read as correlation.

    <o:Context xmlns:o="urn:hybrid-observe:context:1"><o:traceparent>00-...</o:traceparent>...</o:Context>

The block has no mustUnderstand, so a receiver that does not know it passes over it, and no actor or role, so
it is meant for the last one. Its children are named like the headers. Envelopes are parsed by expat to find
places, never serialised again; a document type declaration is refused before an entity could be declared.
Of a message with attachments (MTOM, SwA) the root part is the envelope.
"""

from __future__ import annotations

import re

from observe.context import CORRELATION_ID, TRACEPARENT
from observe.legacy.carrier import CarrierError, Written, headers_of, is_document, ours, projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.context import Context
    from observe.legacy.carrier import Text

NAMESPACE = "urn:hybrid-observe:context:1"
#: https://www.w3.org/TR/2000/NOTE-SOAP-20000508/, https://www.w3.org/TR/soap12-part1/#soapenvelope
SOAP_NAMESPACES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
#: https://www.w3.org/TR/xmldsig-core1/#sec-NamespaceURIs: a signature may cover the header.
SIGNATURE_NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
#: What is encrypted in a header may be a signature, as WS-SecurityPolicy's EncryptSignature asks for.
#: https://docs.oasis-open.org/ws-sx/ws-securitypolicy/v1.3/ws-securitypolicy.html section 6.4
ENCRYPTION_NAMESPACE = "http://www.w3.org/2001/04/xmlenc#"
#: https://www.w3.org/TR/ws-addr-core/#namespaces, and the member submission before it
ADDRESSING_NAMESPACES = (
    "http://www.w3.org/2005/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
)
_RELATED = ("RelatesTo", "MessageID")
#: What stands for a message that had no ID: it is the same for all of them.
#: https://www.w3.org/TR/ws-addr-soap/ section 6, and the submission before it
_NO_MESSAGE = (f"{ADDRESSING_NAMESPACES[0]}/unspecified", f"{ADDRESSING_NAMESPACES[1]}/id/unspecified")

# Encodings that an envelope may be declared in: others could be slow, or no text encodings at all.
_ENCODING = re.compile(
    r"(?i)utf-?8|us-ascii|ascii|utf-?16(?:[bl]e)?|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp\d{3,4}|ibm-?\d{3,4}"
    r"|shift_jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5|koi8-[ru]"
)
_DECLARED = re.compile(r"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][\w.-]*)[\"']")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_STARTS = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"), (b"\x4c\x6f\xa7\x94", "cp037"))
_TAG = re.compile(rb"<([^\s/>]+)[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")


def block(context: Context) -> str:
    """Return the header block as text, for clients that build envelopes themselves."""
    members = "".join(f"<o:{name}>{_escape(value)}</o:{name}>" for name, value in headers_of(context).items())
    return f'<o:Context xmlns:o="{NAMESPACE}">{members}</o:Context>'


def carry(envelope: Text, context: Context | None) -> Written[Text]:
    """Add our block to an envelope, str or bytes; a Header element is made where there is none.

    Reasons: `not_soap` (no well-formed envelope of either version), `present`, `signed` (an XML signature
    anywhere in it), `encrypted` (what may be a signature, in its header), `doctype`, `encoding` (unknown, or
    the bytes are not in it). Raises CarrierError("document") for other types.
    """
    if not is_document(envelope):
        raise CarrierError("document", f"an envelope is text or bytes, not {type(envelope).__name__}")
    if context is None:
        return Written(envelope, "no_context")
    own = block(context)
    text, encoding = _decoded(envelope)
    if text is None:
        return Written(envelope, "encoding")
    data = text.encode("utf-8", "surrogatepass")
    found = _Envelope(data)
    if found.refused:
        return Written(envelope, found.refused)
    if found.closed:
        return Written(envelope, found.closed)
    grown = found.spliced(data, own.encode("ascii")).decode("utf-8")
    return Written(grown if isinstance(envelope, str) else grown.encode(encoding))


def read(envelope: str | bytes) -> dict[str, str]:
    """Return the headers of our block, in an envelope of either version, or {}.

    Where it has none, wsa:RelatesTo, else wsa:MessageID is the correlation ID, without `urn:uuid:`.
    """
    text, _ = _decoded(envelope) if is_document(envelope) else (None, "")
    if text is None:
        return {}
    found = _Envelope(text.encode("utf-8", "surrogatepass"))
    if found.refused:
        return {}
    headers = ours(projected(found.own.items()))
    related = next((found.addressing[name] for name in _RELATED if found.addressing.get(name)), "")
    if related and TRACEPARENT not in headers:
        headers.setdefault(CORRELATION_ID, related.removeprefix("urn:uuid:").removeprefix("uuid:"))
    return headers


class _Envelope:
    """What one pass over an envelope finds: places as byte offsets into it."""

    def __init__(self, data: bytes) -> None:
        self.refused = ""
        self.present = self.signed = self.encrypted = False
        self.own: dict[str, str] = {}
        self.addressing: dict[str, str] = {}
        self._data = data
        self._path: list[str] = []
        self._namespace = ""
        self._start = self._header = self._header_end = -1
        self._text: list[str] | None = None
        self._parse()

    @property
    def closed(self) -> str:
        """Why a well-formed envelope takes no block, or ""."""
        if self.signed:
            return "signed"
        return "present" if self.present else "encrypted" if self.encrypted else ""

    def _parse(self) -> None:
        from xml.parsers import expat

        parser = expat.ParserCreate("utf-8", " ")
        self._parser: Any = parser
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(self._data, True)
        except (expat.ExpatError, _RefusedError) as refused:
            self.refused = str(refused) if isinstance(refused, _RefusedError) else "not_soap"
        finally:
            self._parser = None  # it refers to us, and we to it

    def _doctype(self, *_: object) -> None:
        raise _RefusedError("doctype")

    def _start_element(self, name: str, _attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        depth = len(self._path)
        if depth == 0:
            if local != "Envelope" or namespace not in SOAP_NAMESPACES:
                raise _RefusedError("not_soap")
            self._namespace, self._start = namespace, self._parser.CurrentByteIndex
        elif depth == 1 and name == f"{self._namespace} Header" and self._header < 0:
            self._header = self._parser.CurrentByteIndex
        self._path.append(name)
        self.signed |= namespace == SIGNATURE_NAMESPACE
        if self._in_header():
            self.present |= namespace == NAMESPACE
            self.encrypted |= name == f"{ENCRYPTION_NAMESPACE} EncryptedData"
            in_ours = depth == 3 and self._path[2] == f"{NAMESPACE} Context" and namespace == NAMESPACE
            related = depth == 2 and namespace in ADDRESSING_NAMESPACES and local in _RELATED
            self._text = [] if in_ours or related else None

    def _in_header(self) -> bool:
        return len(self._path) > 2 and self._path[1] == f"{self._namespace} Header"

    def _characters(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _end_element(self, name: str) -> None:
        if self._text is not None:
            namespace, _, local = name.rpartition(" ")
            value = "".join(self._text).strip()
            if value not in _NO_MESSAGE:
                (self.own if namespace == NAMESPACE else self.addressing).setdefault(local, value)
        self._text = None
        self._path.pop()
        if len(self._path) == 1 and self._header >= 0 and self._header_end < 0:
            self._header_end = self._parser.CurrentByteIndex

    def spliced(self, data: bytes, own: bytes) -> bytes:
        """The envelope with our block at the end of its header."""
        tag = _TAG.match(data, self._start if self._header < 0 else self._header)
        assert tag is not None  # expat has seen it
        if self._header < 0:
            prefix = tag[1].rpartition(b":")[0]
            name = prefix + b":Header" if prefix else b"Header"
            own = b"<" + name + b">" + own + b"</" + name + b">"
            return self._opened(data, tag, own)
        if tag[0].endswith(b"/>"):
            return self._opened(data, tag, own)
        return data[: self._header_end] + own + data[self._header_end :]

    def _opened(self, data: bytes, tag: re.Match[bytes], own: bytes) -> bytes:
        """Put `own` inside an element, behind its start tag; an empty tag gets an end tag."""
        if not tag[0].endswith(b"/>"):
            return data[: tag.end()] + own + data[tag.end() :]
        return data[: tag.end() - 2] + b">" + own + b"</" + tag[1] + b">" + data[tag.end() :]


class _RefusedError(Exception):
    """Stops the parser; its text is a reason."""


def _decoded(envelope: str | bytes) -> tuple[str | None, str]:
    """(text, encoding), text None where encoding it again would not give the same bytes."""
    if isinstance(envelope, str):
        return envelope, "utf-8"
    envelope = bytes(envelope)
    encoding = next((name for start, name in _BOMS + _STARTS if envelope.startswith(start)), "utf-8")
    if encoding not in ("utf-16-le", "utf-16-be"):
        declared = _DECLARED.match(envelope[:300].decode(encoding, "replace").lstrip("\ufeff"))
        encoding = declared[1] if declared else encoding
    try:
        if not _ENCODING.fullmatch(encoding) and encoding not in ("utf-16-le", "utf-16-be"):
            return None, encoding
        text = envelope.decode(encoding)
        return (text if text.encode(encoding) == envelope else None), encoding
    except (LookupError, ValueError):
        return None, encoding


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
