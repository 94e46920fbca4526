"""``icd-agent check``: the coding rules over a set of codes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import encounter_options, json_option, machine_readable
from knowledge.errors import UserError
from knowledge.index_option import index_option

if TYPE_CHECKING:
    from knowledge.code_systems.icd10cm import ICD10CM
    from knowledge.rules import CodedItem, Finding


@click.command()
@click.argument("codes", nargs=-1, metavar="CODE...")
@click.option("--principal", help="The principal diagnosis; default: the first code.")
@click.option(
    "--result",
    "result_file",
    type=click.Path(path_type=Path),
    help="Judge a result of `icd-agent code`, with its evidence, instead of CODE...",
)
@encounter_options
@index_option
@json_option
def check(
    codes: tuple[str, ...],
    principal: str | None,
    result_file: Path | None,
    setting: str,
    sex: str | None,
    age: float | None,
    date: str | None,
    index: Path | None,
    as_json: bool,
) -> None:
    """Check codes against the rules of ICD-10-CM.

    Exit status: 0 no error-level finding, 1 at least one, 2 bad usage.
    """
    from agent.encounter import encounter_context, make_context
    from knowledge.official.releases_at_hand import icd10cm_of
    from knowledge.rules import check as check_items

    if bool(codes) == bool(result_file):
        raise UserError("give either codes or --result FILE", fix="icd-agent check E11.9 I10")
    system = icd10cm_of(index)
    items = (
        _items_of_result(result_file, system)
        if result_file
        else _items_of_codes(codes, principal, system)
    )
    context = make_context(
        {"setting": setting, "sex": sex.upper() if sex else None, "age": age, "date": date},
        "command line",
    )
    encounter = encounter_context(context)
    findings = check_items(items, encounter, system)
    _print(items, findings, machine_readable(as_json))
    sys.exit(1 if any(f.severity == "error" for f in findings) else 0)


def _items_of_codes(
    codes: tuple[str, ...], principal: str | None, system: "ICD10CM"
) -> "list[CodedItem]":
    from knowledge.rules import CodedItem

    known = [_known(code, system) for code in codes]
    first = _known(principal, system) if principal else known[0]
    if first not in known:
        known.insert(0, first)
    position = known.index(first)
    return [
        CodedItem(code, "principal" if number == position else "secondary")
        for number, code in enumerate(known)
    ]


def _known(raw: str, system: "ICD10CM") -> str:
    return system.get(system.normalise(raw)).code


def _items_of_result(path: Path, system: "ICD10CM") -> "list[CodedItem]":
    from pydantic import ValidationError

    from agent.result import Result
    from knowledge.rules import CodedItem

    try:
        result = Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", fix="name a file") from error
    except ValidationError as error:
        raise UserError(
            f"{path} is not one result of icd-agent code: {error.errors()[0]['msg']}",
            fix=f"icd-agent code NOTE.txt --json > {path.name}",
        ) from error
    return [
        CodedItem(_known(c.code, system), c.role, tuple((e.start, e.end) for e in c.evidence))
        for c in result.codes
    ]


def _print(items: "list[CodedItem]", findings: "list[Finding]", as_json: bool) -> None:
    if as_json:
        import orjson

        report = {
            "codes": [item.code for item in items],
            "errors": sum(f.severity == "error" for f in findings),
            "findings": [f.model_dump() for f in findings],
        }
        click.echo(orjson.dumps(report).decode())
        return
    from rich.console import Console

    from agent.cli.view import findings_table

    console = Console()
    if findings:
        console.print(findings_table(findings))
    else:
        console.print(f"{len(items)} codes, no finding")
