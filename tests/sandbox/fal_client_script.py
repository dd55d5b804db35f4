"""Drives a sandbox with fal's own Python client, changed in nothing but the hosts it calls; prints what it saw as JSON.

FAL_KEY, FAL_RUN_HOST, FAL_QUEUE_RUN_HOST and SSL_CERT_FILE are the client's own settings. The storage hosts have
no setting and are replaced by their constants.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import fal_client
import fal_client.client
import httpx

FAST = "sandbox/text-to-video/fast"
SMALL = {"prompt": "neon city", "duration": 0.25, "resolution": "180p", "seed": 5}
PICTURE = {"prompt": "ridge", "image_size": {"width": 64, "height": 48}}

fal_client.client.REST_URL = fal_client.client.CDN_URL = "https://" + os.environ["FAL_QUEUE_RUN_HOST"]


def failure(call: Any) -> dict[str, Any]:
    try:
        call()
    except fal_client.FalClientHTTPError as exc:
        return {"status": exc.status_code, "message": exc.message, "error_type": exc.error_type}
    raise AssertionError("it should have failed")


def synchronous() -> dict[str, Any]:
    handle = fal_client.submit(FAST, SMALL)
    seen: list[Any] = list(handle.iter_events(with_logs=True, interval=0.05))
    video = handle.get()["video"]
    updates: list[Any] = []
    subscribed = fal_client.subscribe(FAST, SMALL, with_logs=True, on_queue_update=updates.append, path="")
    content = httpx.get(video["url"]).content
    uploaded = fal_client.upload(content, "video/mp4", "clip.mp4")
    stored = fal_client.upload(content, "video/mp4", "clip.mp4", repository="fal")
    fal_client.client.MULTIPART_THRESHOLD = 1000
    in_parts = fal_client.upload(content, "video/mp4", "clip.mp4")
    waiting = fal_client.submit(FAST, {**SMALL, "sandbox_fault": "slow-queue"})
    queued: Any = waiting.status()
    waiting.cancel()
    cancelled: Any = waiting.status(with_logs=True)
    return {
        "last_status": type(seen[-1]).__name__,
        "logs": [line["message"] for line in seen[-1].logs],
        "video": video,
        "downloaded": len(content),
        "subscribed": subscribed["video"]["content_type"],
        "updated": type(updates[-1]).__name__,
        "ran": fal_client.run("sandbox/text-to-image", PICTURE)["images"][0]["width"],
        "uploads": [httpx.get(url).content == content for url in (uploaded, stored, in_parts)],
        "moved": fal_client.run(
            "sandbox/image-to-video",
            {**SMALL, "image_url": fal_client.run("sandbox/text-to-image", PICTURE)["images"][0]["url"]},
        )["video"]["num_frames"],
        "position": queued.position,
        "cancelled": cancelled.error_type,
        "invalid": failure(lambda: fal_client.subscribe(FAST, {"prompt": "x", "duration": 999})),
        "locked": failure(lambda: fal_client.submit("sandbox/faults/exhausted-balance", SMALL)),
        "failed": failure(lambda: fal_client.subscribe("sandbox/faults/job-fails", SMALL)),
    }


async def asynchronous() -> dict[str, Any]:
    handle = await fal_client.submit_async(FAST, SMALL)
    seen = [event async for event in handle.iter_events(with_logs=True, interval=0.05)]
    video = (await handle.get())["video"]
    uploaded = await fal_client.upload_async(b"hello", "text/plain", "a.txt")
    subscribed = await fal_client.subscribe_async(FAST, SMALL)
    waiting = await fal_client.submit_async(FAST, {**SMALL, "sandbox_fault": "slow-queue"})
    await waiting.cancel()
    cancelled: Any = await waiting.status(with_logs=True)
    async with httpx.AsyncClient() as client:
        return {
            "last_status": type(seen[-1]).__name__,
            "downloaded": len((await client.get(video["url"])).content) == video["file_size"],
            "subscribed": subscribed["video"]["num_frames"],
            "ran": (await fal_client.run_async("sandbox/text-to-image", PICTURE))["images"][0]["height"],
            "uploaded": (await client.get(uploaded)).text,
            "cancelled": cancelled.error_type,
        }


print(json.dumps({"sync": synchronous(), "async": asyncio.run(asynchronous())}))
