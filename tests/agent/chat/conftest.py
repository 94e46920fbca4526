"""Conversations over the loaded agent, each in a memory of its own."""

import pytest

from agent.chat.conversation import Conversation
from agent.chat.session import Parts
from agent.chat.store import ChatStore
from agent.result import ResultContext


@pytest.fixture(scope="session")
def all_parts(coders):
    return {policy: Parts(coder) for policy, coder in coders.items()}


@pytest.fixture(scope="session")
def parts(all_parts):
    return all_parts["guidelines"]


@pytest.fixture
def talk_about(all_parts):
    """Return a function that codes a text in a new conversation."""

    def begin(text, policy="guidelines", **context):
        talk = Conversation.open("t", all_parts[policy], ChatStore.in_memory())
        talk.code_note(text, ResultContext(**context), "n")
        return talk

    return begin
