"""Keys: where they come from, in which order, and that they show themselves nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.waiting import spin_until

from mediatui import keys
from mediatui.config_file import load_settings
from mediatui.errors import ErrorKind, MediatuiError, ProviderError, UsageError
from mediatui.keys import KeySource, Secret, run_key_command
from mediatui.redact import HIDDEN, hide_in_answer, redact
from mediatui.settings import ProviderSettings

VARIABLES = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET", "GOOGLE_API_KEY", "GEMINI_API_KEY")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def found_in(path: Path, provider: str = "fal") -> tuple[str, KeySource] | None:
    found = load_settings(path).providers[provider].find_key()
    return (found.secret.reveal(), found.source) if found else None


def test_the_environment_wins_over_the_file_and_the_file_over_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = config(tmp_path, "[providers.fal]\nkey = ' from-the-file '\nkey_command = 'echo from-the-command'\n")
    assert found_in(both) == ("from-the-file", KeySource.CONFIG)
    monkeypatch.setenv("FAL_KEY", " from-the-environment\n")
    assert found_in(both) == ("from-the-environment", KeySource.ENVIRONMENT)
    monkeypatch.setenv("FAL_KEY", "  ")
    assert found_in(both) == ("from-the-file", KeySource.CONFIG)
    command = config(tmp_path, "[providers.fal]\nkey_command = 'echo from-the-command'\n")
    assert found_in(command) == ("from-the-command", KeySource.COMMAND)


def test_an_api_key_in_the_environment_is_no_access_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-an-api-key")
    path = config(tmp_path, '[providers.google]\nauth = "token"\nkey_command = "echo ya29.a-token"')
    assert found_in(path, "google") == ("ya29.a-token", KeySource.COMMAND)
    path = config(tmp_path, '[providers.google]\nkey_command = "echo AIza-another"')
    assert found_in(path, "google") == ("AIza-an-api-key", KeySource.ENVIRONMENT)


def test_a_key_in_two_parts_and_the_first_of_several_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(tmp_path, "")
    monkeypatch.setenv("FAL_KEY_ID", "the-id")
    assert found_in(path) is None
    monkeypatch.setenv("FAL_KEY_SECRET", "the-secret")
    assert found_in(path) == ("the-id:the-secret", KeySource.ENVIRONMENT)
    monkeypatch.setenv("GEMINI_API_KEY", "gemini-one")
    monkeypatch.setenv("GOOGLE_API_KEY", "google-one")
    assert found_in(path, "google") == ("google-one", KeySource.ENVIRONMENT)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo leaked-by-command >&2; echo leaked-by-command; exit 3", "failed: it ended with code 3"),
        ("true", "printed nothing"),
        ("printf 'leaked-by-command\\nmore\\n'", "more than one line"),
        ("printf '\\377leaked-by-command'", "failed: what it printed is not text"),
        ("yes leaked-by-command", "far too much"),
        ("no-such-command-at-all", "failed: no such command"),
    ],
)
def test_a_command_that_fails_says_so_and_shows_nothing_of_its_output(command: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_key_command("fal", command)
    assert said in caught.value.message
    assert "leaked" not in caught.value.message + caught.value.hint


def test_a_command_that_hangs_is_ended_with_everything_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "KEY_COMMAND_SECONDS", 0.3)
    with pytest.raises(UsageError, match=r"did not end within 0\.3 seconds"):
        run_key_command("fal", f"sh -c 'echo $$ > {tmp_path}/pid; sleep 60; echo > {tmp_path}/late' | cat")
    assert not (tmp_path / "late").exists(), "it was waited for"
    pid = int((tmp_path / "pid").read_text())
    spin_until(lambda: not _runs(pid), "its end")


def test_a_program_that_ends_leaves_no_command_behind(tmp_path: Path) -> None:
    program = f"""
import threading
from pathlib import Path
from mediatui.keys import run_key_command
command = "sh -c 'echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 60'"
threading.Thread(target=run_key_command, args=("fal", command), daemon=True).start()
while not Path("{tmp_path}/pid").exists():
    pass
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    pid = int((tmp_path / "pid").read_text())
    spin_until(lambda: not _runs(pid), "its end")


