"""Trains all learned parts of a folder from coded notes; what was finished is not done again.

Work that takes long is kept in a folder of its own, named after notes and settings: checkpoints of
PLM-ICD and the features of each fold. A run that was stopped goes on from there.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson

from indexes.candidates import CandidateGenerator
from indexes.coded_notes import CodedNote, data_identity, folds
from indexes.encoder import Encoder
from indexes.evidence_lines import LineGenerator, LineModel
from indexes.hold_out import draw_codes, hide
from indexes.learned import LearnedFiles
from indexes.line_learning import learn_lines
from indexes.mention_learning import learn_mentions
from indexes.mentions import MentionGenerator
from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.epoch import Epoch
from indexes.plm_icd.files import PLMCard, PLMFiles
from indexes.ranker.features import FeatureBuilder, FeatureTable, proposals
from indexes.ranker.model import Ranker
from indexes.ranker.pool import pool
from indexes.ranker.priors import CodePriors
from indexes.ranker.track_record import Proposal
from indexes.ranker.train import NoteFeatures, Stacked, train_ranker
from knowledge.code_systems.base import CodeSystem

_SEED = 0
# Out of fold on CodiEsp train it takes the recall of held-out codes from .12 to about .22 without
# cost in micro-F1 where all codes are known; .3 takes it to .32 and costs .004.
HIDDEN_SHARE = 0.1

Progress: TypeAlias = Callable[[int, int], None]
# Opens a progress bar with a title.
ProgressBar: TypeAlias = Callable[[str], AbstractContextManager[Progress]]


class Workshop(NamedTuple):
    """What training needs besides the notes.

    Attributes:
        system: The code system.
        encoder: The bundled encoder, with a memory.
        untrained: The generators that learn nothing from coded notes.
        known_words: Words that are spelt right.
        plm: How PLM-ICD is trained.
        folder: Where unfinished work is kept.
        progress: Opens progress bars.
        on_epoch: Told the name of a PLM-ICD model and what an epoch of its training came to.
        index_identity: Identifies the build of the untrained generators.
        folds: Parts into which the notes are dealt.
        hidden_share: Share of the codes whose candidates the ranker also sees as if nothing had
            been learned of them, drawn anew for each fold.
    """

    system: CodeSystem
    encoder: Encoder
    untrained: Sequence[CandidateGenerator]
    known_words: frozenset[str]
    plm: PLMConfig
    folder: Path
    progress: ProgressBar
    on_epoch: Callable[[str, Epoch], None]
    index_identity: str
    folds: int = 5
    hidden_share: float = HIDDEN_SHARE


def train_plm(
    notes: Sequence[CodedNote],
    out: Path,
    config: PLMConfig,
    system: CodeSystem,
    work: Path,
    progress_bar: ProgressBar,
    on_epoch: Callable[[str, Epoch], None],
) -> PLMCard:
    """Train and export one PLM-ICD model; a run that was stopped goes on after its last epoch.

    Args:
        notes: The training notes.
        out: Folder of the exported model.
        config: How it is trained.
        system: The code system of the notes.
        work: Folder of the checkpoint.
        progress_bar: Opens progress bars.
        on_epoch: Told the name of the folder and what an epoch came to.
    """
    from indexes.plm_icd.export import export
    from indexes.plm_icd.train import train

    identity = data_identity(notes)
    run = hashlib.sha256(f"{identity} {config.model_dump_json()}".encode()).hexdigest()[:16]
    with progress_bar(f"PLM-ICD {out.name}") as progress:
        trained = train(
            notes,
            system,
            config,
            checkpoint=work / f"{out.name}.{run}.checkpoint",
            on_epoch=functools.partial(on_epoch, out.name),
            on_step=progress,
        )
    return export(trained, system, identity, out)


def train_all(notes: Sequence[CodedNote], out: LearnedFiles, shop: Workshop) -> Stacked:
    """Train every learned part and write the folder.

    Args:
        notes: The training notes.
        out: The folder to write; a PLM-ICD in it that was trained on these notes in this way stays.
        shop: Tools of training.

    Returns:
        The ranker with its out-of-fold confidences of the training notes.
    """
    out.folder.mkdir(parents=True, exist_ok=True)
    _ensure_plm(notes, out.plm_icd, shop.plm, shop)
    features = cross_fitted_features(notes, shop)
    identity = data_identity(notes)
    with shop.progress("Ranker") as progress:
        stacked = train_ranker(*features, identity, progress)
    with shop.progress("Mentions and evidence lines") as progress:
        mentions = learn_mentions(notes)
        lines = learn_lines(notes, shop.encoder, shop.system, progress)
    # Parts that were there before stay whole until all new ones are made.
    out.manifest.unlink(missing_ok=True)
    mentions.save(out.mentions)
    lines.save(out.lines)
    Ranker(stacked.booster, stacked.card, shop.system).save(out.folder)
    out.write_manifest(shop.system, shop.encoder, identity, len(notes))
    return stacked


class CrossFitted(NamedTuple):
    """What a ranker is trained on.

    Attributes:
        notes: Features of the training notes.
        names: Their names.
        priors: Counts of all training notes, for coding new ones.
    """

    notes: list[NoteFeatures]
    names: Sequence[str]
    priors: CodePriors


def cross_fitted_features(
    notes: Sequence[CodedNote],
    shop: Workshop,
    unborn: Set[str] = frozenset(),
) -> CrossFitted:
    """Return the features of all notes, each made by parts that learned from other folds.

    PLM-ICD has no voice: it learned from the same sentences as the evidence lines and adds nothing
    to them, while one for each fold would take most of the training.

    Args:
        notes: The training notes.
        shop: Tools of training.
        unborn: Codes that did not exist when the notes were coded: that they were proposed and not
            given says nothing of them.
    """
    found: dict[int, _Named] = {}
    parts = folds(len(notes), shop.folds, _SEED)
    proposed = _proposals(notes, shop)
    for number, held_out in enumerate(parts):
        others = sorted(set(range(len(notes))).difference(held_out))
        priors = _priors(others, notes, proposed).without(unborn)
        found.update(_fold_features(number, held_out, notes, priors, shop))
    tables = [table for named in found.values() for table in named]
    names = sorted({name for table in tables for values in table.values() for name in values})
    fold_of = {n: number for number, held_out in enumerate(parts) for n in held_out}
    return CrossFitted(
        [
            NoteFeatures(
                fold_of[n],
                *_table(found[n].known, names),
                notes[n].codes,
                _table(found[n].hidden, names),
            )
            for n in range(len(notes))
        ],
        names,
        _priors(range(len(notes)), notes, proposed).without(unborn),
    )


def _proposals(notes: Sequence[CodedNote], shop: Workshop) -> list[list[Proposal]]:
    """Return what the untrained generators propose for each note."""
    settings = [[n.note.text for n in notes], shop.encoder.fingerprint, shop.index_identity]
    identity = hashlib.sha256(orjson.dumps(settings)).hexdigest()[:16]
    kept = shop.folder / f"proposals.{identity}.json"
    if not kept.is_file():
        found = []
        with shop.progress("Proposals of the untrained generators") as progress:
            for done, coded in enumerate(notes, start=1):
                rankings = pool(coded.note, shop.untrained, shop.system)
                found.append([list(proposal) for proposal in proposals(rankings)])
                progress(done, len(notes))
        _keep(kept, found)
    return [[Proposal(*fields) for fields in row] for row in orjson.loads(kept.read_bytes())]


def _priors(
    positions: Iterable[int], notes: Sequence[CodedNote], proposed: Sequence[Sequence[Proposal]]
) -> CodePriors:
    """Return the counts of some of the notes."""
    chosen = list(positions)
    return CodePriors.of((notes[n].codes for n in chosen), [proposed[n] for n in chosen])


class _Named(NamedTuple):
    """Features of one note by candidate and name.

    Attributes:
        known: Of all candidates.
        hidden: Of some of them, without what was learned of their codes.
    """

    known: dict[str, dict[str, float]]
    hidden: dict[str, dict[str, float]]


def _fold_features(
    number: int,
    held_out: Sequence[int],
    notes: Sequence[CodedNote],
    priors: CodePriors,
    shop: Workshop,
) -> dict[int, _Named]:
    """Return the named features of the notes of one fold by their position."""
    kept = shop.folder / f"features-{number}.{_run_identity(notes, priors, shop)}.json"
    if kept.is_file():
        return {int(n): _Named(**found) for n, found in orjson.loads(kept.read_bytes()).items()}
    others = [coded for n, coded in enumerate(notes) if n not in set(held_out)]
    learned = learned_generators(others, f" without fold {number + 1}", shop)
    generators = [*shop.untrained, *learned]
    hidden = draw_codes((coded.codes for coded in others), shop.hidden_share, number)
    builder = FeatureBuilder(shop.system, priors)
    ignorant = FeatureBuilder(shop.system, priors.without(hidden))
    features: dict[int, _Named] = {}
    with shop.progress(f"Features of fold {number + 1} of {shop.folds}") as progress:
        for done, n in enumerate(held_out):
            note = notes[n].note
            rankings = pool(note, generators, shop.system)
            unknown = ignorant.named(note, hide(rankings, hidden)) if hidden else {}
            features[n] = _Named(
                builder.named(note, rankings),
                {code: values for code, values in unknown.items() if code in hidden},
            )
            progress(done + 1, len(held_out))
    _keep(kept, {str(n): found._asdict() for n, found in features.items()})
    return features


def _keep(path: Path, value: object) -> None:
    """Write JSON aside and rename it: a run killed here leaves no half file."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(orjson.dumps(value))
    unfinished.replace(path)


