"""What an argument may be: an unset variable of a script means neither "all" nor "here"."""

from __future__ import annotations

import pytest
from tests.cli.home import Home

from mediatui.cli.main import build_parser
from mediatui.errors import UsageError

LONG = "x" * 300
"""A name that no file can have."""


def refused(*arguments: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        build_parser().parse_args(list(arguments))
    return error.value


@pytest.mark.parametrize(
    "arguments",
    [
        ("--data-dir", "", "list"),
        ("list", "--config", " "),
        ("list", "-p", ""),
        ("jobs", "-p", ""),
        ("jobs", "list", "-p", ""),
        ("jobs", "resume", "-p", ""),
        ("retry", "--all", "-p", ""),
        ("clean", "unsaved", "-p", ""),
        ("repair", "-p", ""),
        ("generate", "x", "-m", "a/b", "-p", ""),
        ("generate", "x", "-m", ""),
        ("generate", "x", "-m", "a/b", "--image", ""),
        ("generate", "x", "-m", "a/b", "--params-json", ""),
        ("trash", "--empty", "--yes", "-p", ""),
        ("trash", "abcd", "--erase", ""),
        ("trash", "--filter", ""),
        ("move", "abcd", "--to", " "),
        ("export", "demo", "-o", ""),
        ("export", "demo", "--filter", ""),
        ("import", ""),
        ("import", "x.zip", "-p", ""),
        ("adopt", "demo", ""),
        ("logs", "--item", ""),
        ("selftest", "--folder", ""),
        ("list", "--filter", ""),
        ("export", "demo", "--names", ""),
        ("jobs", "retry", "--all", "-p", ""),
        ("jobs", "dismiss", "--all", "-p", ""),
        ("jobs", "show", ""),
        ("models", ""),
        ("models", "--category", ""),
        ("models", "--provider", ""),
        ("keys", ""),
        ("sandbox", "--host", ""),
        ("auth", "check", ""),
        ("auth", "set", ""),
        ("projects", "delete", ""),
        ("templates", "save", "name", ""),
        ("templates", "save", "name", "text", "-m", ""),
        ("path", "project", ""),
        ("show", ""),
        ("rename", "abcd", ""),
    ],
)
def test_an_empty_value_is_refused(arguments: tuple[str, ...]) -> None:
    assert "it is empty" in refused(*arguments).message


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "caf\udce9", "-m", "a/b"),
        ("generate", "x", "style=caf\udce9", "-m", "a/b"),
        ("generate", "x", "--param", "style=caf\udce9", "-m", "a/b"),
        ("generate", "x", "-m", "a/b", "-p", "caf\udce9"),
        ("templates", "fill", "name", "gap=caf\udce9"),
        ("note", "abcd", "--text", "caf\udce9"),
        ("tag", "abcd", "--add", "caf\udce9"),
    ],
)
def test_bytes_that_are_no_text_are_refused_rather_than_left_out(arguments: tuple[str, ...]) -> None:
    assert "not text in UTF-8" in refused(*arguments).message


def test_a_file_may_have_any_name() -> None:
    args = build_parser().parse_args(["import", "caf\udce9.zip"])
    assert str(args.source) == "caf\udce9.zip"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sandbox", "--port", "99999"), "65535"),
        (("serve", "--port", "-1"), "65535"),
        (("sandbox", "--port", "http"), "'http' is not a whole number"),
        (("list", "--limit", "many"), "'many' is not a whole number"),
        (("generate", "x", "-m", "a", "--seed", "1.5"), "'1.5' is not a whole number"),
        (("clean", "trash", "--older-than", "-1"), "'-1' is not a number of days"),
        (("clean", "trash", "--older-than", "nan"), "'nan' is not a number of days"),
    ],
)
def test_a_number_that_is_none_is_named(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments).message


