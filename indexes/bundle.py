"""All generators over one set of artefacts, loaded once."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from indexes.artefacts import Artefacts
from indexes.candidates import CandidateGenerator
from indexes.circumstances import CircumstanceGenerator
from indexes.dense import DenseGenerator
from indexes.encoder import BUNDLED_FOLDER, Encoder, EncoderFiles, load_encoder
from indexes.figures import FigureGenerator
from indexes.learned import Learned, LearnedFiles, load_learned
from indexes.lexical import LexicalGenerator
from indexes.remembering_encoder import REMEMBERED_TEXTS, RememberingEncoder
from indexes.rows import read_rows
from indexes.term_table import read_terms
from indexes.terms import TermGenerator
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems.base import CodeSystem


class Bundle(NamedTuple):
    """The generators and the identity of what they were loaded from.

    Attributes:
        terms: Term look-up.
        figures: Body mass index.
        circumstances: Status, history, drugs, reasons for encounters, external causes.
        dense: FAISS.
        lexical: BM25.
        learned: What learned from coded notes; None where the folder holds no such parts.
        encoder: Of the dense index; it remembers recent texts.
        known_words: Words that are spelt right.
        identity: Identifies the build and the training.
    """

    terms: TermGenerator
    figures: FigureGenerator
    circumstances: CircumstanceGenerator
    dense: DenseGenerator
    lexical: LexicalGenerator
    learned: Learned | None
    encoder: Encoder
    known_words: frozenset[str]
    identity: str

    @property
    def generators(self) -> Sequence[CandidateGenerator]:
        """The generators that learned nothing from coded notes, in the order they are asked."""
        return (self.terms, self.figures, self.circumstances, self.dense, self.lexical)


def load_bundle(
    system: CodeSystem,
    directory: Path | None = None,
    learned: Path | None = None,
    *,
    with_learned: bool = True,
    remembered_texts: int = REMEMBERED_TEXTS,
) -> Bundle:
    """Load the generators.

    Args:
        system: The code system of the artefacts.
        directory: A folder that ``icd-agent index build`` wrote; None takes the shipped one.
        learned: Folder of learned parts; that of the artefacts, where they have one, if None. Where
            official files were adopted these are the shipped parts: they learned how notes are
            worded, and codes that the release has dropped are left out of a ranking.
        with_learned: Whether to load learned parts at all.
        remembered_texts: Vectors that the encoder remembers.

    Raises:
        UserError: The artefacts are missing, damaged, or belong to another encoder or release.
    """
    artefacts = Artefacts.from_directory(directory) if directory else Artefacts.bundled()
    encoder = RememberingEncoder(load_encoder(artefacts.read_manifest().encoder), remembered_texts)
    adopted = bool(artefacts.verify(system, encoder).official)
    known_words = english_words()
    own = Artefacts.bundled().learned if adopted else artefacts.learned
    files = LearnedFiles(learned or own)
    with_learned = with_learned and (learned is not None or files.manifest.is_file())
    rows = read_rows(artefacts.rows)
    terms = read_terms(artefacts.terms)
    return Bundle(
        terms=TermGenerator(terms, system, load_abbreviations(), known_words),
        figures=FigureGenerator(),
        circumstances=CircumstanceGenerator(system),
        dense=DenseGenerator.load(artefacts, encoder, rows),
        lexical=LexicalGenerator.load(artefacts, rows),
        learned=load_learned(files, system, encoder, known_words, any_release=adopted)
        if with_learned
        else None,
        encoder=encoder,
        known_words=known_words,
        identity=artefacts.identity + (f"+{files.identity}" if with_learned else ""),
    )


@functools.cache
def english_words() -> frozenset[str]:
    """Return the whole words in the vocabulary of the bundled encoder: they are spelt right."""
    tokenizer = json.loads(EncoderFiles(BUNDLED_FOLDER).tokenizer.read_text(encoding="utf-8"))
    return frozenset(w for w in tokenizer["model"]["vocab"] if w.isalpha())
