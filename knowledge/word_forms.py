"""Words that stand for each other in code titles and in notes (``data/word_forms.yaml``).

Only the list lives here; how words are compared is the work of ``indexes``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from knowledge.strict_yaml import read_yaml

_DATA = Path(__file__).parent / "data" / "word_forms.yaml"


@dataclass(frozen=True, slots=True)
class WordForm:
    """A wording that may stand in the place of another one.

    Attributes:
        written: The words as they stand in a title, one or several.
        instead: The words that mean the same.
    """

    written: str
    instead: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    alike: list[list[str]]
    plainer: dict[str, list[str]]


@cache
def load_word_forms() -> Sequence[WordForm]:
    """Return each wording with each that may stand in its place, in file order.

    Raises:
        ValueError: The file breaks its schema or gives a pair twice.
    """
    file = _File.model_validate(read_yaml(_DATA))
    forms = [
        WordForm(one, other)
        for group in file.alike
        for one in group
        for other in group
        if one != other
    ]
    forms += [WordForm(title, plain) for title, texts in file.plainer.items() for plain in texts]
    if len(set(forms)) < len(forms):
        repeated = sorted({f.written for f in forms if forms.count(f) > 1})
        raise ValueError(f"word forms listed twice: {', '.join(repeated)}")
    return tuple(forms)
