"""The tools of the clients, by name.

opencode 1.18.33 and 1.14.34, Continue's cn 1.5.47 and Codex 0.171 were asked: they sent these tools to a
model on this machine. The others are from the clients' sources: Continue's extension, Cline 3 and its SDK,
Aider 0.86's edit functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Mapping

from foundation.errors import Refusal
from sovereigncode.tools.classes import ToolClass


class Takes(Enum):
    """What decides the class of a tool's call, besides its name."""

    NOTHING = "nothing"
    COMMAND = "a shell command"
    COMMANDS = "several shell commands"
    PROGRAM = "a program with its arguments"
    CONTENT = "a file's content"
    SWAP = "a text and its replacement"
    SWAPS = "several texts and their replacements"
    BLOCKS = "SEARCH and REPLACE blocks"
    PATCH = "a patch"
    CHANGES = "a file and a description of its changes"
    INSERT_OR_SWAP = "a text and its replacement, or a line"
    FILES = "several files"
    CALLS = "several tool calls"
    OPTIONAL_COMMAND = "possibly a shell command"
    KEYS = "keys for a program that runs"
    ANSWER = "an answer with edit blocks"


@dataclass(frozen=True)
class Tool:
    """A tool: what decides, and the class of its calls if its name alone does."""

    takes: Takes
    tool_class: ToolClass = ToolClass.UNKNOWN


_PLAIN: Final[Mapping[str, Mapping[ToolClass, str]]] = {
    "opencode": {
        ToolClass.READ: "read glob grep list lsp skill todoread",
        ToolClass.PLAN: "todowrite task question plan_enter plan_exit invalid",
        ToolClass.NETWORK: "webfetch websearch codesearch",
    },
    "Continue": {
        ToolClass.READ: "read_file read_file_range read_currently_open_file view_diff ls grep_search "
        "file_glob_search "
        "codebase view_repo_map view_subdirectory read_skill request_rule Read List Search Diff Skills "
        "CheckBackgroundJob",
        ToolClass.PLAN: "Checklist AskQuestion Exit Subagent",
        ToolClass.NETWORK: "search_web fetch_url_content Fetch Status ReportFailure",
        ToolClass.PUBLISH: "UploadArtifact",
        ToolClass.FILE_WRITE: "create_rule_block",
    },
    "Cline": {
        ToolClass.READ: "read_file search_files list_files list_code_definition_names "
        "load_mcp_documentation use_skill "
        "read_files search_codebase skills",
        ToolClass.PLAN: "ask_followup_question new_task plan_mode_respond act_mode_respond focus_chain "
        "condense "
        "summarize_task use_subagents ask_question submit_and_exit spawn_agent switch_to_act_mode",
        ToolClass.NETWORK: "browser_action web_fetch web_search fetch_web_content",
        ToolClass.PUBLISH: "report_bug",
        ToolClass.UNKNOWN: "use_mcp_tool access_mcp_resource",
    },
    "Codex": {
        ToolClass.READ: "view_image list_dir grep_files read_file list_mcp_resources "
        "list_mcp_resource_templates",
        ToolClass.PLAN: "update_plan request_user_input spawn_agent send_input wait_agent close_agent "
        "resume_agent "
        "send_message followup_task list_agents get_goal create_goal update_goal",
        ToolClass.NETWORK: "web_search read_mcp_resource",
        ToolClass.UNKNOWN: "exec js_repl request_permissions",
    },
    "Aider": {},
}
_ACTING: Final[Mapping[str, Mapping[str, Takes]]] = {
    "opencode": {
        "bash": Takes.COMMAND,
        "shell": Takes.COMMAND,
        "write": Takes.CONTENT,
        "edit": Takes.SWAP,
        "multiedit": Takes.SWAPS,
        "patch": Takes.PATCH,
        "apply_patch": Takes.PATCH,
        "batch": Takes.CALLS,
    },
    "Continue": {
        "run_terminal_command": Takes.COMMAND,
        "create_new_file": Takes.CONTENT,
        "edit_existing_file": Takes.CHANGES,
        "single_find_and_replace": Takes.SWAP,
        "multi_edit": Takes.SWAPS,
        "Bash": Takes.COMMAND,
        "Write": Takes.CONTENT,
        "Edit": Takes.SWAP,
        "MultiEdit": Takes.SWAPS,
    },
    "Cline": {
        "execute_command": Takes.COMMAND,
        "write_to_file": Takes.CONTENT,
        "replace_in_file": Takes.BLOCKS,
        "apply_patch": Takes.PATCH,
        "new_rule": Takes.CONTENT,
        "attempt_completion": Takes.OPTIONAL_COMMAND,
        "run_commands": Takes.COMMANDS,
        "editor": Takes.INSERT_OR_SWAP,
    },
    "Codex": {
        "shell": Takes.COMMAND,
        "local_shell": Takes.COMMAND,
        "container.exec": Takes.COMMAND,
        "shell_command": Takes.COMMAND,
        "exec_command": Takes.COMMAND,
        "write_stdin": Takes.KEYS,
        "apply_patch": Takes.PATCH,
    },
    # Aider's models answer with blocks in their text: what the gateway finds there is judged under this name.
    "Aider": {"write_file": Takes.FILES, "replace_lines": Takes.FILES, "edit_blocks": Takes.ANSWER},
}
# What decides for tools of these kinds, before their arguments are read.
BASE: Final[Mapping[Takes, ToolClass]] = {
    Takes.COMMAND: ToolClass.SHELL,
    Takes.COMMANDS: ToolClass.SHELL,
    Takes.PROGRAM: ToolClass.SHELL,
    Takes.CONTENT: ToolClass.FILE_WRITE,
    Takes.SWAP: ToolClass.FILE_WRITE,
    Takes.SWAPS: ToolClass.FILE_WRITE,
    Takes.BLOCKS: ToolClass.FILE_WRITE,
    Takes.PATCH: ToolClass.FILE_WRITE,
    Takes.CHANGES: ToolClass.FILE_WRITE,
    Takes.INSERT_OR_SWAP: ToolClass.FILE_WRITE,
    Takes.FILES: ToolClass.FILE_WRITE,
    Takes.ANSWER: ToolClass.FILE_WRITE,
    Takes.CALLS: ToolClass.PLAN,
    Takes.OPTIONAL_COMMAND: ToolClass.PLAN,
    Takes.KEYS: ToolClass.UNKNOWN,
}


