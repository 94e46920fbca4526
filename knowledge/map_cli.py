"""``icd-agent map``: a code in another code system."""

import sys
from pathlib import Path
from typing import Any

import click

_SYSTEMS = "icd10cm, icd10who, icd10pcs, icd9cm, icd9proc or icd11"


@click.command("map")
@click.argument("code")
@click.option("--from", "source", help=f"Code system of CODE: {_SYSTEMS}; told by CODE if absent.")
@click.option("--to", "target", required=True, help=f"Code system to map to: {_SYSTEMS}.")
@click.option(
    "--tables",
    type=click.Path(path_type=Path),
    help="The WHO's mapping tables between ICD-10 and ICD-11: a text file or their folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def map_command(
    code: str, source: str | None, target: str, tables: Path | None, as_json: bool
) -> None:
    """Map CODE to another code system: all its equivalents, combinations included."""
    from knowledge.code_systems import get_code_system
    from knowledge.crosswalk import infer_source, map_code
    from knowledge.crosswalk.report import mapping_report

    icd10cm = get_code_system()
    origin = source or infer_source(code, target, icd10cm)
    mapping = map_code(code, origin, target, icd10cm, tables)
    entry = mapping_report(mapping, origin, target, inferred=source is None)
    if as_json or not sys.stdout.isatty():
        import orjson

        click.echo(orjson.dumps(entry).decode())
    else:
        _print(entry)


_DROPPED = "(no longer in the release)"
_UNTITLED = "(not in the lists at hand)"
_STATUS = {
    "no_map": "[yellow]has no equivalent[/]",
    "not_in_tables": "[yellow]is not in the tables at hand[/]",
}


def _print(entry: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.tree import Tree

    title = escape(entry["title"] or (_UNTITLED if entry["from"] == "icd11" else _DROPPED))
    system = entry["from"] + (", as its shape tells" if entry["from_inferred"] else "")
    tree = Tree(f"[bold]{entry['code']}[/] {title} [dim]({system})[/]")
    if entry["via"]:
        tree.add(f"[dim]by way of {entry['via']}, which stands in its place there[/]")
    for step in entry["steps"]:
        codes = dict.fromkeys(code["code"] for code in _codes(step["mappings"]))
        methods = dict.fromkeys(mapping["method"] for mapping in step["mappings"])
        found = escape(", ".join(codes) or "nothing")
        tree.add(f"[dim]{step['to']} ({', '.join(methods)}): {found}[/]")
    if entry["status"] in _STATUS:
        hint = f": {escape(entry['hint'])}" if entry["hint"] else ""
        tree.add(_STATUS[entry["status"]] + hint)
    for option in entry["options"]:
        kind = "approximately" if option["approximate"] else "equivalent"
        together = ", all together, one of each" if len(option["parts"]) > 1 else ""
        method = "" if entry["steps"] else f" by {entry['method']}"
        branch = tree.add(f"[cyan]{kind}[/] [dim]({entry['to']}{method}{together})[/]")
        for number, part in enumerate(option["parts"], start=1):
            node = branch.add(f"[dim]part {number}[/]") if together else branch
            for code in part:
                node.add(f"[bold]{code['code']}[/] {escape(_explained(code))}")
        for code in option["unmapped"]:
            branch.add(f"[yellow]{code['code']} ({code['code_system']}) leads no further[/]")
    Console().print(tree)


def _codes(mappings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    options = (option for mapping in mappings for option in mapping["options"])
    return [code for option in options for part in option["parts"] for code in part]


def _explained(code: dict[str, Any]) -> str:
    if code["title"] is None:
        return _DROPPED
    if code["choose_from"]:
        return f"{code['title']} (not billable: one of {', '.join(code['choose_from'])})"
    return str(code["title"])
