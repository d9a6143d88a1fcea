"""SOAP envelopes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context, extract
from observe.legacy import soap
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids_of

V11, V12 = soap.SOAP_NAMESPACES
BODY = "<s:Body><order n='1.10'>caf\u00e9 <![CDATA[</s:Header>]]></order></s:Body>"
ENVELOPES = {
    "1.1 without header": f"<s:Envelope xmlns:s='{V11}'>{BODY}</s:Envelope>",
    "1.2 with header": (
        f'<s:Envelope xmlns:s="{V12}">\n <s:Header>\n  <a xmlns="urn:x"/>\n </s:Header>\n {BODY}'
        "</s:Envelope>\n"
    ),
    "empty header": f'<s:Envelope xmlns:s="{V11}"><s:Header a="1" />{BODY}</s:Envelope>',
    "empty header with end tag": f'<s:Envelope xmlns:s="{V11}"><s:Header></s:Header>{BODY}</s:Envelope>',
    "default namespace": f'<Envelope xmlns="{V12}"><Body><a>&lt;Header/&gt;</a></Body></Envelope>',
    "comments and instructions": (
        f'<?xml version="1.0"?><!-- <s:Envelope> --><?pi >?>\n<s:Envelope a=">" xmlns:s="{V11}">'
        f"<!-- <s:Header/> -->{BODY}</s:Envelope><!-- end -->"
    ),
    "header bound to a prefix of its own": (
        f'<e:Envelope xmlns:e="{V11}"><h:Header xmlns:h="{V11}"><h:x/></h:Header><e:Body/></e:Envelope>'
    ),
    "a decoy header": f'<s:Envelope xmlns:s="{V11}"><s:Body><s:Header/></s:Body></s:Envelope>',
}


@pytest.mark.parametrize("name", ENVELOPES)
@given(context=CONTEXTS)
def test_an_envelope_carries_all_of_a_context(name: str, context: Context) -> None:
    """The block is spliced in, everything else stays; twice is once."""
    envelope = ENVELOPES[name]
    grown = soap.carry(envelope, context)
    assert grown.reason == ""
    rest = grown.document.replace(soap.block(context), "")
    for tag in ("s:Header", "Header"):
        rest = rest.replace(f"<{tag}></{tag}>", "")
    assert rest in (
        envelope,
        envelope.replace("<s:Header></s:Header>", ""),
        envelope.replace('a="1" />', 'a="1" ></s:Header>'),
    )
    assert extract(soap.read(grown.document)) == context
    assert soap.carry(grown.document, context) == (grown.document, "present")


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_real_parser_finds_the_block_in_the_header(name: str) -> None:
    """The Header is the first child, of the envelope's version, our block in it without mustUnderstand."""
    root = ElementTree.fromstring(soap.carry(ENVELOPES[name], WHOLE).document)
    version = root.tag[1:].partition("}")[0]
    assert root[0].tag == f"{{{version}}}Header"
    block = root[0].find(f"{{{soap.NAMESPACE}}}Context")
    assert block is not None
    assert not block.attrib
    assert {child.tag.partition("}")[2]: child.text for child in block} == soap.read(
        soap.carry(ENVELOPES[name], WHOLE).document
    )


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-8", "UTF-8"),
        ("iso-8859-1", "ISO-8859-1"),
        ("windows-1252", "windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16", ""),
        ("cp037", "cp037"),
    ],
)
def test_bytes_stay_in_their_encoding(encoding: str, declared: str) -> None:
    """Declared or marked; the bytes around ours are the same."""
    start = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    envelope = (start + ENVELOPES["1.2 with header"]).encode(encoding)
    grown = soap.carry(envelope, WHOLE)
    assert grown.reason == ""
    text = grown.document.decode(encoding)
    assert text.replace(soap.block(WHOLE), "").encode(encoding) == envelope
    assert extract(soap.read(grown.document)) == WHOLE


SIGNATURE = f'<ds:Signature xmlns:ds="{soap.SIGNATURE_NAMESPACE}"/>'
ENCRYPTED = f'<x:EncryptedData xmlns:x="{soap.ENCRYPTION_NAMESPACE}"/>'
START = f'<s:Envelope xmlns:s="{V11}">'
HIDDEN = SIGNATURE.replace("http://", "&#104;ttp://")
REFUSED = {
    f'{START}<s:Header><w:S xmlns:w="urn:w">{SIGNATURE}</w:S></s:Header><s:Body/></s:Envelope>': "signed",
    f"{START}<s:Body>{HIDDEN}</s:Body></s:Envelope>": "signed",
    f'{START}<s:Header><w:S xmlns:w="urn:w">{ENCRYPTED}</w:S></s:Header><s:Body/></s:Envelope>': "encrypted",
    f"{START}<s:Header>{SIGNATURE}{ENCRYPTED}</s:Header><s:Body/></s:Envelope>": "signed",
    f'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>{START}&b;</s:Envelope>': "doctype",
    f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{START}</s:Envelope>': "doctype",
    f"{START}<s:Body></s:Envelope>": "not_soap",
    '<s:Envelope xmlns:s="urn:other"><s:Body/></s:Envelope>': "not_soap",
    f'<Envelope xmlns:s="{V11}"/>': "not_soap",
    "": "not_soap",
    "{}": "not_soap",
    "\ud800": "not_soap",
}


