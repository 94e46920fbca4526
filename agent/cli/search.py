"""``icd-agent search``: codes and guideline cards by words."""

from pathlib import Path
from typing import NamedTuple

import click

from agent.cli.options import json_option, machine_readable
from knowledge.errors import UserError
from knowledge.index_option import index_option


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


class SearchHit(NamedTuple):
    """A code or guideline card that fits the words, and the wording that matched."""

    key: str
    score: float
    title: str
    matched: str


def _code_hits(text: str, limit: int, index: Path | None) -> list[SearchHit]:
    """Rank as for a note that says only ``text``, all generators fused."""
    from indexes.bundle import load_bundle
    from indexes.fusion import reciprocal_rank_fusion
    from knowledge.note_text import Note
    from knowledge.official.releases_at_hand import icd10cm_of

    system = icd10cm_of(index)
    note = Note.parse(text, "query")
    generators = load_bundle(system, index, with_learned=False).generators
    depth = 10 * limit
    fused = reciprocal_rank_fusion({g.name: g.candidates(note, depth) for g in generators})
    return [
        SearchHit(
            key=c.code,
            score=round(c.score, 4),
            title=system.get(c.code).title,
            matched=c.mentions[0].term if c.mentions else "",
        )
        for c in fused[:limit]
    ]


def _guideline_hits(text: str, limit: int, index: Path | None) -> list[SearchHit]:
    from indexes.guideline_search import load_guideline_search
    from knowledge.guidelines import load_cards
    from knowledge.official.releases_at_hand import icd10cm_of

    cards = {card.id: card for card in load_cards()}
    hits = load_guideline_search(icd10cm_of(index), index).search(text, limit)
    return [
        SearchHit(
            key=hit.key,
            score=round(hit.score, 4),
            title=cards[hit.key].title,
            matched=cards[hit.key].body.strip(),
        )
        for hit in hits
    ]
