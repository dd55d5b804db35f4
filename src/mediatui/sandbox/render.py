"""The render process: one order as a JSON line on stdin, progress and files as JSON lines on stdout.

    python -m mediatui.sandbox.render

Stdin stays open for as long as anybody wants the result; when it closes, the process ends at once,
so nothing is rendered for a parent that died.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui.sandbox import tone
from mediatui.sandbox.picture import PictureRefused, load_picture

if TYPE_CHECKING:
    from PIL import Image

    from mediatui.sandbox.scenes import Scene

Facts = dict[str, Any]

_REPORTS_PER_SECOND = 12
_FINE_PIXELS = 1_200_000
"""Stills up to this size are drawn at twice the size for smooth edges."""

_NICE = 5
"""Whoever waits for the picture also wants a terminal that answers."""

_MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Reporter:
    """Says how far the work is, but not too often."""

    def __init__(self) -> None:
        self._last = 0.0

    def tell(self, fraction: float, message: str) -> None:
        """Report a fraction from 0 to 1; the last one always gets through."""
        now = time.monotonic()
        if fraction >= 1 or now - self._last >= 1 / _REPORTS_PER_SECOND:
            self._last = now
            say({"progress": round(fraction, 4), "message": f"{message} ({fraction:.0%})"})


def say(message: dict[str, Any]) -> None:
    """One JSON line for the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def render(order: dict[str, Any], report: Reporter) -> list[Facts]:
    """Make every file of an order and return their facts in fal's words."""
    makers = {"video": _video, "image": _images, "audio": _audio}
    folder = Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".*.part"):
        leftover.unlink(missing_ok=True)
    return makers[order["makes"]](order, report)


def _write(order: dict[str, Any], name: str, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write a part file, then give it its name: a file with its name is whole."""
    target = Path(order["folder"]) / name
    part = target.with_name(f".{name}.{os.getpid()}.part")
    try:
        fill(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _facts(path: Path, content_type: str, **more: Any) -> Facts:
    common = {"content_type": content_type, "file_name": path.name, "file_size": path.stat().st_size}
    return common | more


def _video(order: dict[str, Any], report: Reporter) -> list[Facts]:
    from mediatui.sandbox.encode import encode_video

    fps, frames, size = order["fps"], order["frames"], (order["width"], order["height"])
    samples = None
    if order["audio"]:
        samples = tone.pad(order["prompt"], order["seed"], frames / fps)

    def fill(part: Path) -> None:
        encode_video(
            part,
            _frames(order, frames),
            size,
            fps,
            samples,
            lambda index: report.tell((index + 1) / frames, f"frame {index + 1}/{frames}"),
        )

    path = _write(order, order["names"][0], fill)
    facts = _facts(
        path,
        "video/mp4",
        width=size[0],
        height=size[1],
        fps=fps,
        duration=round(frames / fps, 6),
        num_frames=frames,
    )
    return [facts]


def _frames(order: dict[str, Any], count: int) -> Iterator[Image.Image]:
    from mediatui.sandbox.caption import Caption

    size = order["width"], order["height"]
    scene, label = _scene(order, size, count)
    caption = Caption(order["prompt"], label, size)
    for index in range(count):
        picture = scene.frame(index)
        if picture.size != size:
            picture = picture.reduce(picture.width // size[0])
        caption.lay_over(picture)
        yield picture


def _scene(order: dict[str, Any], size: tuple[int, int], count: int) -> tuple[Scene, str]:
    from mediatui.sandbox.scenes import make_scene
    from mediatui.sandbox.scenes.palette import seeded
    from mediatui.sandbox.scenes.stage import Stage
    from mediatui.sandbox.scenes.stilllife import StillLife

    prompt, seed = order["prompt"], order["seed"]
    if "image" in order:
        stage = Stage(size, count, order["fps"])
        return StillLife(load_picture(order["image"]), stage, seeded(prompt, seed, "scene")), "image to video"
    if order["makes"] == "video":
        return make_scene(prompt, seed, order["scene"], Stage(size, count, order["fps"]))
    fine = 2 if size[0] * size[1] <= _FINE_PIXELS else 1
    return make_scene(prompt, seed, order["scene"], Stage((size[0] * fine, size[1] * fine), count))


def _images(order: dict[str, Any], report: Reporter) -> list[Facts]:
    from mediatui.sandbox.encode import encode_still

    kind, names, files = order["format"], order["names"], []
    for index, name in enumerate(names):
        picture = next(_frames(order | {"seed": order["seed"] + index}, 1))

        def fill(part: Path, picture: Image.Image = picture) -> None:
            encode_still(part, picture, kind)

        path = _write(order, name, fill)
        files.append(_facts(path, _MIME[kind], width=order["width"], height=order["height"]))
        report.tell((index + 1) / len(names), f"picture {index + 1}/{len(names)}")
    return files


def _audio(order: dict[str, Any], report: Reporter) -> list[Facts]:
    seconds = order["seconds"]
    samples = tone.pad(
        order["prompt"], order["seed"], seconds, lambda done: report.tell(done, f"playing {seconds:g} s")
    )
    path = _write(order, order["names"][0], lambda part: tone.write_wav(part, samples))
    bitrate = tone.RATE * tone.CHANNELS * 16
    facts = _facts(
        path,
        "audio/wav",
        duration=seconds,
        channels=tone.CHANNELS,
        sample_rate=tone.RATE,
        bitrate=bitrate,
    )
    return [facts]


def _end_with_parent() -> None:
    """Wait for stdin to close, then leave without ceremony; a part file may stay behind."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    """Render the one order on stdin."""
    order = json.loads(sys.stdin.readline())
    os.nice(_NICE)
    threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()
    try:
        files = render(order, Reporter())
    except PictureRefused as refused:
        say({"refused": refused.entry})
    else:
        say({"files": files})
    # Leaving normally would wait for the thread that reads stdin.
    os._exit(0)


if __name__ == "__main__":
    main()
