"""A slip of the hand is refused before it loses something, and what is meant is found by what a person knows."""

from __future__ import annotations

import resource
import zipfile

import pytest
from tests.cli.home import Home
from tests.support.fal_server import FalServer
from tests.support.loopback import Reply

from mediatui.cli.main import build_parser
from mediatui.errors import UsageError


def made(home: Home, *more: str) -> str:
    """The id of a picture that the sandbox made."""
    done = home.run("generate", "a fox", "-m", "sandbox/text-to-image", "-p", "demo", "--json", *more)
    assert done.code == 0, done.err
    return str(done.document["items"][0]["id"])


def refused(*arguments: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        build_parser().parse_args(list(arguments))
    return error.value


# -- what stands in the way of a slip


def test_a_gap_that_a_template_lacks_is_no_reason_to_send_another_prompt(home: Home) -> None:
    assert home.run("templates", "save", "fox", "a fox in {{light:the sun}}").code == 0
    mistyped = home.run("templates", "fill", "fox", "ligth=snow")
    assert (mistyped.code, mistyped.out) == (2, "")
    assert "no gap “ligth”" in mistyped.err
    assert "light" in mistyped.err.splitlines()[1]
    assert home.run("templates", "fill", "fox", "light=snow", "light=rain").code == 2
    assert home.run("templates", "fill", "fox", "light=snow").out == "a fox in snow\n"
    assert home.run("templates", "fill", "fox").out == "a fox in the sun\n"


def test_what_cannot_be_meant_both_ways_is_refused(home: Home) -> None:
    assert "not allowed" in refused("rate", "abcd", "--favourite", "--no-favourite").message
    assert "not allowed" in refused("rate", "abcd", "--stars", "3", "--no-favourite", "--favourite").message
    done = home.run("tag", "abcd", "--add", "x", "--remove", "x")
    assert (done.code, "cannot be both" in done.err) == (2, True)


def test_a_failed_command_in_a_pipe_takes_no_notes_away(home: Home) -> None:
    item = made(home)
    assert home.run("note", item, "--text", "keep me").code == 0
    assert home.run("note", item, "--text", "-", stdin="").code == 2
    assert home.run("show", item, "--json").document["notes"] == "keep me"
    assert home.run("note", item, "--text", "").code == 0
    assert home.run("show", item, "--json").document["notes"] == ""
    assert home.run("rate", item, "--favourite").code == 0
    assert home.run("rate", item, "--stars", "4", "--no-favourite").code == 0
    shown = home.run("show", item, "--json").document
    assert (shown["rating"], shown["favourite"]) == (4, False)


def test_only_what_is_required_is_asked_for() -> None:
    assert refused("adopt").message.endswith("required: PROJECT")


def test_a_folder_without_media_becomes_no_project(home: Home) -> None:
    (home.root / "texts").mkdir()
    (home.root / "texts" / "a.txt").write_text("no media")
    done = home.run("import", "texts", "--json")
    assert (done.code, "holds no media" in done.err) == (2, True)
    assert not home.projects.exists()
    home.run("projects", "new", "empty")
    assert home.run("export", "empty", "-o", "empty.zip").code == 0
    assert home.run("import", "empty.zip", "-p", "back").code == 0, "an empty project of ours may come back"


def test_a_selftest_makes_no_folder_in_the_place_of_one_that_is_not_mounted(home: Home) -> None:
    for name in ("mnt", "file"):
        (home.root / "file").write_bytes(b"")
        done = home.run("selftest", "--folder", name, "--seconds", "1", "--json")
        assert (done.code, "there is no folder" in done.document["error"]["message"]) == (2, True)
    assert not (home.root / "mnt").exists()


@pytest.mark.parametrize("host", ["http://x", "a b", "\x1b[31m"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert "no name or address" in refused("sandbox", "--host", host).message


# -- providers that are not set up


def test_a_model_of_a_provider_without_a_key_goes_to_no_other(fal_home: Home, fal: FalServer) -> None:
    done = fal_home.run("generate", "x", "-m", "replicate:owner/name", "--json")
    assert (done.code, done.document["error"]["title"]) == (4, "There is no key")
    assert "REPLICATE_API_TOKEN" in done.document["error"]["hint"]
    assert "[providers.comfyui]" in fal_home.run("generate", "x", "-m", "comfyui:graph").err
    assert "only the sandbox" in fal_home.run("generate", "x", "-m", "fal:a/b", "--sandbox").err
    assert not fal.submits
    assert not fal_home.projects.exists()


# -- naming things


def test_a_deleted_project_is_found_by_its_name_too(home: Home) -> None:
    assert home.run("projects", "new", "Summer Film").code == 0
    assert home.run("projects", "delete", "Summer Film").code == 0
    (gone,) = home.run("projects", "--deleted", "--json").document["deleted"]
    assert (gone["id"], gone["name"], gone["items"]) == ("summer-film", "Summer Film", 0)
    assert home.run("projects", "restore", "summer film").code == 0


def test_jobs_of_one_project_alone_are_dismissed_wherever_it_is_named(home: Home) -> None:
    made(home)
    home.run("projects", "new", "other")
    assert home.run("jobs", "dismiss", "--all", "-p", "other", "--json").document["asked"] == 0
    assert home.run("jobs", "-p", "other", "dismiss", "--all", "--json").document["asked"] == 0
    assert home.run("jobs", "retry", "--all", "-p", "other", "--json").document["jobs"] == []
    assert home.run("jobs", "dismiss", "--all", "-p", "demo", "--json").document == {"dismissed": 1, "asked": 1}


def test_the_log_is_asked_by_the_start_of_an_id_also_of_what_is_gone(home: Home) -> None:
    item = made(home)
    assert home.run("trash", item).code == 0
    assert home.run("jobs", "dismiss", "--all").code == 0
    for name, reference in (("--item", item[:6]), ("--item", item[-8:]), ("--job", item[:6])):
        steps = home.run("logs", name, reference, "--json").document["steps"]
        assert {"submit", "save"} & {step["step"] for step in steps}, (name, reference)
    for name in ("--item", "--job", "-p"):
        unknown = home.run("logs", name, "nobody", "--json")
        assert (unknown.code, unknown.document["error"]["code"]) == (2, 2)
    assert home.run("logs", "-p", "demo", "--json").document["steps"]


# -- what is offered


def test_the_help_that_is_offered_is_that_of_the_action() -> None:
    hint = refused("jobs", "cancel", "abcd", "--al").hint
    assert hint == "`mediatui jobs cancel --help` explains it."
    assert refused("jobs", "retry", "--al").hint.startswith("Did you mean --all? `mediatui jobs retry ")
    assert "Did you mean" not in refused("list", "-x").hint
    assert "Did you mean" not in refused("list", "--version").hint


def test_a_command_is_offered_by_its_beginning_and_not_by_chance() -> None:
    assert "`mediatui generate`" in refused("gen").hint
    assert "Did you mean" not in refused("bogus").hint


def test_a_version_may_be_asked_for_as_json(home: Home) -> None:
    done = home.run("--version", "--json")
    assert home.run("--version").out == f"mediatui {done.document['version']}\n"


def test_settings_that_the_interface_would_not_take_are_told_by_check(home: Home) -> None:
    home.configure('[ui]\ntheme = "nodr"\n[keys]\n"library.trahs" = "x"\n[[open]]\nrum = "mpv"\n')
    done = home.run("config", "check", "--json")
    assert (done.code, done.document["understood"]) == (2, False)
    theme, key, program = done.document["problems"]
    assert (theme, "trahs" in key, "rum" in program) == ("there is no theme 'nodr'. Did you mean nord?", True, True)
    home.configure('[ui]\ntheme = "nord"\n[keys]\n"library.trash" = "ctrl+t"\n[[open]]\nrun = "mpv"\n')
    assert home.run("config", "check").code == 0


def test_models_are_looked_for_by_several_words(home: Home) -> None:
    found = home.run("models", "text", "audio", "--json").document["models"]
    assert [model["id"] for model in found] == ["sandbox/text-to-audio"]


def test_an_export_round_trip_is_exact(home: Home) -> None:
    item = made(home)
    assert home.run("export", "demo", "-o", "a.zip").code == 0
    assert home.run("projects", "delete", "demo").code == 0
    assert home.run("import", "a.zip").code == 0
    assert home.run("export", "demo", "-o", "b.zip").code == 0
    with zipfile.ZipFile(home.root / "a.zip") as a, zipfile.ZipFile(home.root / "b.zip") as b:
        assert sorted(a.namelist()) == sorted(b.namelist())
        assert {name: a.getinfo(name).CRC for name in a.namelist() if name != "manifest.json"} == {
            name: b.getinfo(name).CRC for name in b.namelist() if name != "manifest.json"
        }
    assert home.run("show", item).code == 0


def test_an_action_is_found_by_the_name_it_has_in_the_settings(home: Home) -> None:
    found = home.run("keys", "disk.adopt", "--json").document["actions"]
    assert {action["action"] for action in found} == {"disk.adopt", "disk.adopt-all"}


def test_a_refused_key_is_told_with_the_command_that_tries_it(fal_home: Home, fal: FalServer) -> None:
    fal.script("submit", Reply(status=401, body={"detail": "Invalid key"}))
    done = fal_home.run("generate", "x", "-m", "fal-ai/test")
    assert (done.code, "`mediatui auth check fal`" in done.err) == (4, True), done.err


def test_importing_the_same_again_brings_nothing_also_where_identifiers_were_taken(home: Home) -> None:
    made(home)
    home.run("generate", "a bird", "-m", "sandbox/text-to-image", "-p", "demo", "--no-save")
    assert home.run("export", "demo", "-o", "a.zip", "--sandbox").code == 0
    first = home.run("import", "a.zip", "-p", "other", "--json").document
    assert len(first["imported"]) == len(first["renumbered"]) == 2
    again = home.run("import", "a.zip", "-p", "other", "--json").document
    assert (again["imported"], again["renumbered"], len(again["skipped"])) == ([], {}, 2)
    assert len(home.run("list", "-p", "other", "--json").document["items"]) == 2


def test_a_project_that_the_disk_refuses_is_told_by_its_own_name(home: Home) -> None:
    full = Home(home.root, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    done = full.run("projects", "new", "Summer film")
    assert (done.code, "could not create the project Summer film" in done.err) == (1, True), done.err
    assert ".new-" not in done.err
    assert list(home.projects.iterdir()) == []


def test_the_sandbox_is_among_the_providers_that_are_asked_about(home: Home) -> None:
    done = home.run("auth", "check", "sandbox", "--json")
    (found,) = done.document["providers"]
    assert (done.code, found["name"], found["usable"]) == (0, "sandbox", True)
    assert home.run("auth", "check", "sandbox", "fal").code == 4
