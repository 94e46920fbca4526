"""One loaded agent for all tests of its behaviour: loading takes seconds, a sentence none."""

import numpy as np
import pytest
from tokenizers import Tokenizer

from agent.coder import Coder, CoderOptions
from agent.llm.catalogue import model_entry
from agent.llm.fetch import is_present
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.settings import Settings
from agent.state import CoderContext, LLMIdentity
from agent.trace.recorder import Recorder
from indexes.encoder import BUNDLED_FOLDER, EncoderFiles, load_encoder
from indexes.plm_icd.config import PLMConfig
from indexes.plm_icd.files import FORMAT_VERSION, PLMCard, PLMFiles
from indexes.plm_icd.predict import PLMPredictor
from knowledge.code_systems import get_code_system
from knowledge.policy_data import load_policy


@pytest.fixture(scope="session")
def coders():
    return {
        policy: Coder(CoderOptions(llm="none", policy=policy))
        for policy in ("guidelines", "mentions")
    }


@pytest.fixture(scope="session")
def code(coders):
    """Return a function that codes a text and gives the result."""

    def run(text, policy="guidelines", **context):
        return coders[policy].code(CodingRequest("n", text, ResultContext(**context)))

    return run


@pytest.fixture(scope="session")
def builtin_model():
    """Skip the test where the built-in LLM has not been fetched."""
    if not is_present(model_entry()):
        pytest.skip("the built-in LLM is not here: icd-agent model fetch")


@pytest.fixture(scope="session")
def bare_context():
    """Return a function that makes a context without generators, for single nodes."""

    def make(llm=None, plm=None, policy="guidelines"):
        return CoderContext(
            system=get_code_system(),
            generators=(),
            policy_data=load_policy(),
            llm=llm,
            llm_identity=LLMIdentity("test", llm.model_id if llm else "none"),
            plm=plm,
            policy=policy,
            settings=Settings(threshold=0.5),  # whatever voice is shipped
            recorder=Recorder(),
        )

    return make


@pytest.fixture(scope="session")
def make_plm(tmp_path_factory):
    """Return a function that makes a PLM-ICD over a few codes without training.

    Its encoder is the bundled one; a label looks for the words that are most like its title.
    """
    system, bundled = get_code_system(), EncoderFiles(BUNDLED_FOLDER)

    def make(codes, threshold=0.5):
        files = PLMFiles(tmp_path_factory.mktemp("plm_icd"))
        files.encoder.symlink_to(bundled.model)
        tokenizer = Tokenizer.from_file(str(bundled.tokenizer))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.save(str(files.tokenizer))
        vectors = load_encoder().encode([system.get(system.nearest(c)).title for c in codes])
        np.savez(
            files.labels,
            query=vectors,
            value=vectors,
            bias=np.full(len(codes), -9.0),
            norm_weight=np.ones(vectors.shape[1]),
            norm_bias=np.zeros(vectors.shape[1]),
        )
        card = PLMCard(
            format_version=FORMAT_VERSION,
            config=PLMConfig(),
            codes=tuple(codes),
            code_system=system.key,
            special_tokens=tuple(map(tokenizer.token_to_id, ("[CLS]", "[SEP]", "[PAD]"))),
            threshold=threshold,
            validation_f1=0.0,
            training_notes=0,
            validation_notes=0,
            data_sha256="",
            packages={},
        )
        files.card.write_text(card.model_dump_json(), encoding="utf-8")
        return PLMPredictor(files.folder)

    return make
