"""The shape of the command line: options, orders, mistakes."""

from __future__ import annotations

import argparse
import io
from contextlib import redirect_stdout

import pytest

from mediatui.cli.main import COMMANDS, build_parser
from mediatui.errors import UsageError


def parse(*arguments: str) -> argparse.Namespace:
    found: argparse.Namespace = build_parser().parse_args(list(arguments))
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--data-dir", "/d", "list", "-p", "demo"),
        ("list", "-p", "demo", "--json", "--data-dir", "/d"),
        ("--data-dir", "/d", "list", "--json", "-p", "demo"),
    ],
)
def test_global_options_stand_before_or_after_the_command(arguments: tuple[str, ...]) -> None:
    args = parse(*arguments)
    assert (args.json, str(args.data_dir), args.project, args.sandbox) == (True, "/d", "demo", False)


def test_global_options_reach_through_nested_actions() -> None:
    before = parse("--sandbox", "jobs", "-p", "demo", "list")
    after = parse("jobs", "list", "-p", "demo", "--sandbox")
    assert before.sandbox
    assert after.sandbox
    assert before.project == after.project == "demo"
    assert before.run is after.run


def test_jobs_and_projects_list_when_no_action_is_named() -> None:
    assert parse("jobs").run is parse("jobs", "list").run
    assert parse("projects").run is parse("projects", "list").run


@pytest.mark.parametrize(
    "arguments",
    [
        ("a fox", "-m", "a/b", "--param", "x=1", "-p", "demo"),
        ("-m", "a/b", "-p", "demo", "--param", "x=1", "a fox"),
        ("-m", "a/b", "a fox", "x=1", "-p", "demo"),
        ("a fox", "-m", "a/b", "-p", "demo", "x=1"),
    ],
)
def test_generate_takes_prompt_and_parameters_in_any_order(arguments: tuple[str, ...]) -> None:
    args = parse("generate", *arguments)
    assert (args.prompt, args.models, [*args.params, *args.pairs], args.project) == (
        "a fox",
        ["a/b"],
        ["x=1"],
        "demo",
    )


def test_generate_collects_models() -> None:
    assert parse("generate", "x", "-m", "a", "-m", "b").models == ["a", "b"]


def test_items_and_options_may_alternate() -> None:
    args = parse("save", "one", "-p", "demo", "two")
    assert (args.items, args.project, args.all) == (["one", "two"], "demo", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("generate", "x"), "--model"),
        (("frobnicate",), "frobnicate"),
        (("list", "--state", "lost"), "lost"),
        (("list", "--jso"), "--jso"),
        (("list", "--limit", "0"), "0"),
        (("generate", "x", "-m", "a", "--no-save", "--save-policy", "automatic"), "not allowed"),
        (("path", "nowhere"), "nowhere"),
        (("jobs", "cancel"), "ID"),
    ],
)
def test_mistakes_are_usage_errors_with_a_way_on(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(*arguments)
    assert said in caught.value.message
    assert "--help" in caught.value.hint


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_explains_itself_with_examples(name: str) -> None:
    text = io.StringIO()
    with redirect_stdout(text), pytest.raises(SystemExit) as done:
        parse(name, "--help")
    assert done.value.code == 0
    assert f"mediatui {name}" in text.getvalue()
    assert "examples:" in text.getvalue()
    assert "--json" in text.getvalue()


def test_help_lists_every_command_and_exit_code() -> None:
    text = build_parser().format_help()
    for name, _, summary in COMMANDS:
        assert f"    {name}" in text
        assert summary.split(",")[0] in text
    for code in ("  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  130  "):
        assert code in text
