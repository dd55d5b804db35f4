"""Prices and input files on the command line, with a scripted service of fal's."""

from __future__ import annotations

import pytest
from tests.cli.home import Done, Home
from tests.support.fal_server import PNG, FalServer, Reply


@pytest.fixture
def home(home: Home, fal: FalServer) -> Home:
    """A home whose provider is the scripted server, which knows the price of two models; the key is not in it."""
    prices = [
        {"endpoint_id": "fal-ai/a", "unit_price": 3, "unit": "image", "currency": "USD"},
        {"endpoint_id": "fal-ai/b", "unit_price": 0.05, "unit": "image", "currency": "USD"},
    ]
    fal.script("prices", Reply(body={"prices": prices}))
    urls = {"queue_url": fal.url, "run_url": f"{fal.url}/run", "api_url": f"{fal.url}/v1", "upload_url": fal.url}
    lines = ["[jobs]", "poll_seconds = 0.05", "[providers.fal]", *(f'{name} = "{url}"' for name, url in urls.items())]
    home.configure("\n".join(lines))
    return home


def generate(home: Home, *more: str) -> Done:
    return home.run("generate", "a fox", *more, FAL_KEY="id:secret")


def test_an_estimate_sends_nothing(fal: FalServer, home: Home) -> None:
    done = generate(home, "-m", "fal-ai/a", "-m", "fal-ai/c", "num_images=2", "--estimate")
    assert done.code == 0
    assert done.out.splitlines() == [
        "fal-ai/a  ≈ $6.00 (estimate)",
        "fal-ai/c  price unknown",
        "≈ $6.00 for 1 of 2 jobs (estimate), price unknown for 1",
    ]
    document = generate(home, "-m", "fal-ai/a", "--estimate", "--json").document
    assert (document["totals"], document["unknown"], document["jobs"][0]["amount"]) == ({"USD": 3.0}, 0, 3.0)
    assert not fal.submits
    assert not home.projects.exists() or not list(home.projects.iterdir())


def test_what_is_expensive_needs_a_yes(fal: FalServer, home: Home) -> None:
    asked = ("-m", "fal-ai/a", "num_images=2", "--json")
    refused = generate(home, *asked)
    assert refused.code == 2
    assert "≈ $6.00 for 1 job (estimate)" in refused.err
    assert "--yes" in refused.out + refused.err
    assert not fal.submits
    agreed = generate(home, *asked, "--yes")
    assert (agreed.code, len(fal.submits)) == (0, 1)
    assert agreed.document["jobs"][0]["price"] == "≈ $6.00 (estimate)"


def test_the_price_is_said_before_and_a_file_is_uploaded(fal: FalServer, home: Home) -> None:
    (home.root / "in.png").write_bytes(PNG)
    done = generate(home, "-m", "fal-ai/b", "--image", "in.png")
    assert done.code == 0
    assert done.err.splitlines()[0] == "≈ $0.05 for 1 job (estimate)"
    assert fal.of("put")[0].body == PNG
    assert fal.submits[0].json["image_url"] == f"{fal.url}/files/up/1-in.png"
    gone = generate(home, "-m", "fal-ai/b", "image_url=nowhere.png")
    assert gone.code == 2
    assert f"image_url: there is no file {home.root / 'nowhere.png'}" in gone.err
    assert len(fal.submits) == 1


def test_models_name_their_price(fal: FalServer, home: Home) -> None:
    entries = [{"endpoint_id": "fal-ai/a"}, {"endpoint_id": "fal-ai/o", "metadata": {"status": "deprecated"}}]
    fal.script("catalogue", Reply(body={"models": entries}))
    one, old = home.run("models", "--json", FAL_KEY="id:secret").document["models"]
    assert (one["price"], one["unit_price"]) == (
        "$3.00 / image",
        {"amount": 3.0, "unit": "image", "currency": "USD"},
    )
    assert (old["retired"], old["unit_price"]) == (True, None)
    assert "(retired)" in home.run("models", FAL_KEY="id:secret").out
