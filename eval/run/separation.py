"""Notes that report are none that taught or tuned: checked before anything is coded."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from eval.run.config import Data
from knowledge.dataset_row import DatasetRow, read_rows
from knowledge.errors import UserError

_SHOWN = 3


class _Identity(NamedTuple):
    """What must not stand on two sides: a note's id, its text, its patient."""

    kind: str
    value: str


def require_separate(data: Data) -> None:
    """Check that no two of the data sets share a note, a text or a patient.

    Raises:
        UserError: They do, or one cannot be read.
    """
    paths = {"train": data.train, "tune": data.tune, "report": data.report}
    sides = {name: _identities(path) for name, path in paths.items() if path}
    for (first, ours), (second, theirs) in combinations(sides.items(), 2):
        # Choosing on the training notes, out of fold, is sound; reporting on them is not.
        if {first, second} == {"train", "tune"}:
            continue
        if shared := sorted(ours.keys() & theirs.keys()):
            where = ", ".join(
                f"{identity.kind} {ours[identity]!r} ({first}) = {theirs[identity]!r} ({second})"
                for identity in shared[:_SHOWN]
            )
            raise UserError(
                f"{first} {paths[first]} and {second} {paths[second]} share {len(shared)} "
                f"notes, texts or patients: {where}.",
                fix="split the data set by patient: icd-agent data prepare",
            )


def _identities(path: Path) -> dict[_Identity, str]:
    """Return the identities in a data set, each with the id of a note that has it."""
    found: dict[_Identity, str] = defaultdict(str)
    for row in read_rows(path):
        for identity in _of(row):
            found.setdefault(identity, row.id)
    return dict(found)


def _of(row: DatasetRow) -> Iterator[_Identity]:
    yield _Identity("id", row.id)
    words = " ".join(row.text.split()).casefold()
    yield _Identity("text", hashlib.sha256(words.encode()).hexdigest())
    if row.patient:
        yield _Identity("patient", row.patient)
