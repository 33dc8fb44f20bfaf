"""llmock, a foreign implementation of the chat protocol, as a process; `second_service.py` starts it.

Runs in the environment of scripts/requirements/chat.txt. The first line that it writes has its address; it
ends with its standard input, which is when the process that started it is gone at the latest.
"""

from __future__ import annotations

import json
import sys

# The types of llmock are where it is installed, and the type checker is not.
from llmock.simulation import MockResponseSettings  # type: ignore[import-not-found]
from llmock.testing import LLMockServer  # type: ignore[import-not-found]

with LLMockServer(responses=MockResponseSettings(response_style="echo", tool_mode="off")) as server:
    print(json.dumps({"url": server.url}), flush=True)
    sys.stdin.read()
