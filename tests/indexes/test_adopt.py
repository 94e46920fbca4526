"""Adopting official files with one command, and using what it wrote."""

import shutil
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agent.cli.main import cli
from indexes.artefacts import BUNDLED_DIRECTORY, Artefacts
from indexes.build import build
from knowledge.errors import UserError
from knowledge.index_option import INDEX_VARIABLE
from knowledge.official.releases_at_hand import icd10cm_of

OFFICIAL = Path(__file__).parents[1] / "data" / "official"


def run(*arguments):
    done = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    return orjson.loads(done.stdout)


@pytest.fixture(scope="module")
def adopted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICD_AGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("adopted")
        report = run("index", "build", "--cdc", OFFICIAL, "--out", out)
        yield out, report


def test_the_manifest_names_the_files_that_went_in(adopted):
    out, report = adopted
    manifest = Artefacts(out).read_manifest()
    assert manifest.release == "2026-10-01"
    assert {file.kind: file.name for file in manifest.official} == {
        kind: f"icd10cm-{kind}-2026-10-01.xml"
        for kind in ("tabular", "index", "neoplasm", "drug", "eindex")
    }
    assert all(len(file.sha256) == 64 for file in manifest.official)
    assert "tabular.json.gz" in manifest.files
    assert report["unread"] == [
        {"file": "icd10cm-index-2026-10-01.xml", "line": 29, "code": "L99.9"}
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("croupous inflammation of the left lung", "J18.1"),
        ("benign tumor of the nipple", "D24"),
        ("chimney soot overdose", "T59.811A"),
        ("toppled from a rocking chair", "W07"),
    ],
)
def test_search_finds_codes_by_official_wordings(adopted, text, code):
    hits = run("search", text, "--index", adopted[0], "-k", 3)["hits"]
    assert code in [hit["key"] for hit in hits]


def test_the_commands_look_codes_up_in_the_adopted_release(adopted, monkeypatch):
    assert run("show", "J19", "--index", adopted[0])["title"] == "Glassblower's wheeze"
    monkeypatch.setenv(INDEX_VARIABLE, str(adopted[0]))
    assert run("show", "J19")["release"] == "2026-10-01"
    report = run("check", "J19", "J18.1")
    assert [f["rule"] for f in report["findings"] if f["severity"] == "error"] == ["excludes1"]
    with pytest.raises(UserError, match=r"'I10' does not exist in ICD-10-CM 2026-10-01"):
        run("check", "I10")


def test_another_build_into_the_folder_drops_the_release(
    adopted, tmp_path, system, encoder, small_content, monkeypatch
):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    shutil.copytree(adopted[0], out)
    build(Artefacts(out), system, encoder, small_content, lambda done, total: None)
    assert not Artefacts(out).tabular.exists()
    assert Artefacts(out).read_manifest().official == ()
    assert icd10cm_of(out) is system


@pytest.mark.parametrize(
    "more", [(), ("--out", BUNDLED_DIRECTORY), ("--out", "out", "--code-system", "icd9cm")]
)
def test_adoption_needs_a_folder_of_its_own(more):
    with pytest.raises(UserError, match="into a folder of its own"):
        run("index", "build", "--cdc", OFFICIAL, *more)


@pytest.mark.parametrize("policy", ["guidelines", "mentions"])
def test_notes_are_coded_in_the_adopted_release(adopted, tmp_path, policy):
    note = tmp_path / "note.txt"
    note.write_text(
        "ASSESSMENT:\nCroupous inflammation of the lung. Chimney soot overdose.", encoding="utf-8"
    )
    result = run("code", note, "--llm", "none", "--policy", policy, "--index", adopted[0])
    assert result["release"] == "2026-10-01"
    assert {"J18.1", "T59.811A"} <= {candidate["code"] for candidate in result["candidates"]}
    if policy == "guidelines":
        assert {code["code"] for code in result["codes"]} == {"J18.1", "T59.811A"}


def test_tables_of_another_year_than_the_tabular_list_are_refused(tmp_path):
    shutil.copy(OFFICIAL / "icd10cm-drug-2026-10-01.xml", tmp_path)
    with pytest.raises(UserError, match=r"put icd10cm-tabular-2026-10-01\.xml into"):
        run("index", "build", "--cdc", tmp_path, "--out", tmp_path / "out")