def _runs(pid: int) -> bool:
    """It exists and is not merely waiting for its parent to look."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_a_secret_shows_itself_nowhere(tmp_path: Path) -> None:
    secret = Secret("canary-0123456789")
    provider = ProviderSettings("fal", secret)
    for shown in (repr(secret), str(secret), f"{secret}", repr(provider)):
        assert "canary-0123456789" not in shown
    error = ProviderError(
        ErrorKind.AUTH,
        "the key canary-0123456789 is wrong",
        hint="not canary-0123456789",
        fields={"key": "canary-0123456789"},
        code="canary-0123456789",
    )
    assert "canary" not in f"{error} {error.message} {error.hint} {error.fields} {error.code} {error!r}"
    assert HIDDEN in MediatuiError("canary-0123456789").message
    assert "canary" not in redact("sent canary-0123456789")


def test_each_half_of_a_key_in_two_parts_is_hidden(tmp_path: Path) -> None:
    Secret("0d9f6c1e-7a54-4f0e-9d1b-3c2f5a8b7e6d:ffeeddccbbaa99887766554433221100")
    assert redact("the secret ffeeddccbbaa99887766554433221100 and 0d9f6c1e-7a54-4f0e-9d1b-3c2f5a8b7e6d") == (
        f"the secret {HIDDEN} and {HIDDEN}"
    )


KEYRING = """
import json, os
from keyring.backend import KeyringBackend

class Folder(KeyringBackend):
    priority = 1
    def get_password(self, service, user):
        try:
            return open(os.path.join(os.environ["FOLDER"], f"{service}-{user}")).read()
        except FileNotFoundError:
            return None
    def set_password(self, service, user, password):
        open(os.path.join(os.environ["FOLDER"], f"{service}-{user}"), "w").write(password)
    def delete_password(self, service, user):
        raise NotImplementedError
"""

ASK = """
import sys
from pathlib import Path
from mediatui.config_file import load_settings
settings = load_settings(Path(sys.argv[1]))
found = settings.providers["fal"].find_key()
print(*((found.secret.reveal(), found.source) if found else ("none",)), settings.active_provider)
"""


def test_the_keyring_comes_last_and_only_when_it_is_there(tmp_path: Path) -> None:
    pytest.importorskip("keyring")
    (tmp_path / "folder_keyring.py").write_text(KEYRING)
    (tmp_path / "mediatui-fal").write_text("from-the-keyring\n")
    kept = {k: v for k, v in os.environ.items() if k not in VARIABLES and not k.startswith("MEDIATUI")}
    environment = {
        **kept,
        "PYTHON_KEYRING_BACKEND": "folder_keyring.Folder",
        "PYTHONPATH": str(tmp_path),
        "FOLDER": str(tmp_path),
        "HOME": str(tmp_path),
    }

    def ask(text: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(config(tmp_path, text))],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert ask("[providers.fal]\nkeyring = true\n") == "from-the-keyring keyring fal"
    assert ask("[providers.fal]\nkeyring = true\nkey_command = 'echo by-command'\n") == "by-command key_command fal"
    assert ask("[providers.fal]\nkeyring = false\n") == "none sandbox"
    assert ask("provider = 'fal'\n") == "from-the-keyring keyring fal"
    broken = ask("", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    assert broken == "none sandbox"
    for odd in ({"FOLDER": str(tmp_path / "folder_keyring.py")}, {"PYTHON_KEYRING_BACKEND": "json.Nothing"}):
        assert ask("", **odd) == "none sandbox"
        with pytest.raises(subprocess.CalledProcessError) as caught:
            ask("[providers.fal]\nkeyring = true\n", **odd)
        assert "NoKey: the system's keyring did not answer" in caught.value.stderr


def test_a_keyring_that_was_asked_for_and_is_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    with pytest.raises(UsageError, match="keyring library") as caught:
        ProviderSettings("fal", keyring=True).find_key()
    assert "mediatui[keyring]" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ('{"error": "no such key: AIza-0123456789-abcdefgh/+x."}', '{"error": "no such key: ••••."}'),
        ('"AIza-0123456789-abcdefgh\\/+x"', '"••••"'),
        ('"https://h/x?a=1&key=AIza-0123456789-abcdefgh/+x"', '"https://h/x?a=1&"'),
        ('"https://h/x?key=AIza-0123456789-abcdefgh/+x&a=1#t"', '"https://h/x?a=1#t"'),
        ('"Bearer fox123", "fox1234", "wfox123"', '"Bearer ••••", "fox1234", "wfox123"'),
        ('"https:\\/\\/h\\/fox123\\/a.png"', '"https:\\/\\/h\\/fox123\\/a.png"'),
    ],
)
def test_an_answer_is_kept_without_our_keys_and_its_pictures_and_addresses_stay(answer: str, kept: str) -> None:
    Secret("AIza-0123456789-abcdefgh/+x"), Secret("fox123")
    assert hide_in_answer(answer.encode()).decode() == kept
