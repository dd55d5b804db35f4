"""Adding a host to the configuration, which stays as it was otherwise."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mediatui.config_file import load_settings
from mediatui.config_text import add_allowed_host, template
from mediatui.errors import UsageError

TEXTS = {
    "nothing": "",
    "no table": "theme = 1\n[ui]\nbell = true # c\n".replace("theme = 1\n", ""),
    "a table without it": "[save]\n# kept\npolicy = 'on-demand'\n\n[ui]\nbell = true\n",
    "an empty list": "[save]\nallow_hosts = [] # why\n",
    "one": "[ save ] # here\nallow_hosts=['b.example']# c\n",
    "several lines": "[save]\nallow_hosts = [ # first\n  'b.example', # second\n  'c.example',\n]\n",
    "the template": template(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_host_is_added_and_everything_else_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    before = tomllib.loads(text)
    add_allowed_host(path, "new.example")
    once = path.read_text("utf-8")
    add_allowed_host(path, "new.example")
    assert path.read_text("utf-8") == once
    after = tomllib.loads(once)
    hosts = after["save"].pop("allow_hosts")
    assert hosts == ["new.example", *before.get("save", {}).pop("allow_hosts", [])]
    assert after == {**before, "save": before.get("save", {})}
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert all(f"#{comment}" in once for comment in comments)
    assert load_settings(path).allow_hosts[0] == "new.example"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["save = 3\n", "save.policy = 'automatic'\n", "[save]\nallow_hosts = 'x'\n", "[save\n"]
)
def test_what_cannot_be_changed_safely_is_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="cannot be changed safely"):
        add_allowed_host(path, "new.example")
    assert path.read_text("utf-8") == text
