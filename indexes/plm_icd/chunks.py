"""A note as chunks of tokens that an encoder can read, with the way back to the note's text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.note_text import Note


class SpecialTokens(NamedTuple):
    """Ids of the tokens put before and after each chunk, and of the padding."""

    first: int
    last: int
    padding: int


class TokenChunks(NamedTuple):
    """A note cut into chunks.

    Attributes:
        ids: Token ids of each chunk, special tokens included.
        offsets: Offsets of the tokens into the note, shape (tokens, 2); special tokens left out.
    """

    ids: list[list[int]]
    offsets: NDArray[np.int64]

    @property
    def tokens(self) -> int:
        """Number of tokens without the special ones."""
        return len(self.offsets)


def chunk_note(
    note: Note,
    tokenizer: Tokenizer,
    special: SpecialTokens,
    size: int,
    max_tokens: int | None = None,
) -> TokenChunks:
    """Cut a note into chunks that end with a sentence wherever a sentence fits.

    Args:
        note: The note.
        tokenizer: Without truncation and padding.
        special: Its special tokens.
        size: Tokens of a chunk, special ones included.
        max_tokens: Tokens after which the note is cut; None keeps all of it.
    """
    encoding = tokenizer.encode(note.text, add_special_tokens=False)
    ids = encoding.ids[:max_tokens]
    offsets = np.array(encoding.offsets[: len(ids)], dtype=np.int64).reshape(len(ids), 2)
    starts = np.array([s.span.start for s in note.sentences], dtype=np.int64)
    sentence = np.searchsorted(starts, offsets[:, 0], side="right").tolist()
    chunks = [
        [special.first, *ids[begin:end], special.last] for begin, end in _cuts(sentence, size - 2)
    ]
    return TokenChunks(chunks, offsets)


def _cuts(sentence: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each chunk of at most ``size`` tokens.

    Args:
        sentence: For each token the number of its sentence, ascending.
        size: Tokens of a chunk.
    """
    begin = 0
    while begin < len(sentence):
        end = min(begin + size, len(sentence))
        if end < len(sentence):
            whole = end
            while whole > begin and sentence[whole - 1] == sentence[end]:
                whole -= 1
            end = whole if whole > begin else end
        yield begin, end
        begin = end
