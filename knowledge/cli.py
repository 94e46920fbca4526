"""``icd-agent show``: one code with its notes and its place in the tree, and whole releases."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knowledge.errors import UserError
from knowledge.index_option import index_option

if TYPE_CHECKING:
    from knowledge.code_systems import CodeSystem

_ICD10CM = "icd10cm"


@click.command()
@click.argument("code", required=False)
@click.option(
    "--system",
    "key",
    default=_ICD10CM,
    show_default=True,
    help="Code system: icd10cm, icd10who, icd10pcs, icd9cm, icd9proc or icd11.",
)
@click.option(
    "--tables",
    type=click.Path(path_type=Path),
    help="With --system icd11: the WHO's mapping tables that name its codes.",
)
@click.option(
    "--diff",
    "other",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Show what changed between the release in use and that of DIR (official files or search "
    "indexes), at CODE and below if one is given.",
)
@click.option(
    "--unresolved", is_flag=True, help="Show the references in notes that could not be read."
)
@index_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(
    code: str | None,
    key: str,
    tables: Path | None,
    other: Path | None,
    unresolved: bool,
    index: Path | None,
    as_json: bool,
) -> None:
    """Show a code, block or category: title, notes (its own and inherited), children."""
    from knowledge.description import describe

    if key != _ICD10CM or tables is not None:
        if other is not None or unresolved or index is not None:
            raise UserError(
                "--diff, --unresolved and --index look at releases of ICD-10-CM.",
                fix="leave --system and --tables away",
            )
        _show(describe(_other_system(key, tables), _given(code)), _print, as_json)
        return
    from knowledge.official.releases_at_hand import icd10cm_of

    system = icd10cm_of(index)
    if unresolved:
        from knowledge.show_references import references_lines, references_report

        if code is not None or other is not None:
            raise UserError(
                "--unresolved looks at a whole release", fix="icd-agent show --unresolved"
            )
        _show(references_report(system), _lines_printer(references_lines), as_json)
    elif other is not None:
        from knowledge.show_diff import diff_lines, diff_report

        report = diff_report(system, icd10cm_of(other), code)
        _show(report, _lines_printer(diff_lines), as_json)
    else:
        _show(describe(system, _given(code)), _print, as_json)


def _given(code: str | None) -> str:
    if code is None:
        raise UserError("no code was given", fix="icd-agent show E11.22")
    return code


def _other_system(key: str, tables: Path | None) -> "CodeSystem":
    from knowledge.code_systems import get_code_system

    if tables is None:
        return get_code_system(key)
    if key != "icd11":
        raise UserError(
            f"--tables name codes of icd11 and say nothing of {key!r}.",
            fix="add --system icd11, or leave --tables away.",
        )
    from knowledge.crosswalk.who_tables import read_tables

    return read_tables(tables).icd11()


def _show(report: dict[str, Any], to_screen: Callable[[dict[str, Any]], None], json: bool) -> None:
    if json or not sys.stdout.isatty():
        import orjson

        click.echo(orjson.dumps(report).decode())
    else:
        to_screen(report)


def _lines_printer(
    lines: Callable[[dict[str, Any]], Iterable[str]],
) -> Callable[[dict[str, Any]], None]:
    return lambda report: click.echo("\n".join(lines(report)))


def _print(entry: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.tree import Tree

    state = "billable" if entry["billable"] else "not billable"
    named = entry["title"].replace("[", r"\[")
    tree = Tree(f"[bold]{entry['code']}[/] {named} [dim]({state})[/]")
    for title, rows in (
        ("above", [f"{a['code']} {a['title']}" for a in entry["ancestors"]]),
        ("inclusion terms", entry["inclusion_terms"]),
        ("includes", entry["includes"]),
        ("notes", [f"{n['kind']} ({n['carrier']}): {n['text']}" for n in entry["notes"]]),
        ("children", [f"{c['code']} {c['title']}" for c in entry["children"]]),
    ):
        if rows:
            branch = tree.add(f"[cyan]{title}[/]")
            for row in rows:
                branch.add(row.replace("[", r"\["))
    Console().print(tree)
