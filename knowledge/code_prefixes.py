"""Groups of codes as reviewers write them: prefixes (``E11.2``) and ranges (``J12-J18``)."""

import re
from collections.abc import Iterable

_RANGE = re.compile(r"^([A-Z])(\d\d)-([A-Z])(\d\d)$")
_PREFIX = re.compile(r"^[A-Z](\d([0-9A-Z](\.[0-9A-Z]{1,4})?)?)?$")


def expand(groups: Iterable[str]) -> tuple[str, ...]:
    """Turn prefixes and category ranges into prefixes alone.

    Args:
        groups: Items such as ``"J"``, ``"J4"``, ``"E11.2"`` or ``"J12-J18"``. A range names the
            numeric three-character categories of one letter; ``C4A`` and its kind stand by
            themselves.

    Returns:
        Prefixes in the given order; a code belongs to a group if it starts with one of them.

    Raises:
        ValueError: If an item is neither, or a range is empty or crosses letters.
    """
    return tuple(prefix for group in groups for prefix in _expand_one(group))


def _expand_one(group: str) -> list[str]:
    match = _RANGE.match(group)
    if match is None:
        if not _PREFIX.match(group):
            raise ValueError(f"{group!r} is neither a code prefix nor a category range")
        return [group]
    letter, low, other, high = match.groups()
    if letter != other or int(low) >= int(high):
        raise ValueError(f"range {group!r} must ascend within one letter")
    return [f"{letter}{number:02d}" for number in range(int(low), int(high) + 1)]


def longest_match(code: str, prefixes: Iterable[str]) -> str | None:
    """Return the longest of ``prefixes`` that ``code`` starts with, None where none fits."""
    return max((p for p in prefixes if code.startswith(p)), key=len, default=None)
