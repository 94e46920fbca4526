"""Where words stand in a note: by stem, or as a coder types them."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from indexes.tokens import token_stems, tokenise
from knowledge.errors import UserError
from knowledge.note_text import Note, Span


class WordPlaces:
    """The stems of a note and where each stands."""

    def __init__(self, note: Note) -> None:
        tokens = tokenise(note.text)
        self._places: dict[str, list[Span]] = defaultdict(list)
        for token, stem in zip(tokens, token_stems(tokens), strict=True):
            if stem:
                self._places[stem].append(Span(token.start, token.end))

    def of(self, stem: str, within: Iterable[Span] | None = None) -> list[Span]:
        """Return the places of a stem, in the note or within parts of it."""
        places = self._places.get(stem, [])
        if within is None:
            return list(places)
        parts = list(within)
        return [place for place in places if any(part.contains(place) for part in parts)]


def words_of(text: str, stems: Collection[str]) -> list[str]:
    """Return the words of a text that have one of the stems, each once, in order."""
    tokens = tokenise(text)
    found = zip(tokens, token_stems(tokens), strict=True)
    return list(dict.fromkeys(token.text.lower() for token, stem in found if stem in stems))


def find_words(note: Note, words: str) -> Span:
    """Return where the words of a coder stand in the note; case and line breaks do not matter.

    Raises:
        UserError: They do not stand there.
    """
    pattern = r"\s+".join(re.escape(word) for word in words.split())
    match = re.search(pattern, note.text, re.IGNORECASE)
    if match is None:
        raise UserError(
            f"the note does not hold the words {words!r}",
            fix="give the words as they stand in the note, or none",
        )
    return Span(match.start(), match.end())


def sentences_at(note: Note, spans: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the sentences in which spans begin, each once, in order."""
    found = (note.sentence_at(start) for start, _ in spans)
    return sorted({sentence.span for sentence in found if sentence})
