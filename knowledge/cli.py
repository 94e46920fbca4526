"""``icd-agent show``: one code with its notes and its place in the tree."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knowledge.errors import UserError

if TYPE_CHECKING:
    from knowledge.code_systems import CodeSystem


@click.command()
@click.argument("code")
@click.option(
    "--system",
    "key",
    default="icd10cm",
    show_default=True,
    help="Code system: icd10cm, icd10who, icd10pcs, icd9cm, icd9proc or icd11.",
)
@click.option(
    "--tables",
    type=click.Path(path_type=Path),
    help="With --system icd11: the WHO's mapping tables that name its codes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(code: str, key: str, tables: Path | None, as_json: bool) -> None:
    """Show a code, block or category: title, notes (its own and inherited), children."""
    from knowledge.code_systems import get_code_system

    system = get_code_system(key)
    if tables is not None:
        from knowledge.crosswalk.who_tables import read_tables

        if key != "icd11":
            raise UserError(
                f"--tables name codes of icd11 and say nothing of {key!r}.",
                fix="add --system icd11, or leave --tables away.",
            )
        system = read_tables(tables).icd11()
    entry = _description(system, code)
    if as_json or not sys.stdout.isatty():
        import orjson

        click.echo(orjson.dumps(entry).decode())
    else:
        _print(entry)


def _description(system: "CodeSystem", raw: str) -> dict[str, Any]:
    entry = system.get(system.normalise(raw))
    return {
        "code": entry.code,
        "title": entry.title,
        "billable": entry.billable,
        "code_system": system.name,
        "release": system.release,
        "chapter": entry.chapter,
        "ancestors": [_titled(system, a) for a in system.ancestors(entry.code)],
        "children": [_titled(system, c) for c in system.children(entry.code)],
        "inclusion_terms": list(entry.inclusion_terms),
        "includes": list(entry.includes),
        "notes": [
            {
                "kind": note.kind,
                "text": note.text,
                "carrier": note.carrier,
                "conditional": note.conditional,
            }
            for note in system.notes(entry.code)
        ],
    }


def _titled(system: "CodeSystem", code: str) -> dict[str, str]:
    return {"code": code, "title": system.get(code).title}


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