def _clients() -> dict[str, dict[str, Tool]]:
    return {
        client: {
            **{name: Tool(Takes.NOTHING, found) for found, names in rows.items() for name in names.split()},
            **{name: Tool(takes, BASE[takes]) for name, takes in _ACTING[client].items()},
        }
        for client, rows in _PLAIN.items()
    }


CLIENTS: Final[Mapping[str, Mapping[str, Tool]]] = _clients()


@dataclass(frozen=True)
class Names:
    """The tools that are known, by their names in small letters."""

    tools: Mapping[str, Tool]

    def find(self, name: str) -> Tool | None:
        """The tool of this name. opencode takes `Write` for `write`, so the case does not count."""
        return self.tools.get(name.lower())

    def with_more(self, more: Mapping[str, str]) -> Names:
        """The same with more tools: a name, and a class or the known tool whose arguments it takes.

        Raises Refusal config_invalid for a class or tool that does not exist, and for a known tool that would
        become milder.
        """
        made = dict(self.tools)
        for name, value in more.items():
            tool = self._meant(name, value)
            known = self.tools.get(name.lower())
            if known is not None and (known.takes is not tool.takes or tool.tool_class < known.tool_class):
                raise _refused(f"the tool {name} is known, and its class cannot be changed to {value}")
            made[name.lower()] = tool
        return Names(made)

    def _meant(self, name: str, value: str) -> Tool:
        for found in ToolClass:
            if value == found.word:
                return Tool(Takes.NOTHING, found)
        tool = self.find(value)
        if tool is None:
            raise _refused(f"{value}, given for the tool {name}, is neither a class nor a known tool")
        return tool


def _refused(message: str) -> Refusal:
    classes = ", ".join(found.word for found in ToolClass)
    return Refusal("config_invalid", message, next_step=f"use one of {classes}, or the name of a known tool")


def _all() -> dict[str, Tool]:
    found: dict[str, Tool] = {}
    for tools in CLIENTS.values():
        for name, tool in tools.items():
            other = found.get(name.lower())
            if other is None or tool.tool_class > other.tool_class:
                found[name.lower()] = tool
    return found


KNOWN: Final = Names(_all())
