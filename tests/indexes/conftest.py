import pytest

from indexes.artefacts import Artefacts
from indexes.build import Content, build
from indexes.encoder import load_encoder
from indexes.rows import code_rows, guideline_rows
from indexes.term_table import synonym_terms
from knowledge.code_systems import get_code_system
from knowledge.guidelines import load_cards

SMALL = ("I21", "I50", "J18", "N17", "S72.0")


@pytest.fixture(scope="session")
def system():
    return get_code_system()


@pytest.fixture(scope="session")
def encoder():
    return load_encoder(threads=1)


@pytest.fixture(scope="session")
def small_content(system):
    """Rows of a few categories and three cards: enough for a genuine index in a second."""
    rows = [row for row in code_rows(system) if row.key.startswith(SMALL)]
    return Content(rows, guideline_rows(load_cards()[:3]), list(synonym_terms()))


@pytest.fixture(scope="session")
def small_artefacts(tmp_path_factory, system, encoder, small_content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICD_AGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        artefacts = Artefacts(tmp_path_factory.mktemp("artefacts"))
        build(artefacts, system, encoder, small_content, lambda done, total: None)
    return artefacts
