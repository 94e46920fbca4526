"""One loaded agent for all tests of its behaviour: loading takes seconds, a sentence none."""

import pytest

from agent.coder import Coder, CoderOptions
from agent.llm.catalogue import model_entry
from agent.llm.fetch import is_present
from agent.request import CodingRequest
from agent.result import ResultContext


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
