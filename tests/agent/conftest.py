"""One loaded agent for all tests of its behaviour: loading takes seconds, a sentence none."""

import pytest

from agent.coder import Coder, CoderOptions
from agent.llm.catalogue import model_entry
from agent.llm.fetch import is_present
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.settings import Settings
from agent.state import CoderContext, LLMIdentity
from agent.trace.recorder import Recorder
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

    def make(llm=None):
        return CoderContext(
            system=get_code_system(),
            generators=(),
            policy_data=load_policy(),
            llm=llm,
            llm_identity=LLMIdentity("test", llm.model_id if llm else "none"),
            policy="guidelines",
            settings=Settings(),
            recorder=Recorder(),
        )

    return make
