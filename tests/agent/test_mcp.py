"""The MCP server, over standard input and output, as the SDK's own client sees it."""

import json
import os
import subprocess
import sys

import anyio
import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client, MCPError, StdioServerParameters, stdio_client

COMMAND = ("-m", "agent.cli.main", "mcp")
NOTE = "ASSESSMENT:\nLobar pneumonia. No chest pain. Zebrafish smuggler.\n"
CALLS = {
    "code_note": {"note": NOTE, "setting": "outpatient", "sex": "F", "age": 40},
    "search_codes": {"query": "heart failure", "limit": 2},
    "show_code": {"code": "E11.22"},
    "browse_children": {"code": "I50"},
    "search_guidelines": {"query": "uncertain diagnosis", "limit": 2},
    "check_codes": {"codes": ["E10.9", "E11.9"]},
    "map_code": {"code": "250.00", "source": "icd9cm", "target": "icd10cm"},
    "find_in_note": {"note": NOTE, "words": "chest pain"},
    "plm_icd_candidates": {"note": NOTE, "limit": 3},
}
MISTAKES = {
    "a code that does not exist": ("show_code", {"code": "E11.99"}),
    "an empty note": ("code_note", {"note": " "}),
    "no such date": ("code_note", {"note": NOTE, "date": "yesterday"}),
    "an argument out of range": ("find_in_note", {"note": NOTE, "words": "pain", "limit": 0}),
    "an unknown tool": ("submit", {}),
}
RESOURCES = (
    "icd-agent://guidelines",
    "icd-agent://guideline/I.C.9.a",
    "icd-agent://guideline/I.C.9.a.2",
    "icd-agent://code/E11.22",
)
MISSING = ("icd-agent://guideline/V.Q", "icd-agent://code/E11.99")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """All that one client did with one server, and what the server wrote to its log."""
    log = tmp_path_factory.mktemp("mcp") / "log"
    server = StdioServerParameters(command=sys.executable, args=[*COMMAND], env=dict(os.environ))

    async def talk():
        seen = {}
        with log.open("w", encoding="utf-8") as stderr:
            async with Client(stdio_client(server, errlog=stderr)) as client:
                seen["tools"] = {t.name: t for t in (await client.list_tools()).tools}
                seen["templates"] = [
                    t.uri_template
                    for t in (await client.list_resource_templates()).resource_templates
                ]
                seen["answers"] = {n: await client.call_tool(n, a) for n, a in CALLS.items()}
                seen["mistakes"] = {
                    what: await client.call_tool(*call) for what, call in MISTAKES.items()
                }
                seen["read"] = {
                    uri: (await client.read_resource(uri)).contents[0] for uri in RESOURCES
                }
                seen["missing"] = {}
                for uri in MISSING:
                    with pytest.raises(MCPError) as caught:
                        await client.read_resource(uri)
                    seen["missing"][uri] = str(caught.value)
        return seen

    seen = anyio.run(talk)
    seen["log"] = log.read_text(encoding="utf-8")
    return seen


def test_all_tools_are_listed_as_read_only_with_schemas(session):
    assert list(session["tools"]) == list(CALLS)
    for tool in session["tools"].values():
        assert tool.annotations.read_only_hint
        assert not tool.annotations.open_world_hint
        assert tool.output_schema["type"] == "object"
        assert not tool.description.startswith(" ")
        assert "\n    " not in tool.description
        for argument in tool.input_schema["properties"].values():
            assert argument["description"], tool.name


@pytest.mark.parametrize("name", CALLS)
def test_every_tool_answers_structured_and_as_text(session, name):
    answer = session["answers"][name]
    assert not answer.is_error, answer.content
    assert json.loads(answer.content[0].text) == answer.structured_content


def test_a_note_is_coded_with_evidence(session):
    result = session["answers"]["code_note"].structured_content
    assert (result["status"], result["usage"]["llm"]) == ("ok", "none")
    assert result["context"] == {
        "setting": "outpatient",
        "sex": "F",
        "age": 40.0,
        "date": None,
        "language": "en",
    }
    (code, *_) = result["codes"]
    assert code["code"] == "J18.1"
    assert all(NOTE[e["start"] : e["end"]] == e["text"] for e in code["evidence"])
    assert len(result["candidates"]) <= 20


def test_the_tools_agree_with_the_agent(session):
    answers = {name: answer.structured_content for name, answer in session["answers"].items()}
    assert answers["search_codes"]["hits"][0]["code"] == "I50.9"
    assert answers["check_codes"]["errors"] == 1
    assert answers["map_code"]["options"][0]["parts"][0][0]["code"] == "E11.9"
    assert answers["find_in_note"]["places"][0]["assertion"] == "absent"
    assert answers["plm_icd_candidates"]["known_codes"] > 1000


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("a code that does not exist", 'existing codes: E11.9. Fix: show_code(code="E11.9")'),
        ("an empty note", "the note is empty. Fix: give the whole text"),
        ("no such date", "date is 'yesterday', not a calendar date YYYY-MM-DD"),
        ("an argument out of range", "greater than or equal to 1"),
        ("an unknown tool", "Unknown tool: submit"),
    ],
)
def test_a_mistake_is_told_to_the_client(session, what, message):
    answer = session["mistakes"][what]
    assert answer.is_error
    assert message in answer.content[0].text
    assert "Traceback" not in answer.content[0].text


def test_guideline_cards_and_codes_are_resources(session):
    assert session["templates"] == ["icd-agent://guideline/{section}", "icd-agent://code/{code}"]
    read = session["read"]
    assert "(icd-agent://guideline/I.C.9.a)" in read["icd-agent://guidelines"].text
    card = read["icd-agent://guideline/I.C.9.a"]
    assert card.text.startswith("# I.C.9.a Hypertension")
    assert card.mime_type == "text/markdown"
    assert read["icd-agent://guideline/I.C.9.a.2"].text == card.text  # the section above
    assert json.loads(read["icd-agent://code/E11.22"].text)["ancestors"][0]["code"] == "E11.2"


def test_a_missing_resource_says_what_there_is(session):
    assert "icd-agent://guidelines lists all" in session["missing"]["icd-agent://guideline/V.Q"]
    assert "existing codes: E11.9" in session["missing"]["icd-agent://code/E11.99"]


def test_nothing_of_a_note_or_a_query_is_logged(session):
    assert session["log"] == ""


def test_standard_output_carries_the_protocol_alone():
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    }
    done = subprocess.run(
        [sys.executable, *COMMAND],
        input=json.dumps(asked) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert (answer["id"], answer["result"]["serverInfo"]["name"]) == (1, "icd-agent")


def test_a_defect_names_its_kind_and_keeps_the_note_out_of_the_log(capsys):
    import threading

    from mcp.server.mcpserver.exceptions import ToolError

    from agent.mcp_server import _served

    def broken(note: str):
        raise ValueError(f"cannot read {note}")

    with pytest.raises(ToolError) as caught:
        _served(broken, threading.Lock())(NOTE)
    assert str(caught.value) == "a defect of icd-agent (ValueError)"
    logged = capsys.readouterr().err
    assert "in broken" in logged
    assert "Zebrafish" not in logged


@pytest.mark.parametrize(
    ("arguments", "hidden", "message"),
    [
        ((), "mcp", "the MCP server needs the package mcp. Fix: pip install 'icd-agent[mcp]'"),
        (("--llm", "bulitin"), "", "unknown LLM 'bulitin'"),
    ],
)
def test_what_keeps_the_server_from_starting_is_one_line(arguments, hidden, message):
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden!r}.split())); "
        "from agent.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "mcp", *arguments],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
