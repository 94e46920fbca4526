"""Conversations over the loaded agent, each in a memory of its own."""

import pytest

from agent.chat.conversation import Conversation
from agent.chat.desk import Desk
from agent.chat.store import ChatStore
from agent.result import ResultContext


@pytest.fixture(scope="session")
def desks(coders):
    return {policy: Desk(coder) for policy, coder in coders.items()}


@pytest.fixture(scope="session")
def desk(desks):
    return desks["guidelines"]


@pytest.fixture
def talk_about(desks):
    """Return a function that codes a text in a new conversation."""

    def begin(text, policy="guidelines", **context):
        talk = Conversation.open("t", desks[policy], ChatStore.in_memory())
        talk.code_note(text, ResultContext(**context), "n")
        return talk

    return begin


def listed(reply):
    return [line.code for line in reply.codes]
