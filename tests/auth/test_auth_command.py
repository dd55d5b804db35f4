"""``mediatui auth``: which provider is usable and why not, and giving one a key."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import PROGRAM, SECONDS, Done, Home
from tests.support.echo_server import EchoServer
from tests.support.fal_server import FalServer, Reply, fal_server
from tests.support.loopback import Call, LoopbackService
from tests.support.loopback import Reply as Answer

from mediatui.settings import KeySource, ProviderSettings, Secret, Settings
from mediatui.studio import access
from mediatui.studio.access import AccessState, check_access

KEY = "key-0123456789-abcdef"


def fal_table(server: FalServer, key: str = f'key = "{KEY}"') -> str:
    return f'[providers.fal]\n{key}\nqueue_url = "{server.url}"\napi_url = "{server.url}/v1"\n'


def row(done: Done, name: str = "fal") -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in done.document["providers"] if each["name"] == name)
    return found


# -- check


@pytest.mark.parametrize(
    ("key", "environment", "source"),
    [
        (f'key = "{KEY}"', {}, ("config file", None)),
        (f'key_command = "echo {KEY}"', {}, ("key_command", None)),
        ("", {"FAL_KEY": f" {KEY}\n"}, ("environment", "FAL_KEY")),
        ('key = "another-key"', {"FAL_KEY": KEY}, ("environment", "FAL_KEY")),
    ],
)
def test_a_key_that_is_taken_is_usable_and_its_place_is_named(
    home: Home, fal: FalServer, key: str, environment: dict[str, str], source: tuple[str, str | None]
) -> None:
    home.configure(fal_table(fal, key))
    done = home.run("auth", "check", "fal", "--json", **environment)
    assert done.code == 0
    assert row(done)["state"] == "usable"
    assert (row(done)["key_from"], row(done)["variable"]) == source
    assert KEY not in done.out + done.err
    assert {call.headers.get("authorization") for call in fal.calls} == {f"Key {KEY}"}
    assert fal.submits == []


@pytest.mark.parametrize("step", ["catalogue", "status"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_ends_with_4(home: Home, fal: FalServer, step: str, status: int) -> None:
    home.configure(fal_table(fal))
    fal.on[step] = lambda call: Reply(status, {"detail": f"no user for {call.headers['authorization']}"})
    done = home.run("auth", "check", "--json")
    assert done.code == 4
    assert row(done)["state"] == "refused"
    assert KEY not in done.out + done.err


def test_a_service_that_does_not_know_the_request_took_the_key(home: Home, fal: FalServer) -> None:
    home.configure(fal_table(fal))
    fal.on["status"] = lambda call: Reply(404, {"detail": "not found"})
    fal.on["catalogue"] = lambda call: Reply(429, {"detail": "slow down"})
    assert home.run("auth", "check").code == 0


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Reply(402, {"detail": "payment required"}), AccessState.REFUSED),
        (Reply(302, b"", headers={"Location": "https://login.example/"}), AccessState.UNREACHABLE),
        (Reply(404, {"detail": "not found"}), AccessState.UNREACHABLE),
        (Reply(404, b"<html>nginx", headers={"Content-Type": "text/html"}), AccessState.UNREACHABLE),
        (Reply(200, {"error": f"no user for {KEY}"}), AccessState.UNREACHABLE),
        (Reply(200, {"ok": True}), AccessState.UNREACHABLE),
    ],
    ids=["no money", "a redirect", "nothing there", "a page", "a refusal behind 200", "another service"],
)
@pytest.mark.parametrize("steps", [("catalogue", "status"), ("catalogue",), ("status",)], ids="+".join)
def test_what_is_not_fal_or_refuses_is_not_usable(
    fal: FalServer, answer: Reply, state: AccessState, steps: tuple[str, ...]
) -> None:
    fal.on["catalogue"] = lambda call: Reply(200, {"models": []})
    for step in steps:
        fal.on[step] = lambda call: answer
    options = {"queue_url": fal.url, "api_url": f"{fal.url}/v1"}
    (found,) = check_access(Settings(providers={"fal": ProviderSettings("fal", Secret(KEY), options=options)}), ["fal"])
    # Nobody made the request that is asked for, and a gateway may have no catalogue.
    right = answer.status == 404 and (
        steps == ("catalogue",) or (len(steps) == 1 and not isinstance(answer.body, bytes))
    )
    assert found.state is (AccessState.USABLE if right else state), found.message
    assert found.message or right
    assert KEY not in repr(found)


def test_a_service_that_is_not_there_ends_with_1_and_is_not_called_a_wrong_key(home: Home) -> None:
    with fal_server() as gone:
        home.configure(fal_table(gone))
    done = home.run("auth", "check", "fal", "--json")
    assert done.code == 1
    assert row(done)["state"] == "unreachable"
    assert "could not be reached" in row(done)["message"]


def test_a_service_that_fails_ends_with_1(home: Home, fal: FalServer) -> None:
    home.configure(fal_table(fal))
    fal.on["status"] = lambda call: Reply(503, b"<html>busy</html>")
    assert row(home.run("auth", "check", "--json"))["state"] == "unreachable"


def test_a_missing_key_says_where_to_put_one(home: Home) -> None:
    done = home.run("auth", "check", "replicate")
    assert done.code == 4
    assert "REPLICATE_API_TOKEN" in done.err
    assert "mediatui auth set replicate" in done.err
    assert row(home.run("auth", "check", "replicate", "--json"), "replicate")["state"] == "no-key"


def test_nothing_set_up_lists_every_provider_and_ends_with_4(home: Home) -> None:
    done = home.run("auth", "check", "--json")
    assert done.code == 4
    assert {each["state"] for each in done.document["providers"]} == {"not-set-up"}
    assert done.document["providers"][0]["name"] == "fal"
    assert done.document["active"] == "sandbox"
    assert home.run("auth", "check", "sandbox").code == 0


def test_a_command_is_asked_once(tmp_path: Path, fal: FalServer) -> None:
    asked = tmp_path / "asked"
    addresses = {"queue_url": fal.url, "api_url": f"{fal.url}/v1"}
    provider = ProviderSettings("fal", key_command=f"echo x >> {asked}; echo {KEY}", options=addresses)
    (found,) = check_access(Settings(providers={"fal": provider}), ["fal"])
    assert (found.state, found.source) == (AccessState.USABLE, KeySource.COMMAND)
    assert asked.read_text() == "x\n"


def test_a_command_that_fails_is_the_reason(home: Home) -> None:
    home.configure('[providers.fal]\nkey_command = "echo leaked; exit 1"\n')
    done = home.run("auth", "check", "--json")
    assert done.code == 4
    assert "key_command" in row(done)["message"]
    assert "leaked" not in done.out + done.err


@pytest.mark.parametrize("key", ['key_command = "exit 1"', "keyring = true", ""])
def test_a_request_that_has_no_key_to_go_with_ends_as_the_check_does(home: Home, fal: FalServer, key: str) -> None:
    home.configure("provider = 'fal'\n" + fal_table(fal, key))
    no_keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    checked = home.run("auth", "check", "fal", **no_keyring)
    sent = home.run("generate", "a lighthouse", "-p", "demo", "-m", "fal-ai/flux/schnell", "--json", **no_keyring)
    assert (checked.code, sent.code) == (4, 4)
    assert sent.document["error"]["code"] == 4
    assert fal.submits == []


def test_a_key_that_others_can_read_is_not_tried(home: Home, fal: FalServer) -> None:
    path = home.configure(fal_table(fal), 0o644)
    done = home.run("auth", "check")
    assert done.code == 2
    assert f"chmod 600 {path}" in done.err
    assert fal.calls == []
    path.chmod(0o600)
    assert home.run("auth", "check", "--json").document["config"]["private"] is True


def test_an_unknown_provider_is_named_with_the_nearest(home: Home) -> None:
    done = home.run("auth", "check", "replicat")
    assert done.code == 2
    assert "Did you mean replicate?" in done.err


class Yes(LoopbackService):
    """Takes every key."""

    def step(self, call: Call) -> str:
        return "yes"

    def on_yes(self, call: Call) -> Answer:
        return Answer(body={"ok": True, "models": [], "data": []})


OTHERS = {
    "replicate": ("api_url", "/v1"),
    "piapi": ("api_url", ""),
    "openai": ("base_url", "/v1"),
    "google": ("gemini_url", "/v1beta"),
    "comfyui": ("base_url", ""),
}


def settings_for(url: str) -> Settings:
    return Settings(
        providers={
            name: ProviderSettings(name, Secret(KEY), options={option: f"{url}{path}"}, in_file=True)
            for name, (option, path) in OTHERS.items()
        }
    )


def test_every_other_provider_proves_its_key_for_nothing() -> None:
    with Yes() as server:
        found = check_access(settings_for(server.url))
        assert {each.name: each.state for each in found} == dict.fromkeys(OTHERS, AccessState.USABLE)
        assert {call.method for call in server.calls} == {"GET"}
        assert len(server.calls) == len(OTHERS)


def test_every_other_provider_says_when_its_key_is_refused() -> None:
    with EchoServer(401) as server:
        found = check_access(settings_for(server.url))
        assert {each.name: each.state for each in found} == dict.fromkeys(OTHERS, AccessState.REFUSED)
        assert KEY not in repr(found)


HTML = {"Content-Type": "text/html"}
ANSWERS: dict[str, tuple[Answer, dict[str, AccessState]]] = {
    "a redirect": (Answer(302, b"", {"Location": "https://login.example/"}), {}),
    "a page": (Answer(200, b"<html>please log in", HTML), {}),
    # OpenAI's kind may do without a list of its models; every other service has what is asked for.
    "nothing there": (Answer(404, b"<html>nginx", HTML), {"openai": AccessState.USABLE}),
    # A task that nobody has is what PiAPI is asked for.
    "unknown": (
        Answer(404, {"code": 404, "message": "not found"}),
        {"openai": AccessState.USABLE, "piapi": AccessState.USABLE},
    ),
    "away": (Answer(503, b""), {}),
}


@pytest.mark.parametrize(("answer", "others"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("name", ["replicate", "piapi", "openai", "comfyui"])
def test_what_is_not_the_service_is_not_usable(name: str, answer: Answer, others: dict[str, AccessState]) -> None:
    with Yes() as server:
        server.on["yes"] = lambda call: answer
        (found,) = check_access(settings_for(server.url), [name])
    assert found.state is others.get(name, AccessState.UNREACHABLE), found.message
    assert found.message or found.state is AccessState.USABLE
    assert KEY not in repr(found)


class Little(LoopbackService):
    """Has only what jobs need."""

    def step(self, call: Call) -> str:
        return "yes" if call.path in ("/v1/predictions", "/queue") else "no"

    def on_yes(self, call: Call) -> Answer:
        return Answer(body={"results": [], "queue_running": [], "queue_pending": []})


def test_a_gateway_that_has_only_what_jobs_need_is_usable() -> None:
    with Little() as server:
        found = check_access(settings_for(server.url), ["replicate", "comfyui", "openai", "piapi"])
    assert {each.state for each in found} == {AccessState.USABLE}


def test_a_refusal_behind_200_is_a_refusal() -> None:
    with Yes() as server:
        server.on["yes"] = lambda call: Answer(body={"code": 401, "message": f"no such key {KEY}", "error": "no"})
        piapi, openai = check_access(settings_for(server.url), ["piapi", "openai"])
    assert (piapi.state, openai.state) == (AccessState.REFUSED, AccessState.UNREACHABLE)
    assert KEY not in repr((piapi, openai))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (f"no user for {KEY}", AccessState.UNREACHABLE),
        ({"message": "no such key", "code": "invalid_api_key"}, AccessState.REFUSED),
        ({"message": "insufficient credit"}, AccessState.REFUSED),
        ({"why": 7}, AccessState.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("name", ["replicate", "piapi", "openai", "comfyui"])
def test_an_error_behind_200_proves_no_key(name: str, error: object, state: AccessState) -> None:
    with Yes() as server:
        server.on["yes"] = lambda call: Answer(body={"error": error})
        (found,) = check_access(settings_for(server.url), [name])
    assert found.state is state, found.message
    assert found.message
    assert "job" not in found.message
    assert KEY not in repr(found)


@pytest.mark.parametrize("name", ["replicate", "comfyui"])
def test_an_error_behind_200_of_the_second_question_proves_no_key(name: str) -> None:
    with Little() as server:
        server.on["yes"] = lambda call: Answer(body={"error": "no such key"})
        (found,) = check_access(settings_for(server.url), [name])
    assert (found.state, found.message) == (AccessState.UNREACHABLE, "no such key")


def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "CHECK_SECONDS", 0.2)
    with EchoServer() as server:
        server.go_on.clear()
        found = check_access(settings_for(server.url))
        server.go_on.set()
    assert {each.state for each in found} == {AccessState.UNREACHABLE}
    assert "no answer" in found[0].message


# -- set


def test_a_key_from_stdin_goes_into_a_private_file_and_works(home: Home, fal: FalServer) -> None:
    path = home.configure(fal_table(fal, "# key comes later"), 0o644)
    done = home.run("auth", "set", "fal", stdin=f"  {KEY}\n")
    assert done.code == 0
    assert KEY not in done.out + done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "# key comes later" in path.read_text()
    assert home.run("auth", "check", "fal").code == 0


def test_a_first_key_makes_the_file(home: Home) -> None:
    assert home.run("auth", "set", "replicate", stdin=KEY).code == 0
    path = home.config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert home.run("doctor", "--json").document["provider"]["active"] == "replicate"


def test_setting_a_key_says_when_the_environment_wins(home: Home) -> None:
    done = home.run("auth", "set", "fal", stdin=KEY, FAL_KEY="another-one")
    assert "FAL_KEY in the environment wins" in done.err


@pytest.mark.parametrize("text", ["", "  \n", "two\nlines", "schlüssel"])
def test_what_is_no_key_changes_nothing(home: Home, text: str) -> None:
    path = home.configure("sandbox = true\n")
    assert home.run("auth", "set", "fal", stdin=text).code == 2
    assert path.read_text() == "sandbox = true\n"


def test_an_unknown_provider_gets_no_key(home: Home) -> None:
    assert home.run("auth", "set", "fall", stdin=KEY).code == 2
    assert list(home.root.iterdir()) == []


def test_a_key_that_is_typed_is_not_echoed(home: Home) -> None:
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "auth", "set", "fal"],
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=inside,
        env=home.environment,
        start_new_session=True,
    )
    os.close(inside)
    shown = b""
    try:
        while b"key of fal" not in shown:
            shown += os.read(outside, 1024)
        os.write(outside, f"{KEY}\n".encode())
        out, _ = process.communicate(timeout=SECONDS)
        try:
            while more := os.read(outside, 1024):
                shown += more
        except OSError:
            pass  # the other end is closed
    finally:
        process.kill()
        os.close(outside)
    assert process.returncode == 0
    assert KEY.encode() not in shown + out
    assert KEY in (home.config).read_text()
