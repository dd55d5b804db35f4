"""Commands that only look start quickly: they import nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.cli.home import Home

from mediatui.cli.main import COMMANDS

HEAVY = {"textual", "rich", "httpx", "PIL", "av", "starlette", "uvicorn", "cryptography", "asyncio"}

LOOK = """
import json, sys
from mediatui.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as done:
    code = done.code
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        *((name, "--help") for name, _, _ in COMMANDS),
        ("list", "--json"),
        ("jobs", "list"),
        ("projects", "list"),
        ("path",),
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(home: Home, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments],
        capture_output=True,
        encoding="utf-8",
        env=home.environment,
        check=False,
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    assert sorted(set(loaded) & HEAVY) == []


def test_looking_creates_nothing(home: Home) -> None:
    for arguments in (("list",), ("jobs",), ("projects",), ("path",), ("doctor",)):
        home.run(*arguments)
    assert list(home.root.iterdir()) == []
