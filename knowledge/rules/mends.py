"""Mends: what would put a finding right, as an edit of the coded items."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from knowledge.rules.context import CodedItem, Role


class Mend(BaseModel):
    """An edit of the reported codes that removes the finding it comes with.

    A rule proposes one only where it follows from the codes alone; what needs the record is said in
    words (``fix``) and left to the coder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    remove: list[str] = []
    """Codes that go."""
    add: list[str] = []
    """Codes that come: in the place and role of the first that goes, else last."""
    before: tuple[str, str] | None = None
    """(A, B): A moves to directly before B; where B was the principal diagnosis, A becomes it."""

    def __str__(self) -> str:
        removed, added = " and ".join(self.remove), " and ".join(self.add)
        parts = []
        if added:
            parts.append(f"report {added} instead of {removed}" if removed else f"add {added}")
        elif removed:
            parts.append(f"drop {removed}")
        if self.before:
            parts.append(f"put {self.before[0]} before {self.before[1]}")
        return "; ".join(parts)


def apply_mend(items: Sequence[CodedItem], mend: Mend) -> list[CodedItem]:
    """Return the coded items as a mend leaves them.

    Args:
        items: The items of the case; admitting diagnoses stay as they are.
        mend: The mend of a finding about them.

    Returns:
        The items in order. What comes in the place of others keeps their evidence; where the
        principal diagnosis goes and nothing takes its place, the next reported code becomes it.
    """
    admitting = [item for item in items if item.role == "admitting"]
    reported = [item for item in items if item.role != "admitting"]
    # The principal diagnosis stands first from here on, so that places are all there is to edit.
    reported.sort(key=lambda item: item.role != "principal")
    named = bool(reported) and reported[0].role == "principal"
    edited = _move(_exchange(reported, mend), mend)
    first: Role = "principal" if named else "secondary"
    return [
        *admitting,
        *(replace(item, role="secondary" if at else first) for at, item in enumerate(edited)),
    ]


def _exchange(items: list[CodedItem], mend: Mend) -> list[CodedItem]:
    kept = [item for item in items if item.code not in mend.remove]
    going = [item for item in items if item.code in mend.remove]
    place = items.index(going[0]) if going else len(items)
    evidence = tuple(dict.fromkeys(span for item in going for span in item.evidence))
    present = {item.code for item in kept}
    coming = [CodedItem(code, evidence=evidence) for code in mend.add if code not in present]
    return [*kept[:place], *coming, *kept[place:]]


def _move(items: list[CodedItem], mend: Mend) -> list[CodedItem]:
    if mend.before is None:
        return items
    moved, target = mend.before
    moving = [item for item in items if item.code == moved]
    rest = [item for item in items if item.code != moved]
    place = next((at for at, item in enumerate(rest) if item.code == target), len(rest))
    return [*rest[:place], *moving, *rest[place:]]
