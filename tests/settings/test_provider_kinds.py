"""The table of providers says of each adapter what the adapter says of itself."""

from __future__ import annotations

import importlib

import pytest

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.provider_kinds import KINDS, split_model
from mediatui.providers.registry import make_provider
from mediatui.settings import ProviderSettings, Secret

MODULES = {
    "replicate": "mediatui.providers.replicate",
    "piapi": "mediatui.providers.piapi",
    "openai": "mediatui.providers.openai",
    "google": "mediatui.providers.google.provider",
    "comfyui": "mediatui.providers.comfyui",
}


@pytest.mark.parametrize("kind", MODULES)
def test_the_table_agrees_with_the_adapter(kind: str) -> None:
    module = importlib.import_module(MODULES[kind])
    assert set(KINDS[kind].options) == set(module.SETTINGS)
    assert KINDS[kind].key_variables == tuple(module.KEY_VARIABLES)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_made_under_a_name_of_its_own(kind: str) -> None:
    settings = ProviderSettings("mine", Secret("abcdefgh12345678"), kind=kind, in_file=True)
    provider = make_provider(settings)
    assert provider.name == "mine"


def test_a_provider_without_a_key_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderError) as caught:
        make_provider(ProviderSettings("replicate", keyring=False))
    assert caught.value.kind is ErrorKind.AUTH
    assert "REPLICATE_API_TOKEN" in caught.value.hint
    assert "mediatui auth set replicate" in caught.value.hint


def test_a_name_nobody_provides_is_refused() -> None:
    with pytest.raises(UsageError, match="no provider named 'nobody'"):
        make_provider(ProviderSettings("nobody"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("replicate:owner/name", ("replicate", "owner/name")),
        ("replicate:owner/name:0123", ("replicate", "owner/name:0123")),
        ("owner/name:0123", (None, "owner/name:0123")),
        ("sandbox:sandbox/text-to-image", ("sandbox", "sandbox/text-to-image")),
        ("openai:gpt-image-1", (None, "openai:gpt-image-1")),
        ("replicate:", (None, "replicate:")),
        (" fal-ai/flux ", (None, "fal-ai/flux")),
    ],
)
def test_a_model_may_name_its_provider(text: str, expected: tuple[str | None, str]) -> None:
    assert split_model(text, ("fal", "replicate")) == expected
