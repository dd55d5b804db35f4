"""What a batch costs, said and recorded before it is sent; above a limit only when somebody agreed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import Call, FalServer, Reply
from tests.support.workshop import SECONDS, Workshop, on_disk

from mediatui.errors import NeedsConfirmation, ProviderError
from mediatui.model import MediaType
from mediatui.providers.base import Estimate
from mediatui.studio.pricing import BatchCost, JobCost, cost_document
from mediatui.studio.requests import GenerateRequest


def charge(fal: FalServer, *amounts: float, unit: str = "image") -> None:
    """Models a, b, … cost so much an image."""

    def prices(call: Call) -> Reply:
        listed = zip("abcdef", amounts, strict=False)
        entries = [{"endpoint_id": f"fal-ai/{n}", "unit_price": a, "unit": unit, "currency": "USD"} for n, a in listed]
        return Reply(body={"prices": entries})

    fal.on["prices"] = prices


def request(*models: str, **more: Any) -> GenerateRequest:
    return GenerateRequest("a fox", tuple(f"fal-ai/{model}" for model in models), "demo", **more)


def cost_of(*amounts: float | None, currency: str = "USD") -> BatchCost:
    return BatchCost(tuple(JobCost("m", None if a is None else Estimate(a, currency)) for a in amounts))


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (cost_of(0.2, 0.2), "≈ $0.40 for 2 jobs (estimate)"),
        (cost_of(0.2), "≈ $0.20 for 1 job (estimate)"),
        (cost_of(0.2, 0), "≈ $0.20 for 2 jobs (estimate)"),
        (cost_of(0.2, None), "≈ $0.20 for 1 of 2 jobs (estimate), price unknown for 1"),
        (cost_of(0, 0), "free"),
        (cost_of(0, None), "1 of 2 jobs: price unknown"),
        (cost_of(None, None), "price unknown"),
        (BatchCost((*cost_of(1).jobs, *cost_of(2, currency="EUR").jobs)), "≈ $1.00 + €2.00 for 2 jobs (estimate)"),
    ],
)
def test_a_cost_in_words(cost: BatchCost, text: str) -> None:
    assert cost.text == text
    assert cost_document(cost)["text"] == text


def test_a_price_is_told_without_sending_and_kept_with_the_job(fal: FalServer, shop: Workshop) -> None:
    charge(fal, 0.2, 0.05)
    wanted = request("a", "b", "z", params={"num_images": 2})
    assert shop.studio.estimate(wanted).result(SECONDS).text == (
        "≈ $0.50 for 2 of 3 jobs (estimate), price unknown for 1"
    )
    assert not fal.submits
    assert not shop.studio.projects().result(SECONDS)
    jobs = shop.studio.generate(wanted).result(SECONDS)
    assert [job.price for job in jobs] == ["≈ $0.40 (estimate)", "≈ $0.10 (estimate)", ""]
    assert on_disk(shop.locations, "jobs")[jobs[0].id]["price"] == "≈ $0.40 (estimate)"


def test_the_defaults_of_the_form_count(fal: FalServer, shop: Workshop) -> None:
    charge(fal, 0.1, unit="second")
    properties = {"prompt": {"type": "string"}, "duration": {"type": "string", "enum": ["5", "10"], "default": "5"}}
    fal.script("catalogue", Reply(body={"components": {"schemas": {"AInput": {"properties": properties}}}}))
    assert shop.studio.estimate(request("a")).result(SECONDS).text == "≈ $0.50 for 1 job (estimate)"
    longer = request("a", params={"duration": "10"})
    assert shop.studio.estimate(longer).result(SECONDS).text == "≈ $1.00 for 1 job (estimate)"


def test_an_expensive_batch_is_sent_only_when_somebody_agreed(fal: FalServer, opener: Opener) -> None:
    shop = opener(confirm_above=0.5)
    charge(fal, 0.3, 0.3)
    shop.studio.generate(request("a")).result(SECONDS)
    with pytest.raises(NeedsConfirmation, match=r"≈ \$0\.60 for 2 jobs"):
        shop.studio.generate(request("a", "b")).result(SECONDS)
    with pytest.raises(NeedsConfirmation):
        shop.studio.check(request("a", "b")).result(SECONDS)
    assert (len(fal.submits), len(shop.studio.jobs())) == (1, 1)
    shop.studio.generate(request("a", "b", confirmed=True)).result(SECONDS)
    assert len(fal.submits) == 3


def test_a_service_that_names_no_price_is_no_reason_not_to_send(fal: FalServer, opener: Opener) -> None:
    shop = opener(confirm_above=0.0)
    for reply in (Reply(500), Reply(drop=True), Reply(body=b"<html>")):
        fal.script("prices", reply)
        (job,) = shop.studio.generate(request("a")).result(SECONDS)
        assert (job.phase.following, job.price) == (True, "")


def test_the_catalogue_says_what_a_model_makes(fal: FalServer, shop: Workshop, opener: Opener) -> None:
    entry = {"endpoint_id": "fal-ai/flux-sings", "metadata": {"category": "text-to-audio"}}
    fal.script("catalogue", Reply(body={"models": [entry]}))
    shop.studio.models("flux").result(SECONDS)
    fal.script("catalogue", Reply(404))
    for window in (shop, opener()):  # by memory, then by what was kept on disk
        (job,) = window.send("fal-ai/flux-sings")
        assert job.type is MediaType.AUDIO
        (guessed,) = window.send("fal-ai/flux-paints")
        assert guessed.type is MediaType.IMAGE


def test_models_can_be_found_offline_for_a_day(fal: FalServer, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        {"endpoint_id": f"fal-ai/{name}", "metadata": {"display_name": name, "status": status}}
        for name, status in (("kling", "active"), ("veo", "deprecated"))
    ]
    fal.script("catalogue", Reply(body={"models": entries}))
    charge(fal, 0.1)
    asked = shop.studio.models().result(SECONDS)
    fal.script("catalogue", Reply(drop=True))
    assert shop.studio.models().result(SECONDS) == asked
    assert [model.id for model in shop.studio.models("VEO").result(SECONDS)] == ["fal-ai/veo"]
    assert shop.studio.models("veo").result(SECONDS)[0].retired
    (notice,) = [n for n in shop.notices if n.title == "Offline"]
    assert "these are the models of" in notice.message
    monkeypatch.setattr("mediatui.studio.offers.GOOD_SECONDS", 0.0)
    with pytest.raises(ProviderError):
        shop.studio.models().result(SECONDS)


def test_a_refused_key_is_not_hidden_by_what_was_kept(fal: FalServer, shop: Workshop) -> None:
    fal.script("catalogue", Reply(body={"models": []}), Reply(401, {"detail": "no such key"}))
    shop.studio.models().result(SECONDS)
    with pytest.raises(ProviderError, match="no such key"):
        shop.studio.models().result(SECONDS)
