"""What can be looked up and judged as functions for a model, one implementation for every caller.

`Desk` looks up ICD, its guidelines and the coding rules; `NoteDesk` does so for one note. Their
methods are typed and validated, their docstrings are written for the model that calls them:
`langchain_tools` wraps them for LangChain, `agent.mcp_server` for the Model Context Protocol.
`rule_tools` are the rules one by one, as the check node of the workflow calls them.
"""

from agent.tools.desk import Desk
from agent.tools.langchain import langchain_tools
from agent.tools.note_desk import NoteDesk
from agent.tools.rules import CodeSet, call_rule_tools, rule_tools

__all__ = ["CodeSet", "Desk", "NoteDesk", "call_rule_tools", "langchain_tools", "rule_tools"]