def learned_generators(
    notes: Sequence[CodedNote], which: str, shop: Workshop
) -> list[CandidateGenerator]:
    """Return mention dictionary and evidence lines as they learn from notes, without PLM-ICD.

    Evidence lines that a former run learned from the same notes are read instead.

    Args:
        notes: The notes.
        which: What distinguishes them, for the title of the progress bar.
        shop: Tools of training.
    """
    identity = hashlib.sha256((data_identity(notes) + shop.encoder.fingerprint).encode())
    kept = shop.folder / f"lines.{identity.hexdigest()[:16]}.npz"
    if not kept.is_file():
        with shop.progress(f"Evidence lines{which}") as progress:
            lines = learn_lines(notes, shop.encoder, shop.system, progress)
        unfinished = kept.with_suffix(".unfinished")
        lines.save(unfinished)
        unfinished.replace(kept)
    return [
        MentionGenerator(learn_mentions(notes), shop.known_words),
        LineGenerator(LineModel.load(kept), shop.encoder),
    ]


def _ensure_plm(
    notes: Sequence[CodedNote], folder: Path, config: PLMConfig, shop: Workshop
) -> None:
    """Train PLM-ICD unless the folder holds the model that would come of it."""
    files = PLMFiles(folder)
    if files.card.is_file():
        card = files.read_card()
        if card.config == config and card.data_sha256 == data_identity(notes):
            return
    train_plm(notes, folder, config, shop.system, shop.folder, shop.progress, shop.on_epoch)


def _run_identity(notes: Sequence[CodedNote], priors: CodePriors, shop: Workshop) -> str:
    settings = [
        data_identity(notes),
        priors.to_json(),
        shop.encoder.fingerprint,
        shop.index_identity,
        shop.folds,
        shop.hidden_share,
    ]
    return hashlib.sha256(orjson.dumps(settings)).hexdigest()[:16]


def _table(named: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> FeatureTable:
    values = [[found.get(name, np.nan) for name in names] for found in named.values()]
    matrix = np.array(values, dtype=np.float32).reshape(len(named), len(names))
    return FeatureTable(list(named), matrix)