@pytest.mark.parametrize(("envelope", "reason"), REFUSED.items(), ids=lambda value: value[:20])
def test_what_must_not_be_touched_is_returned_with_a_reason(envelope: str, reason: str) -> None:
    """Signed, with a document type, or no envelope: the very document that was given."""
    grown = soap.carry(envelope, PLAIN)
    assert grown.reason == reason
    assert grown.document is envelope


@pytest.mark.parametrize("declared", ["rot13", "base64", "utf-7", "x", "utf-16", "iso-8859-99"])
def test_an_unknown_encoding_is_refused(declared: str) -> None:
    """Only codecs of text that an envelope may be in are tried."""
    envelope = f'<?xml version="1.0" encoding="{declared}"?>{ENVELOPES["default namespace"]}'.encode()
    assert soap.carry(envelope, PLAIN) == (envelope, "encoding")
    assert soap.read(envelope) == {}
    assert soap.carry(b"\xff\xff<", PLAIN).reason == "encoding"


ADDRESSED = (
    '<s:Envelope xmlns:s="{v}" xmlns:a="{a}"><s:Header><a:ReplyTo><a:Address>x</a:Address></a:ReplyTo>'
    "<a:MessageID>urn:uuid:6B29FC40-CA47-1067-B31D-00DD010662DA</a:MessageID>{related}</s:Header><s:Body/></s:Envelope>"
)


@pytest.mark.parametrize("namespace", soap.ADDRESSING_NAMESPACES)
def test_ws_addressing_is_a_correlation_id(namespace: str) -> None:
    """A reply relates to its request; our own block goes before both."""
    envelope = ADDRESSED.format(v=V12, a=namespace, related="")
    assert ids_of(soap.read(envelope))[0] == "6b29fc40ca471067b31d00dd010662da"
    reply = ADDRESSED.format(v=V12, a=namespace, related="<a:RelatesTo> order-7 </a:RelatesTo>")
    assert soap.read(reply) == {"x-correlation-id": "order-7"}
    assert extract(soap.read(soap.carry(reply, WHOLE).document)) == WHOLE


@pytest.mark.parametrize("namespace", soap.ADDRESSING_NAMESPACES)
def test_the_id_of_a_message_that_had_none_is_nobody_s(namespace: str) -> None:
    """It is the same in every such reply, and would make one story of them all."""
    none = f"{namespace}/id/unspecified" if "2004" in namespace else f"{namespace}/unspecified"
    related = f"<a:RelatesTo>{none}</a:RelatesTo>"
    envelope = ADDRESSED.format(v=V12, a=namespace, related=related)
    assert ids_of(soap.read(envelope))[0] == "6b29fc40ca471067b31d00dd010662da"


def test_an_encrypted_body_hides_no_signature_of_the_header() -> None:
    """Only in a header it could be one."""
    key = f'<x:EncryptedKey xmlns:x="{soap.ENCRYPTION_NAMESPACE}"/>'
    envelope = f"{START}<s:Header>{key}</s:Header><s:Body>{ENCRYPTED}</s:Body></s:Envelope>"
    assert extract(soap.read(soap.carry(envelope, WHOLE).document)) == WHOLE


def test_a_multipart_message_is_no_envelope() -> None:
    """Its root part is."""
    part = f"--b\r\nContent-Type: application/xop+xml\r\n\r\n{ENVELOPES['empty header']}\r\n--b--\r\n"
    assert soap.carry(part.encode(), PLAIN) == (part.encode(), "not_soap")


def test_a_block_serialised_again_by_somebody_is_still_read() -> None:
    """Other prefixes, hoisted declarations, character references."""
    root = ElementTree.fromstring(soap.carry(ENVELOPES["1.2 with header"], WHOLE).document)
    assert extract(soap.read(ElementTree.tostring(root))) == WHOLE


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)), WILD)
def test_nothing_raises_on_anything(envelope: str | bytes, context: Context) -> None:
    """Foreign data is no envelope; a wild context is still well-formed XML."""
    soap.read(envelope)
    assert soap.carry(envelope, context).document is envelope
    ElementTree.fromstring(soap.carry(ENVELOPES["empty header"], context).document)


def test_deep_and_long_envelopes_are_read_in_one_pass() -> None:
    """A hundred thousand levels cost no stack."""
    deep = "<a>" * 100_000 + "</a>" * 100_000
    envelope = f'<s:Envelope xmlns:s="{V11}"><s:Body>{deep}</s:Body></s:Envelope>'
    assert soap.carry(envelope, PLAIN).reason == ""
