"""What changed between two releases of ICD-10-CM: codes, titles, completeness, notes."""

from collections.abc import Mapping
from typing import NamedTuple

from knowledge.code_systems import ICD10CM, Code
from knowledge.errors import UserError


class Changed(NamedTuple):
    """A code whose title or completeness changed.

    Attributes:
        old: The code in the old release.
        new: The code in the new one.
    """

    old: Code
    new: Code


class NoteChange(NamedTuple):
    """A code, block or chapter whose notes or inclusion terms changed.

    Attributes:
        carrier: The code, block or chapter.
        added: (kind, text) of what is new; kind is that of a note or ``inclusion_term``.
        removed: (kind, text) of what has gone.
    """

    carrier: str
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]


class ReleaseDiff(NamedTuple):
    """The differences between two releases, each list in official order.

    Attributes:
        old: First day of the old release.
        new: First day of the new one.
        added: Codes of the new release only.
        removed: Codes of the old release only.
        retitled: Codes of another title; codes with a 7th character only where its meaning changed.
        billable: Codes that became, or are no longer, complete.
        notes: Changed notes and inclusion terms of entries that both releases have.
    """

    old: str
    new: str
    added: list[Code]
    removed: list[Code]
    retitled: list[Changed]
    billable: list[Changed]
    notes: list[NoteChange]


def compare_releases(old: ICD10CM, new: ICD10CM, within: str | None = None) -> ReleaseDiff:
    """Compare two releases.

    Args:
        old: The older one.
        new: The newer one.
        within: A code, block or chapter to keep to, its own entry included.

    Raises:
        UserError: Neither release has ``within``.
    """
    before, after = _codes(old, within), _codes(new, within)
    if within is not None and not before and not after:
        raise UserError(
            f"{within!r} exists neither in {old.name} {old.release} nor in {new.release}.",
            fix='icd-agent search "TEXT OF THE DIAGNOSIS"',
        )
    shared = [Changed(before[code], entry) for code, entry in after.items() if code in before]
    return ReleaseDiff(
        old=old.release,
        new=new.release,
        added=[entry for code, entry in after.items() if code not in before],
        removed=[entry for code, entry in before.items() if code not in after],
        retitled=[pair for pair in shared if _own_title(pair.old) != _own_title(pair.new)],
        billable=[pair for pair in shared if pair.old.billable != pair.new.billable],
        notes=_note_changes(old, new, within),
    )


def _codes(system: ICD10CM, within: str | None) -> dict[str, Code]:
    if within is None:
        names = tuple(system.codes())
    elif within in system or within in system.groups():
        own = (within,) if within in system else ()
        names = own + system.descendants(within)
    else:
        names = ()
    return {name: system.get(name) for name in names}


def _own_title(entry: Code) -> str:
    """Return what the title of an entry adds to that of its stem."""
    return entry.title if entry.seventh is None else entry.seventh


def _note_changes(old: ICD10CM, new: ICD10CM, within: str | None) -> list[NoteChange]:
    before, after = _carriers(old, within), _carriers(new, within)
    changes = []
    for name, found in after.items():
        former = before.get(name)
        if former is not None and found != former:
            added = tuple(item for item in found if item not in former)
            removed = tuple(item for item in former if item not in found)
            if added or removed:
                changes.append(NoteChange(name, added, removed))
    return changes


def _carriers(system: ICD10CM, within: str | None) -> Mapping[str, dict[tuple[str, str], None]]:
    """Return the notes and inclusion terms of each entry, as ordered sets."""
    names = [*system.groups(), *(code for code in system.codes() if code == system.stem(code))]
    return {
        name: dict.fromkeys(
            [
                *(("inclusion_term", term) for term in system.get(name).inclusion_terms),
                *((note.kind, note.text) for note in system.notes(name, inherited=False)),
            ]
        )
        for name in names
        if within is None or name == within or within in system.ancestors(name)
    }
