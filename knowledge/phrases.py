"""Phrases as data: templates with alternatives, compiled into one tree over the words of a text.

A template is lower case. ``(a|b|)`` expands to each alternative, an empty one may be left out;
``{name}`` takes any word of a word set; ``~`` takes up to three words, whatever they are. Matching
costs one walk from each word, however many phrases there are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

_TOKEN = re.compile(r"\w+(?:[/'’-]\w+)*|[^\w\s]")
_CHOICE = re.compile(r"\(([^()]*)\)")
_LEAF = ""  # key of a node for what ends there; no token is empty
_GAP = "~"
_GAP_WORDS = 3
_T = TypeVar("_T")


class PhraseToken(NamedTuple):
    """A word or punctuation mark, lower case, with offsets into the text it was read from."""

    text: str
    start: int
    end: int


def phrase_tokens(text: str) -> list[PhraseToken]:
    """Return the words and punctuation marks of a text; "s/p" and "x-ray" are one word each."""
    return [
        PhraseToken(match[0].lower().replace("’", "'"), match.start(), match.end())
        for match in _TOKEN.finditer(text)
    ]


@lru_cache(maxsize=10_000)
def _words(part: str) -> tuple[str, ...]:
    """Return the tokens of a part of a phrase; the same few stand in thousands of phrases."""
    return tuple(token.text for token in phrase_tokens(part))


def expand_template(template: str) -> Iterator[str]:
    """Yield the phrases of a template, innermost choice ``(a|b|)`` first."""
    choice = _CHOICE.search(template)
    if choice is None:
        yield template
        return
    for alternative in choice[1].split("|"):
        yield from expand_template(
            template[: choice.start()] + alternative + template[choice.end() :]
        )


class PhraseTree(Generic[_T]):
    """Phrases by token, each with a value.

    Args:
        words: Word sets by name, each written as a choice: ``(mother|father|twin sister)``.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._sets: dict[str, str] = {}
        self._edges: dict[str, list[str]] = {}
        self._root: dict[str, Any] = {}
        for name, listed in words.items():
            options = listed.strip("()").split("|")
            single = [word for word in options if len(phrase_tokens(word)) == 1]
            several = [word for word in options if word not in single]
            self._sets[f"{{{name}}}"] = f"({'|'.join([f'{{{name}}}', *several])})"
            for word in single:
                self._edges.setdefault(word, []).append(f"{{{name}}}")

    def phrases(self, template: str) -> Iterator[str]:
        """Yield the phrases of a template that names word sets."""
        for name, choice in self._sets.items():
            template = template.replace(name, choice)
        for phrase in expand_template(template):
            yield " ".join(phrase.split())

    def add(self, template: str, value: _T) -> None:
        """Store ``value`` under every phrase of the template; what a phrase has already stays."""
        for phrase in self.phrases(template):
            self.put(phrase, value)

    def put(self, phrase: str, value: _T) -> None:
        """Store ``value`` under a phrase that `phrases` gave; what it has already stays."""
        node = self._root
        for part in phrase.split():
            for edge in (part,) if part in self._sets else _words(part):
                node = node.setdefault(edge, {})
        node.setdefault(_LEAF, value)

    def longest(self, tokens: Sequence[PhraseToken], at: int) -> tuple[int, _T] | None:
        """Return the end and the value of the longest phrase that starts at token ``at``."""
        best: tuple[int, _T] | None = None
        stack = [(self._root, at)]
        while stack:
            node, position = stack.pop()
            if _LEAF in node and (best is None or position > best[0]):
                best = position, node[_LEAF]
            if _GAP in node:
                stack.extend((node[_GAP], after) for after in _gap_ends(tokens, position))
            if position < len(tokens):
                word = tokens[position].text
                for edge in (word, *self._edges.get(word, ())):
                    if edge in node:
                        stack.append((node[edge], position + 1))
        return best


def _gap_ends(tokens: Sequence[PhraseToken], start: int) -> Iterator[int]:
    """Yield where a gap that opens at ``start`` may end; it holds words, no punctuation."""
    for end in range(start, min(start + _GAP_WORDS, len(tokens)) + 1):
        if end > start and not tokens[end - 1].text[0].isalnum():
            return
        yield end
