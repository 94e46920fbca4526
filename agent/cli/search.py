"""``icd-agent search``: codes and guideline cards by words."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import json_option, machine_readable
from knowledge.errors import UserError
from knowledge.index_option import index_option

if TYPE_CHECKING:
    from agent.search import SearchHit


@click.command()
@click.argument("text")
@click.option("-k", "--limit", type=click.IntRange(1, 200), default=10, show_default=True)
@click.option(
    "--kind",
    type=click.Choice(["code", "guideline"]),
    default="code",
    show_default=True,
    help="What to search.",
)
@index_option
@json_option
def search(text: str, limit: int, kind: str, index: Path | None, as_json: bool) -> None:
    """Find codes, or guideline cards, that fit TEXT."""
    if not text.strip():
        raise UserError("the search text is empty", fix='icd-agent search "heart failure"')
    search_kind = _guideline_hits if kind == "guideline" else _code_hits
    hits = search_kind(text, limit, index)
    if machine_readable(as_json):
        import orjson

        rows = [hit._asdict() for hit in hits]
        click.echo(orjson.dumps({"query": text, "kind": kind, "hits": rows}).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("key", "score", "title", "matched")
    for hit in hits:
        table.add_row(hit.key, f"{hit.score:.3f}", hit.title, hit.matched)
    Console().print(table)


def _code_hits(text: str, limit: int, index: Path | None) -> "list[SearchHit]":
    from agent.search import code_hits
    from indexes.bundle import load_bundle
    from knowledge.official.releases_at_hand import icd10cm_of

    system = icd10cm_of(index)
    generators = load_bundle(system, index, with_learned=False).generators
    return code_hits(text, limit, system, generators)


def _guideline_hits(text: str, limit: int, index: Path | None) -> "list[SearchHit]":
    from agent.search import guideline_hits
    from indexes.guideline_search import load_guideline_search
    from knowledge.official.releases_at_hand import icd10cm_of

    return guideline_hits(text, limit, load_guideline_search(icd10cm_of(index), index))
