import pytest

from indexes.circumstances import CircumstanceGenerator
from knowledge.code_systems import get_icd10cm
from knowledge.note_text import Note


@pytest.fixture(scope="session")
def evidence():
    """Return the codes that start with a prefix, each with the words that ask for it."""
    generator = CircumstanceGenerator(get_icd10cm())

    def read(text, prefix=""):
        found = generator.candidates(Note.parse(text), 100)
        return {
            c.code: [text[m.span.start : m.span.end] for m in c.mentions]
            for c in found
            if c.code.startswith(prefix)
        }

    return read


@pytest.fixture(scope="session")
def codes(evidence):
    """Return the codes that start with a prefix, or one of several, in alphabetic order."""
    return lambda text, prefix="": sorted(evidence(text, prefix))
