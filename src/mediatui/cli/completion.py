"""``mediatui completion``: scripts for three shells. Each asks this program what fits, so that none can grow stale."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.cli.complete import DIRECTORIES, FILES, Candidate, complete
from mediatui.errors import ExitCode, MediatuiError

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.library import Library

MAX_INDEX = 2 << 20
"""Bytes of an index that are read to learn a project's name; of a larger project the identifier is offered."""

BASH = r"""# mediatui: completion for bash.  source <(mediatui completion bash)
_mediatui() {
    local line cur="${COMP_WORDS[COMP_CWORD]}"
    local -a found=()
    while IFS= read -r line; do found+=("$line"); done < <(
        command "$1" completion answer bash -- "$cur" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    case "${found[0]-}" in
        :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        :dirs) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        *) COMPREPLY=("${found[@]}") ;;
    esac
}
complete -F _mediatui mediatui
"""
ZSH = r"""#compdef mediatui
# mediatui: completion for zsh.  source <(mediatui completion zsh), or keep it as _mediatui in $fpath
_mediatui() {
    local -a lines found
    local line word about
    local -a typed=("${(@Q)words[2,CURRENT-1]}")
    lines=("${(@f)$(command ${words[1]} completion answer zsh -- "${(Q)PREFIX}" "${typed[@]}" 2>/dev/null)}")
    case "${lines[1]}" in
        '') return 1 ;;
        :files) _files; return ;;
        :dirs) _files -/; return ;;
    esac
    for line in "${lines[@]}"; do
        word="${line%%$'\t'*}" about="${line#*$'\t'}"
        found+=("${word//:/\\:}${about:+:$about}")
    done
    _describe -t values mediatui found
}
if [ "$funcstack[1]" = "_mediatui" ]; then _mediatui "$@"; else compdef _mediatui mediatui; fi
"""
FISH = r"""# mediatui: completion for fish.  mediatui completion fish | source
function __mediatui_answer
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (command $words[1] completion answer fish -- "$current" $words[2..-1] 2>/dev/null)
    switch "$found[1]"
        case ':files' ':dirs'
            __fish_complete_path "$current"
        case '*'
            printf '%s\n' $found
    end
end
complete -c mediatui -f -a '(__mediatui_answer)'
"""
SCRIPTS: Mapping[str, str] = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def configure(parser: CommandParser) -> None:
    """Add the shells."""
    parser.set_defaults(run=run)
    shells = parser.add_subparsers(title="shells", metavar="SHELL", dest="shell", required=True)
    for shell in SCRIPTS:
        shells.add_parser(shell, help=f"print the script for {shell}")
    answer = shells.add_parser("answer", shared=False)  # for the scripts; not in the list
    answer.set_defaults(run=run_answer)
    answer.add_argument("asking", choices=tuple(SCRIPTS))
    answer.add_argument("current")
    answer.add_argument("words", nargs=argparse.REMAINDER)
    parser.examples(
        "source <(mediatui completion bash)        # in ~/.bashrc",
        "source <(mediatui completion zsh)         # in ~/.zshrc, after compinit",
        "mediatui completion fish | source         # in ~/.config/fish/config.fish",
    )


def run(context: Context) -> int:
    """Print a script."""
    script = SCRIPTS[context.args.shell]
    context.output.emit({"shell": context.args.shell, "script": script})
    context.output.line(script.rstrip("\n"))
    return ExitCode.DONE


def run_answer(context: Context) -> int:
    """Answer a script: one candidate a line."""
    args = context.args
    words, current, typed = args.words, args.current, args.current
    if args.asking == "bash":
        # bash breaks words at = and :, and replaces only what comes after.
        words, current = split_line(args.words[0] if args.words else "")
    sources = {"PROJECT": _projects, "MODEL": _models, "PROVIDER": _providers, "WHAT": _sorts}
    for found in complete(_parser(), words, current, sources):
        context.output.line(_spell(found, args.asking, current, typed))
    return ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    from mediatui.cli.main import build_parser

    return build_parser()


def split_line(line: str) -> tuple[list[str], str]:
    """The finished words after the program's name, and the unfinished one, unquoted."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words += lexer
    except ValueError:  # an open quotation: what it holds is the unfinished word
        rest = lexer.token
        return words[1:], str(rest).lstrip("\"'")
    return (words[1:], "") if line[-1:].isspace() else (words[1:-1], words[-1] if words else "")


def _spell(found: Candidate, shell: str, current: str, typed: str) -> str:
    if found.word in (FILES, DIRECTORIES):
        return found.word
    if shell != "bash":
        return f"{found.word}\t{found.about}" if found.about or shell == "zsh" else found.word
    if typed[:1] in ("'", '"'):
        return found.word
    kept = typed if typed not in ("=", ":") else ""
    word = found.word[len(current) - len(kept) :] if current.endswith(kept) else found.word
    return "".join(c if c.isalnum() or c in "_-+=:,./@%^~" else f"\\{c}" for c in word)


# -- what the library and the last catalogue know


def _projects(given: Mapping[str, str]) -> Iterator[Candidate]:
    from mediatui.library.library import Library
    from mediatui.locations import find_locations

    data_dir = given.get("data_dir")
    library = Library(find_locations(Path(data_dir) if data_dir else None))
    try:
        names = {project_id: _name_of(library, project_id) for project_id in library.project_ids()}
        shared = Counter(name.casefold() for name in (*names.values(), *names))
        for project_id, name in names.items():
            itself = name.casefold() == project_id.casefold()
            if shared[name.casefold()] == (2 if itself else 1):
                yield Candidate(name, "" if name == project_id else project_id)
            else:  # another one would be found by that name
                yield Candidate(project_id, name)
    except MediatuiError:
        return
    finally:
        library.close()


def _name_of(library: Library, project_id: str) -> str:
    with suppress(OSError, MediatuiError):
        if library.locations.index(project_id).stat().st_size <= MAX_INDEX:
            return library.open(project_id).record.name
    return project_id


def _models(given: Mapping[str, str]) -> Iterator[Candidate]:
    from mediatui.locations import find_locations
    from mediatui.studio.known_models import known_models

    yield from (Candidate(model, about) for model, about in known_models(find_locations().cache).items())


def _providers(given: Mapping[str, str]) -> Iterator[Candidate]:
    from mediatui.provider_kinds import KINDS

    yield from (Candidate(name, kind.title) for name, kind in KINDS.items())


def _sorts(given: Mapping[str, str]) -> Iterator[Candidate]:
    from mediatui.cli.tidying import SORTS

    yield from map(Candidate, SORTS)
