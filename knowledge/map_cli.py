"""``icd-agent map``: a code in another code system."""

import sys
from typing import Any

import click


@click.command("map")
@click.argument("code")
@click.option("--from", "source", required=True, help="Code system of CODE: icd9cm or icd10cm.")
@click.option("--to", "target", required=True, help="Code system to map to: icd10cm or icd9cm.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def map_command(code: str, source: str, target: str, as_json: bool) -> None:
    """Map CODE by the General Equivalence Mappings: all its equivalents, combinations included."""
    from knowledge.code_systems import get_code_system
    from knowledge.crosswalk import map_code

    mapping = map_code(code, source, target, get_code_system())
    entry = {
        "code": mapping.code,
        "title": mapping.title,
        "from": source,
        "to": target,
        "status": mapping.status,
        "via": mapping.via,
        "options": [
            {
                "approximate": option.approximate,
                "parts": [[code._asdict() for code in part] for part in option.parts],
            }
            for option in mapping.options
        ],
    }
    if as_json or not sys.stdout.isatty():
        import orjson

        click.echo(orjson.dumps(entry).decode())
    else:
        _print(entry)


_DROPPED = "(no longer in the release)"
_STATUS = {
    "no_map": "[yellow]has no equivalent[/]",
    "not_in_tables": "[yellow]is younger than the mapping tables[/]",
}


def _print(entry: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.tree import Tree

    title = escape(entry["title"] or _DROPPED)
    tree = Tree(f"[bold]{entry['code']}[/] {title} [dim]({entry['from']})[/]")
    if entry["via"]:
        tree.add(f"[dim]by way of {entry['via']}, which the tables hold in its place[/]")
    if entry["status"] in _STATUS:
        tree.add(_STATUS[entry["status"]])
    for option in entry["options"]:
        kind = "approximately" if option["approximate"] else "equivalent"
        together = ", all together, one of each" if len(option["parts"]) > 1 else ""
        branch = tree.add(f"[cyan]{kind}[/] [dim]({entry['to']}{together})[/]")
        for number, part in enumerate(option["parts"], start=1):
            node = branch.add(f"[dim]part {number}[/]") if together else branch
            for code in part:
                node.add(f"[bold]{code['code']}[/] {escape(_explained(code))}")
    Console().print(tree)


def _explained(code: dict[str, Any]) -> str:
    if code["title"] is None:
        return _DROPPED
    if code["choose_from"]:
        return f"{code['title']} (not billable: one of {', '.join(code['choose_from'])})"
    return str(code["title"])
