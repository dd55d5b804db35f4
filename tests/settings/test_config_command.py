"""``mediatui config``: show, check, edit, path, template."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

from tests.cli.home import Home

from mediatui.config_text import template


def editor(folder: Path, body: str) -> str:
    script = folder / "my editor.sh"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o700)
    return f"'{script}'"


def test_show_gives_every_value_and_no_key(home: Home) -> None:
    home.configure(
        """
[save]
policy = "on-demand"
[providers.mine]
kind = "openai"
key = "abcdefgh12345"
base_url = "https://x.org/v1"
extra = { token = "zyxwvuts98765" }
[providers.fal]
key_command = "echo hidden-in-command"
""",
    )
    shown = home.run("config", "show", "--json").document
    assert shown["settings"]["save.policy"] == "on-demand"
    assert shown["settings"]["save.keep_unsaved"] is True
    assert shown["providers"]["mine"] == {
        "kind": "openai",
        "key_from": "config file",
        "configured": True,
        "media_hosts": [],
        "options": {"base_url": "https://x.org/v1", "extra": "(set)"},
    }
    assert shown["providers"]["fal"]["key_from"] == "key_command"
    text = home.run("config").out
    assert 'save.policy = "on-demand"   # changed' in text
    for secret in ("abcdefgh12345", "zyxwvuts98765", "hidden-in-command"):
        assert secret not in text + str(shown)
    tomllib.loads(text)


def test_check_names_what_is_wrong(home: Home) -> None:
    path = home.configure("[save]\npolcy = 'manual'\n")
    done = home.run("config", "check")
    assert done.code == 2
    assert "save.polcy" in done.err
    assert "Did you mean save.policy?" in done.err
    path.write_text("sandbox = true\n")
    path.chmod(0o644)
    done = home.run("config", "check")
    assert done.code == 0
    assert f"chmod 600 {path}" in done.err


def test_path_and_template_are_printed(home: Home) -> None:
    assert home.run("config", "path").out.strip() == str(home.config)
    assert home.run("config", "template").out == template()
    assert list(home.root.iterdir()) == []


def test_edit_makes_a_private_file_opens_it_and_reads_it(home: Home, tmp_path: Path) -> None:
    add = editor(tmp_path, 'echo "default_project = \\"Films\\"" | cat - "$1" > "$1.new" && cat "$1.new" > "$1"')
    done = home.run("config", "edit", VISUAL=add)
    path = home.config
    assert done.code == 0, done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f'default_project = "Films"\n{template()}'
    assert home.run("config", "show", "--json").document["settings"]["default_project"] == "Films"
    spoil = editor(tmp_path, 'echo "nonsense" > "$1"')
    done = home.run("config", "edit", VISUAL="", EDITOR=spoil)
    assert done.code == 2
    assert "config.toml" in done.err


def test_an_editor_that_fails_or_is_not_there_says_so(home: Home, tmp_path: Path) -> None:
    assert "ended with code 3" in home.run("config", "edit", VISUAL=editor(tmp_path, "exit 3")).err
    assert "does not start" in home.run("config", "edit", VISUAL="no-such-editor").err
    done = home.run("config", "edit", VISUAL="", EDITOR="")
    assert done.code == 2
    assert "Set EDITOR" in done.err