def test_a_mistyped_command_or_option_names_the_nearest() -> None:
    assert "`mediatui list`" in refused("lst").hint
    assert "`mediatui projects new`" in refused("projects", "nw").hint
    assert refused("frobnicate").hint == "`mediatui --help` lists them."
    mistyped = refused("list", "--stat", "saved")
    assert "--state" in mistyped.hint
    assert "`mediatui list --help`" in mistyped.hint


def test_what_scripts_alone_ask_for_is_not_offered() -> None:
    said = refused("completion", "tcsh")
    assert "answer" not in said.message + said.hint


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_json_may_stand_after_the_shell(home: Home, shell: str) -> None:
    done = home.run("completion", shell, "--json")
    assert (done.code, done.document["shell"]) == (0, shell)
    assert "mediatui" in done.document["script"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("trash", "abcd", "--empty", "--yes"),
        ("trash", "--filter", "tag:old", "--empty", "--yes"),
        ("trash", "abcd", "--list"),
        ("trash", "abcd", "--erase", "entry", "--yes"),
        ("export", "demo", "-o", LONG),
        ("import", LONG),
        ("generate", "x", "-m", "a/b", "--params-json", f"@{LONG}"),
        ("generate", "x", "-m", "a/b", "--image", f"./{LONG}"),
        ("path", "item"),
        ("path", "data", "x"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(home: Home, arguments: tuple[str, ...]) -> None:
    done = home.run(*arguments, "--json")
    assert done.code == 2, done.err
    assert done.document["error"]["code"] == 2
    assert "Errno" not in done.err
    assert not home.projects.exists()


def test_a_filter_that_nothing_passes_writes_no_archive(home: Home) -> None:
    assert home.run("projects", "new", "demo").code == 0
    done = home.run("export", "demo", "--filter", "tag:none-has-it", "-o", "out.zip")
    assert (done.code, "no item passes the filter" in done.err) == (2, True)
    assert not (home.root / "out.zip").exists()


def test_an_editor_that_cannot_be_opened_leaves_no_file(home: Home) -> None:
    assert home.run("config", "edit", EDITOR="", VISUAL="").code == 2
    assert home.run("config", "edit", EDITOR='"vi', VISUAL="").code == 2
    assert not (home.root / "config" / "mediatui").exists()


def test_a_command_that_the_disk_refused_has_failed(home: Home) -> None:
    home.projects.parent.mkdir(parents=True)
    home.projects.write_bytes(b"")
    done = home.run("projects", "new", "x")
    assert done.code == 1, "nothing was done: not the 3 of something that remains unsaved"


def test_a_data_directory_that_can_be_none_is_refused_whoever_named_it(home: Home) -> None:
    (home.root / "file").write_bytes(b"")
    for command in (("list",), ("generate", "x", "-m", "sandbox/text-to-image"), ("selftest",)):
        done = home.run(*command, "--data-dir", "file", "--json")
        assert (done.code, done.document["error"]["message"]) == (2, f"{home.root / 'file'} is not a folder")
    done = home.run("list", MEDIATUI_DATA_DIR="~nobody-of-that-name/x")
    assert (done.code, "cannot use ~nobody-of-that-name/x" in done.err) == (2, True)


def test_a_home_is_spelled_out_where_no_shell_does(home: Home) -> None:
    assert home.run("config", "path", "--config=~/a.toml").out == f"{home.root / 'a.toml'}\n"
    assert home.run("path", "config", MEDIATUI_CONFIG="~/b.toml").out == f"{home.root / 'b.toml'}\n"
    assert home.run("path", "data", MEDIATUI_DATA_DIR="~/c").out == f"{home.root / 'c'}\n"


def test_a_file_of_settings_that_is_not_there_is_told_whoever_named_it(home: Home) -> None:
    assert "none.toml does not exist" in home.run("config", "--config", "none.toml").err
    assert "none.toml does not exist" in home.run("config", MEDIATUI_CONFIG="none.toml").err
    assert "does not exist" not in home.run("config").err
