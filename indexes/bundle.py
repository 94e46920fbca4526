"""All generators over one set of artefacts, loaded once."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from indexes.artefacts import BUNDLED_DIRECTORY, Artefacts
from indexes.candidates import CandidateGenerator
from indexes.dense import DenseGenerator
from indexes.encoder import BUNDLED_FOLDER, EncoderFiles, load_encoder
from indexes.figures import FigureGenerator
from indexes.lexical import LexicalGenerator
from indexes.rows import read_rows
from indexes.term_table import read_terms
from indexes.terms import TermGenerator
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems.base import CodeSystem


class Bundle(NamedTuple):
    """The generators and the identity of what they were loaded from."""

    terms: TermGenerator
    figures: FigureGenerator
    dense: DenseGenerator
    lexical: LexicalGenerator
    identity: str

    @property
    def generators(self) -> Sequence[CandidateGenerator]:
        """All generators, in the order in which they are asked."""
        return (self.terms, self.figures, self.dense, self.lexical)


def load_bundle(system: CodeSystem, directory: Path = BUNDLED_DIRECTORY) -> Bundle:
    """Load the generators.

    Args:
        system: The code system of the artefacts.
        directory: A folder that ``icd-agent index build`` wrote.

    Raises:
        UserError: The artefacts are missing, damaged, or belong to another encoder or release.
    """
    artefacts = Artefacts.from_directory(directory)
    encoder = load_encoder(artefacts.read_manifest().encoder)
    artefacts.verify(system, encoder)
    rows = read_rows(artefacts.rows)
    terms = read_terms(artefacts.terms)
    return Bundle(
        terms=TermGenerator(terms, system, load_abbreviations(), _english_words()),
        figures=FigureGenerator(),
        dense=DenseGenerator.load(artefacts, encoder, rows),
        lexical=LexicalGenerator.load(artefacts, rows),
        identity=artefacts.identity,
    )


@functools.cache
def _english_words() -> frozenset[str]:
    """Return the whole words in the vocabulary of the bundled encoder: they are spelt right."""
    tokenizer = json.loads(EncoderFiles(BUNDLED_FOLDER).tokenizer.read_text(encoding="utf-8"))
    return frozenset(w for w in tokenizer["model"]["vocab"] if w.isalpha())
