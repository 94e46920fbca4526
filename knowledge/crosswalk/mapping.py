"""What a code maps to, whichever table says so, and what every source of mappings offers."""

from typing import Literal, NamedTuple, Protocol, Self, TypeAlias

from knowledge.code_systems import CodeSystem

Status: TypeAlias = Literal["mapped", "no_map", "not_in_tables"]
Method: TypeAlias = Literal[
    "gem", "shared_code", "same_category", "nearest_ancestor", "who_table", "seed", "chain"
]


class Target(NamedTuple):
    """A code of the system mapped to.

    Attributes:
        code: The code in official form.
        title: Its title; None where the release at hand has dropped the code.
        billable: Whether the release at hand takes it.
        choose_from: Codes below it, where the release needs one of these instead.
    """

    code: str
    title: str | None
    billable: bool
    choose_from: tuple[str, ...] = ()


class Unmapped(NamedTuple):
    """A code on the way of a chain that the next step does not map, and why."""

    code: str
    code_system: str
    status: Status


class Option(NamedTuple):
    """One way to say what the source code says.

    Attributes:
        approximate: Whether source and target differ in meaning, as most do, and as any equivalent
            of a wider code does.
        parts: Codes to choose from, part by part; all parts together are the equivalent, one code
            of each. A single equivalent is one part with one code. In a chain a part is empty where
            no code that could fill it is mapped further.
        unmapped: Codes on the way of a chain that are not mapped further.
    """

    approximate: bool
    parts: tuple[tuple[Target, ...], ...]
    unmapped: tuple[Unmapped, ...] = ()


class CodeMapping(NamedTuple):
    """What a code maps to.

    Attributes:
        code: The source code in official form.
        title: Its title; None where the release at hand has dropped the code, or no list at hand
            has it.
        status: "no_map": the tables say that there is no equivalent; "not_in_tables": the tables
            know neither the code nor a code above it.
        via: Code above the source that the tables hold in its place, else None.
        options: Ways to map it, in the order of the tables.
        method: How it was found: by which kind of table, or how the codes were compared.
        hint: What helps where nothing was found.
        steps: The mappings on the way of a chain, none where a single table maps.
    """

    code: str
    title: str | None
    status: Status
    via: str | None
    options: tuple[Option, ...]
    method: Method
    hint: str | None = None
    steps: "tuple[Step, ...]" = ()

    @classmethod
    def found(
        cls, code: str, title: str | None, held: str, options: tuple[Option, ...], method: Method
    ) -> Self:
        """Return what a table says of a code that it holds, or holds in the place of ``held``.

        Args:
            code: The source code.
            title: Its title.
            held: The code that the table holds: itself, or one above it.
            options: Its equivalents there; none says that there is no equivalent.
            method: Which kind of table it is.
        """
        status: Status = "mapped" if options else "no_map"
        return cls(code, title, status, None if held == code else held, options, method)


class Step(NamedTuple):
    """One step of a chain: the mapping of every code that the step before arrived at."""

    source: str
    target: str
    mappings: tuple[CodeMapping, ...]


class Mapper(Protocol):
    """A source of mappings from one code system to another."""

    @property
    def source(self) -> CodeSystem:
        """The system mapped from."""
        ...

    @property
    def target(self) -> CodeSystem:
        """The system mapped to."""
        ...

    @property
    def method(self) -> Method:
        """Where its mappings come from, in the main."""
        ...

    def accepts(self, code: str) -> bool:
        """Tell whether a code can be mapped as it is; else those below it must be."""
        ...

    def map(self, code: str) -> CodeMapping:
        """Map a code in official form.

        Raises:
            UserError: The code does not exist, or only codes below it can be mapped.
        """
        ...


def target_in(system: CodeSystem, code: str) -> Target:
    """Return a code of a mapping table as the release at hand has it."""
    code = system.normalise(code)
    if code not in system:
        return Target(code, None, billable=False)
    entry = system.get(code)
    return Target(
        code, entry.title, entry.billable, () if entry.billable else system.children(code)
    )
