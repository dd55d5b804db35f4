"""The configuration file: what is read, what is refused, and in which words."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from mediatui.config_file import MOST_BYTES, NotPrivate, load_settings, read_config
from mediatui.config_text import store_key, template
from mediatui.errors import UsageError
from mediatui.keys import KeySource, Secret
from mediatui.model import SavePolicy
from mediatui.settings import Settings, settings_table


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("_KEY", "_API_TOKEN", "_KEY_ID", "_KEY_SECRET")) or name.startswith("MEDIATUI"):
            monkeypatch.delenv(name)


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_missing_file_gives_every_default_and_the_sandbox(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none.toml")
    assert settings == dataclasses.replace(Settings(), providers=settings.providers)
    assert settings.uses_sandbox
    assert settings.usable_providers == ("sandbox",)


def test_every_setting_is_read_from_its_place(tmp_path: Path) -> None:
    text = """
provider = "replicate"
default_project = "Films"
[save]
policy = "url-only"
keep_unsaved = false
clean_unsaved_after_days = 30
allow_hosts = ["CDN.example.org", "Storage.example/MyBucket"]
max_file_bytes = 100
concurrent = 2
[jobs]
concurrent_submits = 3
concurrency = { fal = 8 }
poll_seconds = 2
[ui]
theme = "light"
"""
    settings = load_settings(written(tmp_path, text))
    assert settings.provider == "replicate"
    assert settings.default_project == "Films"
    assert settings.save_policy is SavePolicy.URL_ONLY
    assert settings.keep_unsaved is False
    assert settings.clean_unsaved_after_days == 30
    assert settings.allow_hosts == ("cdn.example.org", "storage.example/MyBucket")
    assert (settings.max_file_bytes, settings.concurrent_saves, settings.concurrent_submits) == (100, 2, 3)
    assert (settings.submits_at_once("fal"), settings.submits_at_once("openai")) == (8, 3)
    assert settings.poll_seconds == 2
    assert isinstance(settings.poll_seconds, float)
    assert settings.theme == "light"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("provder = 'fal'", "provder", "provider"),
        ("[save]\nkeep_unsavd = true", "save.keep_unsavd", "save.keep_unsaved"),
        ("[saves]\npolicy = 'manual'", "saves", "save"),
        ("keep_unsaved = true", "keep_unsaved", "save.keep_unsaved"),
        ("[providers.fal]\nkye = 'x'", "providers.fal.kye", "providers.fal.key"),
        ("[providers.replicate]\nwait = 3", "providers.replicate.wait", "providers.replicate.wait_seconds"),
        ("[providers.falai]\nkey = 'x'", "providers.falai", "fal"),
        ("[providers.mine]\nkind = 'opnai'", "providers.mine.kind", "openai"),
        ("provider = 'replicat'", "replicat", "replicate"),
    ],
)
def test_an_unknown_name_is_refused_and_the_nearest_one_named(tmp_path: Path, text: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(written(tmp_path, text))
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert "config.toml" in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[save]\npolicy = 'sometimes'", "automatic, on-demand, url-only"),
        ("[save]\nkeep_unsaved = 1", "true or false"),
        ("[save]\nmax_file_bytes = true", "a whole number"),
        ("[save]\nmax_file_bytes = 0", "at least 1"),
        ("[save]\nclean_unsaved_after_days = -1", "between 0 and"),
        ("[save]\nclean_unsaved_after_days = 999999999999", "between 0 and"),
        ("[save]\nconcurrent = 1000000", "between 1 and 256"),
        ("[jobs]\nconcurrent_submits = 0", "between 1 and 256"),
        ("[jobs]\nconfirm_above = nan", "at least 0"),
        ("[jobs]\npoll_seconds = nan", "between 0.05 and"),
        ("[jobs]\npoll_seconds = inf", "between 0.05 and"),
        ("[save]\npolicy = 3", 'one of "automatic", "on-demand", "url-only", not a whole number'),
        ("[ui]\nquiet = true", 'one of "auto", "on", "off", not true or false'),
        ("default_project = 2026-11-20", "a text, not a date"),
        ("[save]\nallow_hosts = ['https://x.org']", "without https://"),
        ("[save]\nallow_hosts = ['me@x.org']", "a list of host names"),
        ("[save]\nallow_hosts = ['x org']", "a list of host names"),
        ("[save]\nallow_hosts = 'x.org'", "a list"),
        ("[jobs]\nconcurrency = { fal = 0 }", "from 1 to 256"),
        ("[jobs]\nconcurrency = { fal = true }", "from 1 to 256"),
        ("[jobs]\npoll_seconds = 'fast'", "a number"),
        ("save = 3", "a table"),
        ("providers = 3", "a table"),
        ("[providers]\nfal = 3", "a table"),
        ("[providers.fal]\nkey = 3", "a text"),
        ("[providers.fal]\nmedia_hosts = [3]", "host names"),
        ("[providers.fal]\nqueue_url = 'http://queue.example.org'", "plain http"),
        ("[providers.fal]\nqueue_url = 'ftp://x'", "http or https"),
        ("[providers.openai]\nbase_url = 'https://x.org:99999/v1'", "http or https"),
        ("[providers.openai]\nbase_url = 'https://x.org/v1?api-version=1'", "before any ? or #"),
        ("[providers.openai]\nbase_url = 'https://x.org/v1#a'", "before any ? or #"),
        ("[providers.fal]\nqueue_url = 'https://u:hunter22@x.org'", "user name or password"),
        ("[providers.sandbox]\nkind = 'fal'", "cannot be named"),
        ("[providers.'a:b']\nkind = 'fal'", "cannot be named"),
        ("default_project = ' '", "some text"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(written(tmp_path, text))
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert "hunter22" not in f"{caught.value.message} {caught.value.hint}"


def test_a_broken_file_names_itself_and_the_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.toml: .*line 2"):
        load_settings(written(tmp_path, "sandbox = true\n= 3\n"))
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not text"):
        load_settings(path)


def test_what_an_editor_of_windows_writes_is_understood(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbfdefault_project = 'Films'\r\n[save]\r\npolicy = 'on-demand'\r\n")
    settings = load_settings(path)
    assert (settings.default_project, settings.save_policy) == ("Films", SavePolicy.ON_DEMAND)
    store_key(path, "fal", Secret("abcdefgh12"))
    assert load_settings(path).default_project == "Films"


@pytest.mark.parametrize(
    ("name", "said"), [("/dev/zero", "too large"), ("large.toml", "too large"), ("deep.toml", "too deeply")]
)
def test_what_can_be_no_configuration_is_not_read_to_its_end(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "large.toml").write_bytes(b"# x\n" * (MOST_BYTES // 4 + 1))
    (tmp_path / "deep.toml").write_text("a = " + "[" * 20_000)
    with pytest.raises(UsageError, match=said):
        read_config(tmp_path / name)


def test_a_provider_that_the_environment_names_wrongly_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATUI_PROVIDER", "replicat")
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path / "config.toml")
    assert caught.value.message.startswith("MEDIATUI_PROVIDER is 'replicat'")
    assert "replicate" in caught.value.hint


# -- whose the file is


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
@pytest.mark.parametrize(
    "text",
    [
        "[providers.fal]\nkey = 'abcdefgh12'\n",
        "[providers.comfyui]\nheaders = { Authorization = 'Basic abcdefgh12' }",
        "[providers.openai]\nextra = { upstream = [{ api_key = 'abcdefgh12' }] }",
    ],
)
def test_a_key_that_others_can_read_is_refused_with_the_command_that_helps(
    tmp_path: Path, mode: int, text: str
) -> None:
    path = written(tmp_path, text, mode)
    with pytest.raises(NotPrivate) as caught:
        load_settings(path)
    assert f"chmod 600 {path}" in caught.value.hint
    assert "abcdefgh12" not in caught.value.message + caught.value.hint
    path.chmod(0o600)
    assert load_settings(path).providers


def test_a_file_without_a_key_may_be_read_by_all(tmp_path: Path) -> None:
    plain = "[providers.openai]\nextra = { quality = 'low', keys_per_page = 3 }\n"
    path = written(tmp_path, f"[providers.fal]\nkey_command = 'echo x'\n{plain}", 0o644)
    assert load_settings(path).active_provider == "fal"
    assert not read_config(path).private


# -- several providers


def test_the_first_configured_provider_is_used_and_all_are_usable(tmp_path: Path) -> None:
    text = """
