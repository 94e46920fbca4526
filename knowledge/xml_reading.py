"""Reads XML files of others: safely, in pieces, and with line numbers for error messages.

Built on expat, which fetches nothing by itself. A document that declares an entity is refused, so
no entity is ever expanded (billion laughs, external entities); the official files have none.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from knowledge.errors import UserError

_PIECE = 1 << 16
# The official files reach 13; what walks the elements may recurse so deep without harm.
_DEEPEST = 64


class XMLElement(Element):
    """An element that knows the line on which it begins."""

    line: int = 0


def xml_units(path: Path, root: str, *units: str) -> Iterator[Element]:
    """Yield the elements of some kinds directly below the root, each when it is complete.

    Args:
        path: The file.
        root: Tag that its root must have.
        units: Tags of the elements; `line_of` tells where they and those inside them begin.

    Raises:
        UserError: The file cannot be read, is no XML, declares entities or has another root.
    """
    reader = _Reader(path, root, units)
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                reader.feed(piece)
                yield from reader.finished()
            reader.feed(b"", last=True)
            yield from reader.finished()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix="name a file") from error
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise damaged(path, error.lineno, f"no well-formed XML ({reason})") from error
    except (LookupError, ValueError) as error:
        raise damaged(path, 1, f"declares an encoding that is not read ({error})") from error


def line_of(element: Element) -> int:
    """Return the line on which an element that `xml_units` gave begins."""
    return getattr(element, "line", 0)


def clean_text(text: str | None) -> str:
    """Return a text with single spaces."""
    return " ".join((text or "").split())


def damaged(path: Path, line: int, what: str) -> UserError:
    """Return the error that says where a file is damaged."""
    return UserError(
        f"{path}, line {line}: {what}.", fix=f"download {path.name} anew from CDC/NCHS"
    )


class _Reader:
    """Feeds expat and collects the finished units."""

    def __init__(self, path: Path, root: str, units: Collection[str]) -> None:
        self._path, self._root, self._units = path, root, units
        self._depth = 0
        self._builder: TreeBuilder | None = None
        self._finished: list[Element] = []
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        self._parser = parser

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        self._parser.Parse(piece, last)

    def finished(self) -> list[Element]:
        found, self._finished = self._finished, []
        return found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and tag != self._root:
            raise self._damaged(f"the root is <{tag}>, not <{self._root}>")
        if self._depth > _DEEPEST:
            raise self._damaged(f"elements are nested more than {_DEEPEST} deep")
        if self._depth == 1 and tag in self._units:
            self._builder = TreeBuilder(element_factory=XMLElement)
        if self._builder:
            element = self._builder.start(tag, attributes)
            assert isinstance(element, XMLElement)
            element.line = self._parser.CurrentLineNumber
        self._depth += 1

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._builder:
            self._builder.end(tag)
            if self._depth == 1:
                self._finished.append(self._builder.close())
                self._builder = None

    def _text(self, text: str) -> None:
        if self._builder:
            self._builder.data(text)

    def _entity(self, name: str, *_: object) -> None:
        raise self._damaged(f"declares the entity {name!r}, which no official file does")

    def _damaged(self, what: str) -> UserError:
        return damaged(self._path, self._parser.CurrentLineNumber, what)
