"""Features of training notes, each made by parts that learned from other notes.

The notes are dealt into folds; for each the parts learn from the other folds, and their voices on
this one become features. What was finished for a fold is kept in a file, so that a run that was
stopped goes on from there.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson

from indexes.candidates import CandidateGenerator
from indexes.coded_notes import CodedNote, folds
from indexes.hold_out import draw_codes, hide
from indexes.ranker.features import FeatureBuilder, FeatureTable, StemsOf, note_stems
from indexes.ranker.pool import pool
from indexes.ranker.priors import CodePriors
from indexes.ranker.train import NoteFeatures
from knowledge.code_systems.base import CodeSystem

_SEED = 0

Progress: TypeAlias = Callable[[int, int], None]
# Opens a progress bar with a title.
ProgressBar: TypeAlias = Callable[[str], AbstractContextManager[Progress]]


class Voices(NamedTuple):
    """What speaks on the notes of a fold.

    Attributes:
        generators: The generators, most exact first.
        stems_of: As in `FeatureBuilder`.
    """

    generators: Sequence[CandidateGenerator]
    stems_of: StemsOf = note_stems


# Makes the voices of a fold: its number and the notes of the other folds.
VoicesOf: TypeAlias = Callable[[int, Sequence[CodedNote]], Voices]
# Counts the codes of some of the notes, given by position.
PriorsOf: TypeAlias = Callable[[Sequence[int]], CodePriors]


class Folds(NamedTuple):
    """How features are cross-fitted.

    Attributes:
        system: The code system.
        folder: Where finished folds are kept.
        identity: Identifies notes and settings, given the counts of a fold.
        progress: Opens progress bars.
        parts: Parts into which the notes are dealt.
        hidden_share: Share of the codes whose candidates are also given as if nothing had been
            learned of them, drawn anew for each fold.
    """

    system: CodeSystem
    folder: Path
    identity: Callable[[CodePriors], str]
    progress: ProgressBar
    parts: int
    hidden_share: float


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


class _Named(NamedTuple):
    """Features of one note by candidate and name.

    Attributes:
        known: Of all candidates.
        hidden: Of some of them, without what was learned of their codes.
    """

    known: dict[str, dict[str, float]]
    hidden: dict[str, dict[str, float]]


def cross_fit(
    notes: Sequence[CodedNote], voices_of: VoicesOf, priors_of: PriorsOf, how: Folds
) -> CrossFitted:
    """Return the features of all notes.

    Args:
        notes: The training notes.
        voices_of: Makes the voices of a fold from the notes of the others.
        priors_of: Counts codes.
        how: The folds.
    """
    found: dict[int, _Named] = {}
    parts = folds(len(notes), how.parts, _SEED)
    for number, held_out in enumerate(parts):
        others = sorted(set(range(len(notes))).difference(held_out))
        found.update(_fold_features(number, held_out, notes, voices_of, priors_of(others), how))
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
        priors_of(range(len(notes))),
    )


def _fold_features(
    number: int,
    held_out: Sequence[int],
    notes: Sequence[CodedNote],
    voices_of: VoicesOf,
    priors: CodePriors,
    how: Folds,
) -> dict[int, _Named]:
    """Return the named features of the notes of one fold by their position."""
    kept = how.folder / f"features-{number}.{how.identity(priors)}.json"
    if kept.is_file():
        return {int(n): _Named(**found) for n, found in orjson.loads(kept.read_bytes()).items()}
    others = [coded for n, coded in enumerate(notes) if n not in set(held_out)]
    voices = voices_of(number, others)
    hidden = draw_codes((coded.codes for coded in others), how.hidden_share, number)
    builder = FeatureBuilder(how.system, priors, stems_of=voices.stems_of)
    ignorant = FeatureBuilder(how.system, priors.without(hidden), stems_of=voices.stems_of)
    features: dict[int, _Named] = {}
    with how.progress(f"Features of fold {number + 1} of {how.parts}") as progress:
        for done, n in enumerate(held_out):
            note = notes[n].note
            rankings = pool(note, voices.generators, how.system)
            unknown = ignorant.named(note, hide(rankings, hidden)) if hidden else {}
            features[n] = _Named(
                builder.named(note, rankings),
                {code: values for code, values in unknown.items() if code in hidden},
            )
            progress(done + 1, len(held_out))
    keep(kept, {str(n): found._asdict() for n, found in features.items()})
    return features


def keep(path: Path, value: object) -> None:
    """Write JSON aside and rename it: a run killed here leaves no half file."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(orjson.dumps(value))
    unfinished.replace(path)


def _table(named: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> FeatureTable:
    values = [[found.get(name, np.nan) for name in names] for found in named.values()]
    matrix = np.array(values, dtype=np.float32).reshape(len(named), len(names))
    return FeatureTable(list(named), matrix)
