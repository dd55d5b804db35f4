"""Setting one key in a file somebody wrote: everything else stays, and the file becomes private."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.config_file import load_settings
from mediatui.config_text import create_private, store_key, store_option, template, toml_value
from mediatui.errors import StorageError, UsageError
from mediatui.keys import Secret

HAND_MADE = """\
# mine
default_project = "Films"   # the usual

[providers.fal]   # work
# the old one
key = "old-key-1234"
media_hosts = ["x.org"]

[ui]
theme = "light"
"""


def test_a_key_is_replaced_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(HAND_MADE)
    path.chmod(0o644)
    store_key(path, "fal", Secret("new-key-5678"))
    assert path.read_text() == HAND_MADE.replace("old-key-1234", "new-key-5678")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]


def test_a_table_is_added_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(HAND_MADE)
    store_key(path, "replicate", Secret("r8-key-5678"))
    assert path.read_text().startswith(HAND_MADE)
    assert tomllib.loads(path.read_text())["providers"]["replicate"] == {"key": "r8-key-5678"}


def test_a_file_is_made_private_from_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    store_key(path, "fal", Secret("abc-key-5678"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_settings(path).providers["fal"].configured


def test_the_template_takes_a_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert create_private(path, template())
    assert not create_private(path, "other")
    store_option(path, "fal", "keyring", True)
    assert load_settings(path).active_provider == "fal"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("sandbox = false\n")
    link.symlink_to(real)
    store_key(link, "fal", Secret("abc-key-5678"))
    assert link.is_symlink()
    assert "abc-key-5678" in real.read_text()


@pytest.mark.parametrize(
    "text",
    [
        'providers = { fal = { key = "old-key-1" } }\n',
        "[providers.fal]\nkey = '''\nold\n'''\n",
        'providers.fal.key = "old-key-1"\n',
        'note = """\n[providers.fal]\n"""\n',
        "not toml at all",
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match="nothing was changed"):
        store_key(path, "fal", Secret("new-key-5678"))
    assert path.read_text() == text


def test_a_place_that_takes_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        store_key(tmp_path / "file" / "config.toml", "fal", Secret("new-key-5678"))


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text('ab- é"\\\n', max_size=5), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_a_value_is_spelled_as_toml_reads_it(value: object) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}\n") == {"x": value}
