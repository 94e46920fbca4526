"""Joins mappings to a chain: every option of one step is taken further, and nothing is lost.

What the next step does not map stays visible: in the steps, and in the option that it came from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from knowledge.code_systems import CodeSystem
from knowledge.crosswalk.mapping import CodeMapping, Mapper, Option, Step, Target, Unmapped
from knowledge.errors import UserError

_Mappings = Mapping[str, tuple[CodeMapping, ...]]
_Parts = tuple[tuple[Target, ...], ...]


class _Route(NamedTuple):
    """One way on from a code: the parts of an option of the next step."""

    parts: _Parts
    approximate: bool


class _Onward(NamedTuple):
    """All ways on from the codes of one part, and the codes that lead nowhere."""

    routes: tuple[_Route, ...]
    unmapped: tuple[Unmapped, ...]


def map_through(code: str, mappers: Sequence[Mapper]) -> CodeMapping:
    """Map a code through several systems.

    Args:
        code: A code of the first system, in official form.
        mappers: One mapper a step; each maps from the system that the one before maps to.

    Raises:
        UserError: The code does not exist, or is not complete where the first table needs that.
    """
    first = mappers[0].map(code)
    steps = [Step(mappers[0].source.key, mappers[0].target.key, (first,))]
    options = first.options
    for mapper in mappers[1:]:
        targets = dict.fromkeys(t.code for o in options for part in o.parts for t in part)
        mappings = {target: _mapped(target, mapper) for target in targets}
        distinct = {each.code: each for found in mappings.values() for each in found}
        steps.append(Step(mapper.source.key, mapper.target.key, tuple(distinct.values())))
        options = _merged(
            further for option in options for further in _onward(option, mappings, mapper.source)
        )
    return _joined(first, options, tuple(steps))


def _mapped(code: str, mapper: Mapper) -> tuple[CodeMapping, ...]:
    """Map a code, or those below it; one that a table names and its system lacks ends there."""
    try:
        return tuple(mapper.map(each) for each in _mappable(code, mapper))
    except UserError as error:
        found = CodeMapping(
            code, None, "not_in_tables", None, (), mapper.method, hint=error.message
        )
        return (found,)


def _mappable(code: str, mapper: Mapper) -> Iterator[str]:
    """Yield a code, or the nearest ones below it that the next step takes."""
    if mapper.accepts(code):
        yield code
        return
    for child in mapper.source.children(code):
        yield from _mappable(child, mapper)


def _onward(option: Option, mappings: _Mappings, system: CodeSystem) -> Iterator[Option]:
    """Yield the options that one option becomes.

    A single part leads to one option a route. Where several parts are needed together, a part
    whose codes each lead to single codes stays one part, with all of these to choose from; a part
    that leads on to combinations is taken apart, one option a combination.
    """
    parts = [_part_onward(part, mappings, system) for part in option.parts]
    if len(parts) == 1:
        (part,) = parts
        for route in part.routes:
            yield _extended(option, [route], ())
        if part.unmapped or not part.routes:
            yield _extended(option, [_Route(((),), approximate=True)], part.unmapped)
        return
    unmapped = tuple(code for part in parts for code in part.unmapped)
    for routes in product(*(_alternatives(part.routes) for part in parts)):
        yield _extended(option, routes, unmapped)


def _part_onward(part: Iterable[Target], mappings: _Mappings, system: CodeSystem) -> _Onward:
    routes: list[_Route] = []
    unmapped: list[Unmapped] = []
    for target in part:
        for mapping in mappings[target.code]:
            narrower = mapping.code != target.code
            routes += [_Route(o.parts, o.approximate or narrower) for o in mapping.options]
            if not mapping.options:
                unmapped.append(Unmapped(mapping.code, system.key, mapping.status))
    return _Onward(tuple(routes), tuple(unmapped))


def _alternatives(routes: Sequence[_Route]) -> Sequence[_Route]:
    """Return the routes of one part of several; those to single codes become one choice."""
    single = [route for route in routes if len(route.parts) == 1]
    combined = [route for route in routes if len(route.parts) != 1]
    if single:
        choice = tuple(dict.fromkeys(code for route in single for code in route.parts[0]))
        approximate = any(route.approximate for route in single)
        combined.insert(0, _Route((choice,), approximate))
    return combined or [_Route(((),), approximate=True)]


def _extended(option: Option, routes: Sequence[_Route], unmapped: tuple[Unmapped, ...]) -> Option:
    return Option(
        approximate=option.approximate or any(route.approximate for route in routes),
        parts=tuple(part for route in routes for part in route.parts),
        unmapped=option.unmapped + unmapped,
    )


def _merged(options: Iterable[Option]) -> tuple[Option, ...]:
    """Join options that say the same; one is approximate only where each way to it is."""
    merged: dict[tuple[_Parts, tuple[Unmapped, ...]], Option] = {}
    for option in options:
        known = merged.setdefault((option.parts, option.unmapped), option)
        if known.approximate and not option.approximate:
            merged[option.parts, option.unmapped] = option
    return tuple(merged.values())


def _joined(
    first: CodeMapping, options: tuple[Option, ...], steps: tuple[Step, ...]
) -> CodeMapping:
    """Return the chain as one mapping; the options are empty where none leads to a code."""
    joined = first._replace(method="chain", steps=steps, options=options, hint=None)
    if any(part for option in options for part in option.parts):
        return joined._replace(status="mapped")
    ends = [each for step in steps for each in step.mappings if not each.options]
    unknown = any(each.status == "not_in_tables" for each in ends)
    return joined._replace(
        status="not_in_tables" if unknown else "no_map",
        options=(),
        hint=next((each.hint for each in reversed(ends) if each.hint), None),
    )
