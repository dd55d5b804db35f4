"""What is pasted is text, whatever is in it: it presses no key."""

from __future__ import annotations

from tests.support.terminal import Terminal
from textual import events
from textual.message import Message

from mediatui.tui.terminal.pastes import END, START, PasteParser

HOSTILE = "red \x1b[31m\x13 and \x1bd \x1b[A more\x1b"


def told(*chunks: str) -> list[str]:
    """What a parser makes of these: pasted text in quotes, keys by name."""
    parser, out = PasteParser(), list[Message]()
    for chunk in filter(None, chunks):
        out.extend(parser.feed(chunk))
    return [
        repr(each.text) if isinstance(each, events.Paste) else each.key
        for each in out
        if isinstance(each, events.Paste | events.Key)
    ]


def test_a_paste_is_one_piece_wherever_it_is_cut() -> None:
    sent = f"a{START}{HOSTILE}{END}b{START}{END}\x1b[A"
    wanted = ["a", repr(HOSTILE), "b", "''", "up"]
    assert told(sent) == told(*sent) == wanted
    for first in range(len(sent)):
        for second in range(first, len(sent)):
            assert told(sent[:first], sent[first:second], sent[second:]) == wanted


def test_control_characters_in_a_paste_send_nothing(environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.shows("SANDBOX")
        terminal.send("n")
        terminal.shows("1 chosen")
        terminal.send(f"{START}{HOSTILE}{END}!")
        terminal.shows("red [31m and d [A more!", "^s generates")
        terminal.send("\x1b")
        terminal.shows("No project yet")


def test_a_megabyte_is_pasted_at_once(environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.shows("SANDBOX")
        terminal.send("n")
        terminal.shows("1 chosen")
        terminal.send(f"{START}{'words ' * 170_000}{END}the end")
        terminal.shows("words the end")
