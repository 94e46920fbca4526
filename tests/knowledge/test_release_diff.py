from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from knowledge.cli import show
from knowledge.errors import UserError
from knowledge.official.releases_at_hand import icd10cm_of
from knowledge.release_diff import compare_releases
from knowledge.show_diff import diff_lines, diff_report

OFFICIAL = Path(__file__).parents[1] / "data" / "official"
TABULAR = "icd10cm-tabular-2026-10-01.xml"
CHANGES = {
    "<desc>Lobar pneumonia</desc>": "<desc>Pneumonia of a lobe</desc>",
    "<note>Pneumonia of a whole lobe</note>": "<note>Croupous pneumonia</note>",
    "<note>pneumonia (J18.-)</note>": "<note>pneumonia (J18.1)</note>",
    '<extension char="D">later visit</extension>': '<extension char="D">next visit</extension>',
    "<name>W07</name>": "<name>W08</name>",
    "<desc>Malignant neoplasm of breast</desc>": """<desc>Malignant neoplasm of breast</desc>
        <diag><name>C50.1</name><desc>Malignant neoplasm of nipple</desc></diag>""",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICD_AGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        text = (OFFICIAL / TABULAR).read_text(encoding="utf-8")
        for old, new in CHANGES.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        changed = tmp_path_factory.mktemp("april")
        (changed / "icd10cm-tabular-2027-04-01.xml").write_text(text, encoding="utf-8")
        codes = (OFFICIAL / "icd10cm-codes-2026-10-01.txt").read_text(encoding="utf-8")
        (changed / "icd10cm-codes-2027-04-01.txt").write_text(codes, encoding="utf-8")
        icd10cm_of(OFFICIAL), icd10cm_of(changed)
        yield OFFICIAL, changed


def test_every_kind_of_change_is_found(folders):
    old, new = map(icd10cm_of, folders)
    diff = compare_releases(old, new)
    assert (diff.old, diff.new) == ("2026-10-01", "2027-04-01")
    assert [entry.code for entry in diff.added] == ["C50.1", "W08"]
    assert [entry.code for entry in diff.removed] == ["W07"]
    assert [pair.new.code for pair in diff.retitled] == ["J18.1", "T59.811D"]
    assert [(pair.new.code, pair.new.billable) for pair in diff.billable] == [("C50", False)]
    assert [(c.carrier, c.added, c.removed) for c in diff.notes] == [
        (
            "J18.1",
            (("inclusion_term", "Croupous pneumonia"),),
            (("inclusion_term", "Pneumonia of a whole lobe"),),
        ),
        ("J19", (("excludes1", "pneumonia (J18.1)"),), (("excludes1", "pneumonia (J18.-)"),)),
    ]


def test_the_way_back_swaps_what_was_added_and_removed(folders):
    old, new = map(icd10cm_of, folders)
    there, back = compare_releases(old, new), compare_releases(new, old)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert {(c.carrier, c.added, c.removed) for c in there.notes} == {
        (c.carrier, c.removed, c.added) for c in back.notes
    }
    assert compare_releases(new, new)[2:] == ([], [], [], [], [])


@pytest.mark.parametrize(
    ("within", "counts"),
    [
        ("J18", [0, 0, 1, 0, 1]),
        ("C50", [1, 0, 0, 1, 0]),
        ("W00-W19", [1, 1, 0, 0, 0]),
        ("10", [0, 0, 1, 0, 2]),
        ("W07", [0, 1, 0, 0, 0]),
        ("D24", [0, 0, 0, 0, 0]),
    ],
)
def test_a_part_of_the_tree(folders, within, counts):
    old, new = map(icd10cm_of, folders)
    assert [len(rows) for rows in compare_releases(old, new, within)[2:]] == counts


def test_what_neither_release_has_is_refused(folders):
    old, new = map(icd10cm_of, folders)
    with pytest.raises(UserError, match="'E11' exists neither in ICD-10-CM 2026-10-01 nor"):
        compare_releases(old, new, "E11")


def test_the_command_puts_the_older_release_first(folders):
    older, newer = map(str, folders)
    for arguments in (["--index", older, "--diff", newer], ["--index", newer, "--diff", older]):
        done = CliRunner().invoke(show, [*arguments, "j18", "--json"], catch_exceptions=False)
        report = orjson.loads(done.stdout)
        assert (report["old"], report["new"], report["within"]) == (
            "2026-10-01",
            "2027-04-01",
            "J18",
        )
        assert report["counts"]["retitled"] == 1
    lines = list(diff_lines(diff_report(*map(icd10cm_of, folders), None)))
    assert "+ C50.1 Malignant neoplasm of nipple" in lines
    assert "~ C50 no longer billable" in lines
    assert "- J19 excludes1: pneumonia (J18.-)" in lines
