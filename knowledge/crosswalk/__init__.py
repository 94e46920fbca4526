"""Maps codes between code systems, one-to-many and combinations kept.

Between two systems stands a table or a comparison (`GemMapper`, `SharedCodeMapper`,
`ListedMapper`). Systems without one between them are joined by a chain over those that have.
"""

from collections import deque
from pathlib import Path
from typing import NamedTuple

from knowledge.code_systems import ICD10CM, SYSTEM_KEYS, CodeSystem, get_code_system
from knowledge.crosswalk.chain import map_through
from knowledge.crosswalk.gem import GEM_LINKS, GemMapper
from knowledge.crosswalk.listed import ListedMapper, reverse, seed_lines
from knowledge.crosswalk.mapping import CodeMapping, Mapper, Option, Target
from knowledge.crosswalk.shared_code import SHARED_LINKS, SharedCodeMapper
from knowledge.crosswalk.who_tables import NAMES, WhoTables, read_tables
from knowledge.errors import UserError

__all__ = ["CodeMapping", "Option", "Target", "infer_source", "map_code"]

_Link = tuple[str, str]
_LISTED_LINKS: tuple[_Link, ...] = (("icd10who", "icd11"), ("icd11", "icd10who"))
_LINKS: tuple[_Link, ...] = (*GEM_LINKS, *SHARED_LINKS, *_LISTED_LINKS)
_SHOWN = 8


def map_code(
    raw: str, source: str, target: str, icd10cm: ICD10CM, tables: Path | None = None
) -> CodeMapping:
    """Map one code.

    Args:
        raw: The code, as people type it.
        source: Key of its code system.
        target: Key of the code system to map to.
        icd10cm: The release at hand.
        tables: The WHO's tables between ICD-10 and ICD-11, a file or the folder with them; our
            small seed is used without them.

    Raises:
        UserError: No tables lead from one system to the other, or the code does not exist, or is
            not complete where the first table needs that, or a table is damaged.
    """
    for key in (source, target):
        get_code_system(key)
    links = route(source, target)
    if tables is not None and not set(links) & set(_LISTED_LINKS):
        raise UserError(
            f"--tables are the tables between ICD-10 and ICD-11; none lead from {source!r} to "
            f"{target!r}.",
            fix="leave --tables away, or map to icd11.",
        )
    workshop = _Workshop(icd10cm, read_tables(tables) if tables else None)
    mappers = [workshop.mapper(link) for link in links]
    code = _code(raw, mappers[0].source)
    return mappers[0].map(code) if len(mappers) == 1 else map_through(code, mappers)


def _code(raw: str, system: CodeSystem) -> str:
    """Return a code in official form, whether the system has it or not.

    Raises:
        UserError: It is not shaped like a code, or is a block or chapter.
    """
    code = system.normalise(raw)
    if code in system:
        return code
    try:
        below = system.children(code)
    except UserError:
        return code  # older tables may have it all the same
    raise UserError(
        f"{code} is no code of {system.name}, it groups codes: {', '.join(below[:_SHOWN])}.",
        fix=f"icd-agent show {code} --system {system.key}",
    )


def route(source: str, target: str) -> tuple[_Link, ...]:
    """Return the shortest way from one system to another, link by link.

    Raises:
        UserError: No tables lead there; the message names where tables lead.
    """
    ways = _ways(source)
    if not ways.get(target):
        known = ", ".join(key for key in SYSTEM_KEYS if ways.get(key)) or "nowhere"
        raise UserError(
            f"No table maps from {source!r} to {target!r}; from {source!r} tables lead to: {known}."
        )
    return ways[target]


def infer_source(raw: str, target: str, icd10cm: ICD10CM) -> str:
    """Tell the code system of a code by its shape, by whether it exists and where tables lead.

    ICD-10-CM wins where it has the code, as most users mean that. A code that no list at hand has
    is one of the only system that writes codes so.

    Raises:
        UserError: Several systems have the code or, where none has it, could have it; or there is
            no system to map to of this key.
    """
    get_code_system(target)
    sources = [key for key in SYSTEM_KEYS if _ways(key).get(target)]
    if not sources:
        reached = ", ".join(
            key for key in SYSTEM_KEYS if any(_ways(s).get(key) for s in SYSTEM_KEYS)
        )
        raise UserError(f"No table leads to {target!r}.", fix=f"map to one of {reached}")
    shaped: list[str] = []
    having: list[str] = []
    for key in sources:
        system = icd10cm if key == icd10cm.key else get_code_system(key)
        try:
            code = system.normalise(raw)
        except UserError:
            continue
        shaped.append(key)
        if code in system:
            having.append(key)
    if having and (having[0] == icd10cm.key or len(having) == 1):
        return having[0]
    if not having and len(shaped) == 1:
        return shaped[0]
    choices = " or ".join(f"--from {key}" for key in having or shaped or sources)
    if having:
        raise UserError(f"{raw!r} is a code of {' and '.join(having)}.", fix=f"say {choices}.")
    problem = "exists in none of them" if shaped else "is shaped like a code of none of them"
    raise UserError(
        f"The system of {raw!r} cannot be told: {', '.join(sources)} map to {target!r}, and it "
        f"{problem}.",
        fix=f"check the code, or say {choices}.",
    )


def _ways(source: str) -> dict[str, tuple[_Link, ...]]:
    """Return the shortest way to every system that can be reached."""
    ways: dict[str, tuple[_Link, ...]] = {source: ()}
    waiting = deque([source])
    while waiting:
        here = waiting.popleft()
        for link in _LINKS:
            if link[0] == here and link[1] not in ways:
                ways[link[1]] = (*ways[here], link)
                waiting.append(link[1])
    return ways


class _Workshop(NamedTuple):
    """What mappers are made of: the release at hand and the WHO's tables, where given."""

    icd10cm: ICD10CM
    tables: WhoTables | None

    def mapper(self, link: _Link) -> Mapper:
        """Return the mapper of one link.

        Raises:
            UserError: The tables given do not go in this direction.
        """
        if link in _LISTED_LINKS:
            return self._listed(link)
        source, target = (self._system(key) for key in link)
        kind = GemMapper if link in GEM_LINKS else SharedCodeMapper
        return kind(source, target)

    def _system(self, key: str) -> CodeSystem:
        return self.icd10cm if key == self.icd10cm.key else get_code_system(key)

    def _listed(self, link: _Link) -> ListedMapper:
        source, target = (self._system(key) for key in link)
        onward = link[1] == "icd11"
        if self.tables is None:
            lines = seed_lines()
            return ListedMapper(source, target, lines if onward else reverse(lines), "seed")
        given = self.tables.to_icd11 if onward else self.tables.to_icd10
        if not given:
            names = NAMES[:2] if onward else NAMES[2:]
            raise UserError(
                f"The tables given do not map from {link[0]!r} to {link[1]!r}.",
                fix=f"add {' or '.join(names)} to the folder and name that with --tables.",
            )
        if onward:
            return ListedMapper(source, self.tables.icd11(), given, "who_table")
        return ListedMapper(self.tables.icd11(), target, given, "who_table")
