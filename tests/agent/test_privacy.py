"""Notes stay on the machine: no connection leaves, whatever the environment asks for."""

import socket
import threading

import pytest

from agent.chat.conversation import Conversation
from agent.chat.session import Parts
from agent.chat.store import ChatStore
from agent.result import ResultContext


@pytest.fixture
def listener():
    """A server that stands for a tracing service; counts who knocks."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    knocks, stop = [], threading.Event()

    def accept():
        while not stop.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            knocks.append(address)
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1], knocks
    stop.set()
    thread.join()
    server.close()


@pytest.fixture
def knocks(listener, monkeypatch):
    """Who knocks at a tracing service that the environment asks for."""
    port, knocks = listener
    for name, value in {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{port}",
        "LANGSMITH_API_KEY": "key",
    }.items():
        monkeypatch.setenv(name, value)
    return knocks


def test_no_note_goes_to_a_tracing_service(code, knocks):
    assert code("ASSESSMENT: Lobar pneumonia.").codes
    threading.Event().wait(1.0)  # tracing would send in the background
    assert not knocks


def test_no_conversation_goes_to_a_tracing_service(coders, knocks):
    talk = Conversation.open("t", Parts(coders["guidelines"]), ChatStore.in_memory())
    assert talk.code_note("ASSESSMENT: Hip pain.", ResultContext()).codes
    assert talk.send("left").kind == "decision"
    threading.Event().wait(1.0)
    assert not knocks


def test_no_socket_is_opened(code, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert code("ASSESSMENT: Lobar pneumonia.").codes