[providers.mygateway]
kind = "openai"
base_url = "http://127.0.0.1:8080/v1"
[providers.replicate]
key = "abcdefgh"
[providers.comfyui]
"""
    settings = load_settings(written(tmp_path, text))
    assert settings.usable_providers == ("replicate", "comfyui", "mygateway")
    assert settings.providers["mygateway"].kind_name == "openai"
    forced = dataclasses.replace(settings, sandbox=True)
    assert forced.usable_providers == ("sandbox",)
    chosen = dataclasses.replace(settings, provider="mygateway")
    assert chosen.usable_providers == ("mygateway", "replicate", "comfyui")


def test_no_key_of_one_service_reaches_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "for-openai-alone")
    settings = load_settings(written(tmp_path, '[providers.gate-way]\nkind = "openai"\nbase_url = "https://x.org/v1"'))
    assert settings.providers["gate-way"].key is None
    monkeypatch.setenv("GATE_WAY_API_KEY", "for-the-gateway")
    settings = load_settings(tmp_path / "config.toml")
    found = settings.providers["gate-way"].find_key()
    assert found is not None
    assert (found.secret.reveal(), found.source, found.place) == (
        "for-the-gateway",
        KeySource.ENVIRONMENT,
        "GATE_WAY_API_KEY",
    )


def test_the_environment_chooses_provider_and_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[providers.fal]\nkey = 'abcdefgh'\n[providers.replicate]\nkey = 'abcdefgh'\n")
    monkeypatch.setenv("MEDIATUI_PROVIDER", "replicate")
    assert load_settings(path).active_provider == "replicate"
    monkeypatch.setenv("MEDIATUI_SANDBOX", "1")
    assert load_settings(path).active_provider == "sandbox"


def test_hosts_allowed_for_all_are_allowed_for_each_provider(tmp_path: Path) -> None:
    text = "[save]\nallow_hosts = ['cdn.org']\n[providers.fal]\nmedia_hosts = ['x.org', 'cdn.org']\n"
    settings = load_settings(written(tmp_path, text))
    assert settings.providers["fal"].media_hosts == ("x.org", "cdn.org")
    assert settings.providers["openai"].media_hosts == ("cdn.org",)


# -- the template


def test_the_template_is_understood_as_it_is_and_with_every_default_in_force(tmp_path: Path) -> None:
    text = template()
    plain = load_settings(written(tmp_path, text))
    setting = re.compile(r"# [a-z_]+ = ")
    lines = [line.removeprefix("# ") if setting.match(line) else line for line in text.splitlines()]
    end = next(n for n, line in enumerate(lines) if line.startswith("# Providers"))
    in_force = load_settings(written(tmp_path, "\n".join(lines[:end])))
    assert plain == in_force
    for row in settings_table():
        assert row.about in text
        assert f"{row.key} = " in text
