"""What a line asks for is told by patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chat.intents import COMMANDS, read
from knowledge.code_systems import get_icd10cm
from knowledge.errors import UserError

SYSTEM = get_icd10cm("icd10cm")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("why I50.32?", ("why", "I50.32")),
        ("Why did you code i5032", ("why", "I50.32")),
        ("why is I50.32 there?", ("why", "I50.32")),
        ("explain I50.32", ("why", "I50.32")),
        ("/why i50.32", ("why", "I50.32")),
        ("why not I50.9?", ("whynot", "I50.9")),
        ("why isn't I50.9 on the list?", ("whynot", "I50.9")),
        ("why is I50.9 not coded?", ("whynot", "I50.9")),
        ("Why was I50.9 rejected?", ("whynot", "I50.9")),
        ("why did you not code I50.9", ("whynot", "I50.9")),
        ("why didn't you assign I50.9?", ("whynot", "I50.9")),
        ("/whynot I50.9", ("whynot", "I50.9")),
        ("what if I add E10.9?", ("what_if_added", "E10.9")),
        ("what if I drop E10.9", ("what_if_removed", "E10.9")),
        ("what if I removed S82.65XA?", ("what_if_removed", "S82.65XA")),
        ("undo", ("undo", "")),
        ("check", ("check", "")),
        ("accept all", ("accept", "all")),
        ("/accept ALL", ("accept", "all")),
        ("/accept I10", ("accept", "I10")),
    ],
)
def test_a_line_means_an_action_on_a_code(line, expected):
    turn = read(line, SYSTEM)
    assert (turn.action, turn.code) == expected


@pytest.mark.parametrize(
    ("line", "action", "text"),
    [
        ("is there a more specific code for N18.9?", "specific", "N18.9"),
        ("more specific code for heart failure", "specific", "heart failure"),
        ("what does the guideline say about sepsis?", "guideline", "sepsis"),
        ("guideline I.C.4.a", "guideline", "I.C.4.a"),
        ("guidelines on pressure ulcers", "guideline", "pressure ulcers"),
        ("why heart failure?", "why", "heart failure"),
        ("reject I10 because it was not treated", "reject", "it was not treated"),
        ("/reject I10 it was not treated", "reject", "it was not treated"),
        ("/add I10 high blood pressure", "add", "high blood pressure"),
    ],
)
def test_the_rest_of_a_line_is_kept(line, action, text):
    turn = read(line, SYSTEM)
    assert (turn.action, turn.text) == (action, text)


def test_two_codes_are_kept_in_order():
    for line in ("/replace I10 I11.9", "replace i10 with i119"):
        turn = read(line, SYSTEM)
        assert (turn.action, turn.code, turn.other) == ("replace", "I10", "I11.9")


def test_every_command_of_the_help_is_known():
    terminal = {"/export", "/note", "/help", "/quit"}
    for usage in COMMANDS:
        name = usage.split()[0]
        if name not in terminal:
            with_arguments = {"/replace": "I10 I11.9", "/move": "I10 2", "/mend": "1"}
            bare = "" if usage == name else with_arguments.get(name, "I10")
            assert read(f"{name} {bare}", SYSTEM).action == name[1:]


@given(st.text(max_size=60) | st.from_regex(r"/?(why|add|mend|accept) .{0,20}", fullmatch=True))
def test_any_line_is_an_action_or_one_clear_line(line):
    try:
        turn = read(line, SYSTEM)
    except UserError:
        return
    assert turn.action
    assert turn.code in ("", "all") or SYSTEM.get(turn.code)
