"""Which admission goes into which part of a data set; a patient is in one part only.

Four ways: published files, eras one after the other, at random with every code spread evenly, or
all admissions in one part.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval.datasets.admissions import Unit
from eval.datasets.split_files import read_split_files
from eval.datasets.stratification import LabelCounts, stratify
from eval.datasets.workspace import Workspace
from knowledge.errors import UserError

WHOLE = "all"
CHRONOLOGICAL = "chronological"
RANDOM = "random"
_SHOWN = 10


class Shares(NamedTuple):
    """Share of all admissions in the parts beside train, and the seed of what is drawn."""

    dev: float
    test: float
    seed: int


class Assignment(NamedTuple):
    """The part of each admission and what the split leaves out.

    Attributes:
        parts: Part by admission; one that is missing is left out.
        reason: Why admissions are left out.
        unknown: Number of admissions in the split's files that do not become rows.
    """

    parts: Mapping[str, str]
    reason: str = "in_no_split"
    unknown: int = 0


def assign(
    db: Workspace, units: Sequence[Unit], split: Sequence[str], shares: Shares
) -> Assignment:
    """Give each admission its part.

    Args:
        db: The database after `eval.datasets.admissions.select_rows`.
        units: The admissions that become rows.
        split: Paths of split files; or "chronological" or "random" alone; or nothing.
        shares: How large the parts are that are drawn.

    Raises:
        UserError: A file cannot be used, fits no admission, or there are too few eras.
    """
    if not split:
        return Assignment({unit.admission: WHOLE for unit in units})
    if len(split) > 1 and {CHRONOLOGICAL, RANDOM}.intersection(split):
        raise UserError(
            f"--split {' --split '.join(split)}: {CHRONOLOGICAL} and {RANDOM} stand alone.",
            fix=f"give either files or one of --split {CHRONOLOGICAL}, --split {RANDOM}.",
        )
    if split[0] == RANDOM:
        fractions = {"train": 1 - shares.dev - shares.test, "dev": shares.dev, "test": shares.test}
        return Assignment(_drawn(db, units, fractions, shares.seed))
    if split[0] == CHRONOLOGICAL:
        return _by_era(db, units, shares)
    return _by_files(units, [Path(name) for name in split])


def patients_in_two_parts(units: Sequence[Unit], parts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the patients with admissions in several parts, in order of id."""
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for unit in units:
        if unit.admission in parts:
            seen[unit.patient].add(parts[unit.admission])
    return tuple(sorted((p for p, found in seen.items() if len(found) > 1), key=int))


def require_disjoint(patients: Sequence[str]) -> None:
    """Refuse a split that has patients in two parts.

    Raises:
        UserError: It has; the message names them.
    """
    if patients:
        shown = ", ".join(patients[:_SHOWN]) + (", ..." if len(patients) > _SHOWN else "")
        raise UserError(
            f"the split puts {len(patients)} patients into more than one part: {shown}.",
            fix="mend the split, or add --allow-patient-overlap to take it as it is.",
        )


def _by_files(units: Sequence[Unit], paths: Sequence[Path]) -> Assignment:
    named = read_split_files(paths)
    known = {unit.admission for unit in units}
    parts = {admission: part for admission, part in named.items() if admission in known}
    if not parts:
        raise UserError(
            f"no admission of {', '.join(map(str, paths))} has text and codes in this release "
            f'(for example "{next(iter(named))}").',
            fix="give the split files of this data set.",
        )
    return Assignment(parts, unknown=len(named) - len(parts))


def _by_era(db: Workspace, units: Sequence[Unit], shares: Shares) -> Assignment:
    """Split by era: the last is test; the last but one is dev where two more are left to train."""
    eras = sorted({unit.era for unit in units if unit.era is not None})
    if len(eras) < 2:
        raise UserError(
            f"a chronological split needs two eras, found {', '.join(eras) or 'none'}.",
            fix=f"use --split {RANDOM}.",
        )
    part_of = dict.fromkeys(eras, "train") | {eras[-1]: "test"}
    if len(eras) > 2:
        part_of[eras[-2]] = "dev"
    parts = {unit.admission: part_of[unit.era] for unit in units if unit.era is not None}
    if len(eras) == 2:
        early = [unit for unit in units if parts.get(unit.admission) == "train"]
        fractions = {"train": 1 - shares.dev, "dev": shares.dev}
        parts |= _drawn(db, early, fractions, shares.seed)
    return Assignment(parts, reason="patient_in_no_or_several_eras")


def _drawn(
    db: Workspace, units: Sequence[Unit], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Deal patients into parts so that every code is spread as the fractions say."""
    patients = sorted({unit.patient for unit in units}, key=int)
    index = {patient: at for at, patient in enumerate(patients)}
    sizes = np.bincount([index[unit.patient] for unit in units], minlength=len(patients))
    names = [name for name, fraction in fractions.items() if fraction > 0]
    drawn = stratify(
        _codes_of(db, patients),
        sizes.astype(np.int64),
        [fractions[name] for name in names],
        seed=seed,
    )
    return {unit.admission: names[drawn[index[unit.patient]]] for unit in units}


def _codes_of(db: Workspace, patients: Sequence[str]) -> LabelCounts:
    """Return how many admissions of each patient have each code."""
    ids = np.array(patients, dtype=np.int64)
    found = db.arrays(
        """
        SELECT patient, dense_rank() OVER (ORDER BY label) - 1 AS label, count AS count
        FROM (
            SELECT patient, label, count(*) AS count
            FROM (
                SELECT patient, unnest(list_concat(
                    list_transform(coalesce(diagnoses, []), lambda c: version || 'D' || c),
                    list_transform(coalesce(procedures, []), lambda c: version || 'P' || c)
                )) AS label FROM chosen)
            GROUP BY ALL)
        ORDER BY patient, label
        """
    )
    ours = np.isin(found["patient"], ids)
    return LabelCounts(
        examples=np.searchsorted(ids, found["patient"][ours]),
        labels=found["label"][ours].astype(np.int64),
        counts=found["count"][ours].astype(np.int64),
    )
