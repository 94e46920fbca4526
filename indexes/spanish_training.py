"""Trains the Spanish parts from coded Spanish notes; what was finished is not done again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson

from indexes.coded_notes import CodedNote, data_identity
from indexes.cross_fitting import CrossFitted, Folds, ProgressBar, Voices, cross_fit
from indexes.evidence_lines import LineGenerator, LineModel
from indexes.glossing import Lexicon
from indexes.language import SPANISH
from indexes.lexicon_learning import learn_lexicon, title_pairs
from indexes.line_learning import learn_lines
from indexes.mention_learning import learn_mentions
from indexes.mentions import MentionGenerator
from indexes.ranker.model import Ranker
from indexes.ranker.priors import CodePriors
from indexes.ranker.train import Stacked, train_ranker
from indexes.spanish_parts import EnglishWordings, SpanishFiles, glossed_generators, glosser_of
from indexes.words_alone import WordsAlone
from knowledge.code_systems import get_code_system
from knowledge.code_systems.base import CodeSystem

# Of the evidence lines. At .003 the file is twice as large and their micro-F1 .006 higher.
_LEAST_WEIGHT = 0.005

# Short Spanish texts and their English translations, by id of the note they are from.
Translations: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]


class SpanishWorkshop(NamedTuple):
    """What training needs besides the notes.

    Attributes:
        system: The code system.
        titles: Spanish titles by code.
        wordings: What is looked up in a gloss.
        folder: Where unfinished work is kept.
        progress: Opens progress bars.
        index_identity: Identifies the build of the English wordings.
        folds: Parts into which the notes are dealt.
        hidden_share: As in `Folds`.
    """

    system: CodeSystem
    titles: Mapping[str, str]
    wordings: EnglishWordings
    folder: Path
    progress: ProgressBar
    index_identity: str
    hidden_share: float
    folds: int = 5


@dataclass(frozen=True, slots=True)
class _Titled:
    """A code as far as its Spanish title goes."""

    title: str


class _SpanishTitles:
    """The codes that have a Spanish title."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def __contains__(self, code: object) -> bool:
        return code in self._titles

    def get(self, code: str) -> _Titled:
        """Return the entry of a code."""
        return _Titled(self._titles[code])


def train_spanish(
    notes: Sequence[CodedNote],
    translations: Translations,
    out: SpanishFiles,
    shop: SpanishWorkshop,
) -> Stacked:
    """Train every Spanish part and write the folder.

    Args:
        notes: Spanish training notes, with evidence.
        translations: Parts of the notes in both languages, by id of the note; may be empty.
        out: The folder to write.
        shop: Tools of training.

    Returns:
        The ranker with its out-of-fold confidences of the training notes.

    Raises:
        UserError: The notes have no evidence.
    """
    features = spanish_features(notes, translations, shop)
    identity = data_identity(notes)
    with shop.progress("Ranker") as progress:
        stacked = train_ranker(*features, identity, progress)
    lines = _lines(notes, shop)
    mentions = learn_mentions(notes, SPANISH)
    lexicon = _lexicon(notes, translations, shop)
    out.folder.mkdir(parents=True, exist_ok=True)
    # Parts that were there before stay whole until all new ones are made.
    out.manifest.unlink(missing_ok=True)
    mentions.save(out.mentions)
    lines.save(out.lines)
    lexicon.save(out.lexicon)
    Ranker(stacked.booster, stacked.card, shop.system).save(out.folder)
    out.write_manifest(shop.system, WordsAlone(), identity, len(notes))
    return stacked


def spanish_features(
    notes: Sequence[CodedNote], translations: Translations, shop: SpanishWorkshop
) -> CrossFitted:
    """Return the features of all notes, each made by parts that learned from other folds.

    Args:
        notes: The training notes.
        translations: As in `train_spanish`.
        shop: Tools of training.
    """

    def voices_of(number: int, others: Sequence[CodedNote]) -> Voices:
        glosser = glosser_of(_lexicon(others, translations, shop), shop.wordings.terms)
        generators = (
            *glossed_generators(glosser, shop.wordings, shop.system),
            MentionGenerator(learn_mentions(others, SPANISH), forms=SPANISH),
            LineGenerator(_lines(others, shop), WordsAlone()),
        )
        return Voices(generators, glosser.stems)

    def priors_of(positions: Sequence[int]) -> CodePriors:
        return CodePriors.of(notes[n].codes for n in positions)

    identity = _identity(notes, shop, shop.index_identity, shop.folds, shop.hidden_share)
    how = Folds(
        system=shop.system,
        folder=shop.folder,
        identity=lambda _: identity,
        progress=shop.progress,
        parts=shop.folds,
        hidden_share=shop.hidden_share,
    )
    return cross_fit(notes, voices_of, priors_of, how)


def _lexicon(
    notes: Sequence[CodedNote], translations: Translations, shop: SpanishWorkshop
) -> Lexicon:
    of_notes = (pair for coded in notes for pair in translations.get(coded.id, ()))
    editions = (shop.system, get_code_system("icd10who"))
    return learn_lexicon([*title_pairs(shop.titles, editions), *of_notes])


def _lines(notes: Sequence[CodedNote], shop: SpanishWorkshop) -> LineModel:
    """Return the evidence lines; those that a former run learned from the same notes are read."""
    kept = shop.folder / f"lines-es.{_identity(notes, shop, _LEAST_WEIGHT)}.npz"
    if not kept.is_file():
        with shop.progress("Evidence lines") as progress:
            lines = learn_lines(
                notes, WordsAlone(), _SpanishTitles(shop.titles), progress, _LEAST_WEIGHT
            )
        unfinished = kept.with_suffix(".unfinished")
        lines.save(unfinished)
        unfinished.replace(kept)
    return LineModel.load(kept)


def _identity(notes: Sequence[CodedNote], shop: SpanishWorkshop, *settings: object) -> str:
    """Identify notes, titles and settings, to name unfinished work."""
    described = orjson.dumps(["es", data_identity(notes), sorted(shop.titles.items()), *settings])
    return hashlib.sha256(described).hexdigest()[:16]
