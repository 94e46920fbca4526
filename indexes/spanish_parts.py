"""The parts that learned from Spanish notes: mentions, evidence lines, lexicon, ranker.

They lie in the folder ``es`` of the learned parts. The generators that know codes by their English
wordings speak too, on a gloss of the note (`indexes.glossing`); PLM-ICD knows English only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from indexes.bundle import Bundle
from indexes.candidates import CandidateGenerator
from indexes.cognates import Cognates
from indexes.encoder import english_words
from indexes.evidence_lines import LineGenerator, LineModel
from indexes.figures import FigureGenerator
from indexes.glossing import GlossedGenerator, Glosser, Lexicon
from indexes.language import SPANISH
from indexes.learned import Learned, LearnedFiles
from indexes.lexical import LexicalGenerator
from indexes.mentions import MentionGenerator, MentionTable
from indexes.ranker.model import Ranker, RankerFiles
from indexes.term_table import Term
from indexes.terms import TermGenerator
from indexes.tokens import tokenise
from indexes.words_alone import WordsAlone
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError

FOLDER = "es"


@dataclass(frozen=True, slots=True)
class SpanishFiles(LearnedFiles):
    """The files of the Spanish parts in one folder."""

    @property
    def lexicon(self) -> Path:
        """The Spanish-English lexicon."""
        return self.folder / "lexicon.tsv.gz"

    @classmethod
    def beside(cls, learned: LearnedFiles) -> "SpanishFiles":
        """Return the Spanish parts of a folder of learned parts."""
        return cls(learned.folder / FOLDER)

    def parts(self) -> list[Path]:
        """Return every file that the manifest vouches for."""
        ranker = RankerFiles(self.folder)
        return [self.mentions, self.lines, self.lexicon, ranker.trees, ranker.card]

    def _unusable(self, what: str) -> UserError:
        return UserError(
            f"The Spanish parts in {self.folder} cannot be used: {what}.",
            fix=f"icd-agent train ranker DATA.jsonl --language es --out {self.folder.parent}",
        )


class EnglishWordings(NamedTuple):
    """What is looked up in a gloss.

    Attributes:
        terms: The term table.
        lexical: BM25.
    """

    terms: Sequence[Term]
    lexical: LexicalGenerator

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Return those of the English generators."""
        return cls(bundle.terms.table, bundle.lexical)


class SpanishVoices(NamedTuple):
    """What speaks on Spanish notes.

    Attributes:
        untrained: The English generators, on the gloss.
        learned: What learned from Spanish notes.
        identity: Identifies the English wordings and the training.
    """

    untrained: Sequence[CandidateGenerator]
    learned: Learned
    identity: str


def glosser_of(lexicon: Lexicon, terms: Iterable[Term]) -> Glosser:
    """Return the glosser that knows the words of English terms as cognates."""
    tokens = (token.text for term in terms for token in tokenise(term.text.lower()))
    return Glosser(lexicon, Cognates(tokens), load_abbreviations("es"))


def glossed_generators(
    glosser: Glosser, wordings: EnglishWordings, system: CodeSystem
) -> Sequence[CandidateGenerator]:
    """Return the English generators that are of use on a gloss."""
    # English abbreviations mean something else in Spanish notes.
    terms = TermGenerator(wordings.terms, system, (), english_words())
    readers = (terms, FigureGenerator(), wordings.lexical)
    return [GlossedGenerator(reader, glosser, system) for reader in readers]


def load_spanish(bundle: Bundle, system: CodeSystem) -> SpanishVoices:
    """Load all that speaks on Spanish notes.

    Args:
        bundle: The English generators; the Spanish parts lie in the folder of its learned parts.
        system: The code system in use.

    Raises:
        UserError: A part is missing, damaged or belongs to another release.
    """
    encoder, files = WordsAlone(), SpanishFiles.beside(bundle.learned_files)
    files.verify(system, encoder, any_release=bundle.any_release)
    wordings = EnglishWordings.of(bundle)
    glosser = glosser_of(Lexicon.load(files.lexicon), wordings.terms)
    return SpanishVoices(
        untrained=glossed_generators(glosser, wordings, system),
        learned=Learned(
            mentions=MentionGenerator(MentionTable.load(files.mentions), forms=SPANISH),
            lines=LineGenerator(LineModel.load(files.lines), encoder),
            plm_icd=None,
            ranker=Ranker.load(files.folder, system, glosser.stems),
        ),
        identity=f"{bundle.identity}+{files.identity}",
    )
