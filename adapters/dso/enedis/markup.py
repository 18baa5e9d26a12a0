"""XML from outside, as small trees, one part at a time.

Theory of operation
-------------------
`parts` yields the children of the root that the caller names, whole, and forgets
each before the next: memory is that of one part. What XML can do besides carrying
elements and text is refused, as early as possible:

* **DTD, and so entities, external or not.** A DTD can stand only between the XML
  declaration and the root (XML 1.0, production 22). The document must therefore
  *begin* with the root the caller expects, after at most a byte order mark and a
  declaration; this is a regular expression on the first bytes, and no parser has
  seen anything before it holds. An entity used without a DTD is not well-formed.
* **Encodings** other than UTF-8: the declaration is checked and the parser told.
* **Processing instructions.** XInclude is not processed by the parser and is an
  unknown element as any other.
* **Depth**: 256 (the library's), text of one node: 10 MB (the library's).
* **Size of a part**: `LARGEST_PART` bytes without a part ending. It bounds the tree,
  whatever the elements: an element of 4 bytes becomes a node of 120.
* **Names**: see below.

The parser is lxml's, chosen over the standard library's expat by measurement. On
3,000 meters with ten classes each (9.4 MB), µs a meter, in the same run: lxml's
pull parser with its tree walked 34; expat with its events gathered by C alone 54,
with an empty Python function at each start 80, with the same tree built in Python
125; expat with no handler at all 27. So the parser that gives a tree, from which
the reading code is plain to read, is also the faster; and the libxml2 in its wheel
is of 2025, where the expat inside an interpreter is as old as the interpreter.

What lxml costs: names of elements and attributes go to a dictionary of the thread
that only grows (24 MB stayed after 100,000 new names of 90 bytes). Hence at most
`LARGEST_UNKNOWN` distinct unknown names per document, and `LARGEST_ATTRIBUTES`, counted
on the bytes.

Of the 60 to 65 µs that a meter costs in `r151.parse`, 24 are libxml2's, the rest is
the reading of 71 elements and the values made of them.

`usual` stands before it for the shapes that operators really send: it compares whole
meters with what this one has read before, and leaves it everything else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from lxml import etree  # type: ignore[import-untyped]  # lxml has no annotations

from adapters.dso.refusal import Code, FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST_PART: Final = 524_288
"""Most bytes of one part: a monthly file has 31 days of a meter in one, about 130,000."""
LARGEST_UNKNOWN: Final = 64
"""Most distinct names of elements that the caller does not know."""
LARGEST_ATTRIBUTES: Final = 64
"""Most attributes of a document, its declaration's included: a genuine one has three."""

_ATTRIBUTE: Final = re.compile(rb"=[ \t\r\n]*(?:[\"']|\Z)")
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?P<declaration><\?xml[ \t\r\n][^<>]{1,100}\?>)?[ \t\r\n]{0,100}"
    rb"<(?P<root>[A-Za-z_][0-9A-Za-z_.-]{0,40})[ \t\r\n/>]"
)
_ENCODING: Final = re.compile(rb"encoding[ \t\r\n]*=[ \t\r\n]*[\"']([0-9A-Za-z._-]+)[\"']")


class MarkupRefused(FileRefused):
    """The document is not the plain XML that it should be; `code` says why."""


class Element(Protocol):
    """What is used of an element."""

    @property
    def tag(self) -> object:
        """Return the name; a comment or an instruction has one that is no text."""

    @property
    def text(self) -> str | None:
        """Return the text before the first element within, None when there is none."""

    def getparent(self) -> Element | None:
        """Return the element this one stands in, None for the root."""

    def getprevious(self) -> Element | None:
        """Return what stands before this one in the same element."""

    def remove(self, element: Element) -> None:
        """Take a child out, with the text behind it."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Element]: ...


def parts(
    chunks: Iterable[bytes], *, root: str, names: tuple[str, ...], unknown: Unknown, lines: int = 0
) -> Iterator[Element]:
    """Yield each child of the root that bears one of `names`, in document order.

    Children of other names are noted in `unknown` and passed over. A part is valid
    until the next is asked for. `lines` is how many lines of the document are known and
    left out, for the message of a refusal. The document is known to be well-formed only when
    the iteration has ended. Raises `MarkupRefused`.
    """
    parser = etree.XMLPullParser(
        events=("end", "pi"),
        tag=names,
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        collect_ids=False,
    )
    started, since, attributes = False, 0, 0
    try:
        for chunk in chunks:
            if not started:
                _check_prolog(chunk, root)
                started = True
            attributes += len(_ATTRIBUTE.findall(chunk))
            if attributes > LARGEST_ATTRIBUTES:
                raise MarkupRefused(
                    Code.TOO_MANY_NAMES, "the document has attributes that none needs"
                )
            since += len(chunk)
            parser.feed(chunk)
            for kind, element in parser.read_events():
                since = 0
                yield _part(kind, element, root)
                _forget(element, unknown)
            if since > LARGEST_PART:
                raise MarkupRefused(Code.TOO_LARGE, f"one part is longer than {LARGEST_PART} bytes")
        if not started:
            raise MarkupRefused(Code.EMPTY, "the document has no bytes")
        parser.close()
    except etree.XMLSyntaxError as error:
        line = (error.lineno or 0) + lines
        raise MarkupRefused(Code.XML, f"not well-formed XML near line {line}") from None


def text_of(element: Element) -> str:
    """Return the text of an element that has nothing but text, without blanks around it."""
    if len(element):
        raise MarkupRefused(Code.SCHEMA, "an element that should hold a value holds elements")
    return (element.text or "").strip()


class Unknown:
    """Counts the names that are met and not known, and refuses when they are too many."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def meet(self, element: Element) -> None:
        """Note an element that is passed over, with all below it; raise `MarkupRefused`."""
        if element.tag is etree.Comment:
            return
        if not isinstance(element.tag, str):
            raise MarkupRefused(Code.INSTRUCTION, "the document holds a processing instruction")
        self.names.add(element.tag)
        for child in element:
            self.meet(child)
        if len(self.names) > LARGEST_UNKNOWN:
            raise MarkupRefused(
                Code.TOO_MANY_NAMES, f"more than {LARGEST_UNKNOWN} unknown elements"
            )


def _check_prolog(first: bytes, root: str) -> None:
    match = _PROLOG.match(first)
    if match is None:
        if b"<!DOCTYPE" in first or b"<!ENTITY" in first:
            raise MarkupRefused(Code.ENTITY, "the document declares a type, and so could entities")
        raise MarkupRefused(Code.XML, f"the document does not begin with <{root}>")
    encoding = _ENCODING.search(match["declaration"] or b"")
    if encoding and encoding[1].lower() != b"utf-8":
        raise MarkupRefused(Code.ENCODING, "the document is not in UTF-8")
    if match["root"] != root.encode():
        raise MarkupRefused(Code.NOT_R151, f"the document's root is not <{root}>")


def _part(kind: str, element: Element, root: str) -> Element:
    if kind == "pi":
        raise MarkupRefused(Code.INSTRUCTION, "the document holds a processing instruction")
    parent = element.getparent()
    if parent is None or parent.getparent() is not None or parent.tag != root:
        raise MarkupRefused(Code.SCHEMA, "an element stands deeper than it should")
    return element


def _forget(element: Element, unknown: Unknown) -> None:
    """Take a part that was read, and all that precedes it, out of the tree."""
    parent = element.getparent()
    if parent is None:
        return
    while (before := element.getprevious()) is not None:
        unknown.meet(before)
        parent.remove(before)
    parent.remove(element)
