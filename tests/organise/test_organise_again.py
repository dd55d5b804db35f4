"""Requests rebuilt exactly, prompts used before, templates with gaps, and items as inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem, MediaType, now
from mediatui.providers.base import Field, FieldKind, FormSchema
from mediatui.studio.again import as_input, differences, generate_again, input_field
from mediatui.studio.prompts import prompt_history
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.templates import Placeholder, Templates, fill, placeholders

ITEM = MediaItem(
    "i", "demo", "n", MediaType.IMAGE, provider="fal", model="fal-ai/flux", prompt="a dog",
    params={"image_size": "square", "seed": 7, "num_images": 2}, seed=7,
)  # fmt: skip


def test_a_request_is_rebuilt_exactly_and_varied_without_its_seed() -> None:
    asked = GenerateRequest("a dog", ("fal-ai/flux",), "demo", ITEM.params, provider="fal")
    assert generate_again(ITEM) == asked
    assert generate_again(ITEM, keep_seed=False).params == {"image_size": "square", "num_images": 2}
    job = Job("j", "demo", "fal", "fal-ai/flux", "a dog", params=ITEM.params)
    assert generate_again(job) == asked
    chosen = MediaItem("i", "demo", "n", MediaType.IMAGE, provider="fal", model="m", prompt="p", seed=99)
    assert generate_again(chosen).params == {"seed": 99}
    assert generate_again(chosen, keep_seed=False).params == {}
    assert ITEM.params["seed"] == 7
    with pytest.raises(UsageError, match="nobody knows"):
        generate_again(MediaItem("i", "demo", "n", MediaType.IMAGE))


def test_differences_of_two_items_are_told() -> None:
    other = MediaItem("k", "demo", "n", MediaType.IMAGE, model="fal-ai/flux", prompt="a cat", params={"steps": 4})
    assert differences(ITEM, other) == {
        "prompt": ("a dog", "a cat"),
        "image_size": ("square", None),
        "num_images": (2, None),
        "steps": (None, 4),
        "seed": (7, None),
    }


def test_an_item_becomes_an_input_by_its_file_or_its_address(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert as_input(ITEM, file) == str(file)
    remote = MediaItem("i", "p", "n", MediaType.VIDEO, url="https://x/y.mp4", url_expires_at=now() + 3600)
    assert as_input(remote, None) == "https://x/y.mp4"
    for spoiled in ({"url_expires_at": now() - 1}, {"url_auth": "provider"}, {"url": None}):
        item = MediaItem(
            **{"id": "i", "project": "p", "name": "n", "type": MediaType.VIDEO, "url": "https://x/y"} | spoiled
        )
        with pytest.raises(UsageError, match="cannot be sent"):
            as_input(item, None)


def test_the_field_for_a_picture_is_found() -> None:
    media = [Field(name, name, FieldKind.MEDIA) for name in ("mask_url", "image_url", "audio_url")]
    schema = FormSchema("m", (Field("prompt", "p", FieldKind.TEXT), *media))
    assert input_field(schema, MediaType.IMAGE) == "image_url"
    assert input_field(schema, MediaType.VIDEO) is None
    assert input_field(FormSchema("m", (media[0],)), MediaType.IMAGE) == "mask_url"


def test_prompts_used_before_are_listed_once_and_the_latest_first() -> None:
    jobs = [
        Job("1", "p", "fal", "old", "a Dog in rain", created_at=1.0),
        Job("2", "p", "fal", "new", "a cat", created_at=2.0),
        Job("3", "p", "fal", "new", "a Dog in rain ", created_at=3.0),
        Job("4", "p", "fal", "new", "  ", created_at=4.0),
    ]
    first, second = prompt_history(jobs)
    assert (first.prompt, first.models, first.times, first.last_used) == ("a Dog in rain", ("new", "old"), 2, 3.0)
    assert second.prompt == "a cat"
    assert [used.prompt for used in prompt_history(jobs, "RAIN dog")] == ["a Dog in rain"]
    assert [used.job_id for used in prompt_history(jobs, limit=1)] == ["3"]


def test_templates_are_kept_filled_and_removed(tmp_path: Path) -> None:
    templates = Templates(tmp_path / "config" / "templates")
    assert templates.all() == ()
    text = 'a {{subject}} in {{light: soft "window" light}},\n{{subject}} \\ again {{ not a gap'
    saved = templates.save("Portrait é", text, "fal-ai/flux")
    assert templates.all() == (saved,)
    assert Templates(templates.folder).get("portrait É") == saved
    assert saved.placeholders == (Placeholder("subject"), Placeholder("light", 'soft "window" light'))
    filled = saved.fill({"subject": "{{light}} cat"})
    assert filled == 'a {{light}} cat in soft "window" light,\n{{light}} cat \\ again {{ not a gap'
    with pytest.raises(UsageError, match="subject"):
        saved.fill({})
    with pytest.raises(UsageError, match="already"):
        templates.save("PORTRAIT é", "other")
    assert templates.save("Portrait é", "other", replace=True).text == "other"
    templates.save("portrait e", "another")
    assert len(list(templates.folder.iterdir())) == 2
    (templates.folder / "broken.toml").write_text("text = ")
    assert [path.name for path in templates.broken()] == ["broken.toml"]
    assert templates.delete("Portrait é").text == "other"
    with pytest.raises(UsageError, match="no template"):
        templates.get("Portrait é")
    for name, empty in (("", "x"), ("x", " ")):
        with pytest.raises(UsageError, match="needs a name"):
            templates.save(name, empty)


@given(st.text(min_size=1, max_size=30), st.dictionaries(st.sampled_from(["a", "b c"]), st.text(min_size=1)))
def test_any_text_is_a_template_or_refused(text: str, values: dict[str, str]) -> None:
    gaps = placeholders(text)
    assert gaps == () or "{{" in text
    if not gaps:
        assert fill(text, values) == text
