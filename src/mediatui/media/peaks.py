"""The loudness of a sound file over its length, small enough to draw at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BUCKETS = 400


@dataclass(frozen=True, slots=True)
class Peaks:
    """Highest amplitudes, 0…1, in equal steps over `duration` seconds."""

    values: tuple[float, ...]
    duration: float

    def columns(self, count: int) -> list[float]:
        """The same in `count` steps, the loudest part at 1; silence stays silence."""
        loudest = max(self.values, default=0.0)
        if count <= 0 or loudest <= 0:
            return [0.0] * max(0, count)
        return [value / loudest for value in _resampled(self.values, count)]


def _resampled(values: Sequence[float], count: int) -> list[float]:
    """The highest value of each of `count` equal parts."""
    total = len(values)
    found = []
    for index in range(count):
        start = index * total // count
        end = max(start + 1, (index + 1) * total // count)
        found.append(max(values[start:end]))
    return found


def read_peaks(note: Path) -> Peaks | None:
    """What was written down; None when it is not there or not whole."""
    try:
        values = json.loads(note.read_text("utf-8"))
        found = Peaks(tuple(min(1.0, max(0.0, v / 255)) for v in values["peaks"]), float(values["duration"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if found.values else None


def make_peaks(source: Path, note: Path, count: int) -> None:
    """Write the peaks of a file's first sound. Raises `NoPosterError`, `OSError`, or what a decoder comes up with."""
    from mediatui.media import waveform
    from mediatui.media.cache import write_whole
    from mediatui.media.demux import NoPosterError, kind_of, open_container

    with open_container(source, kind_of(source)[1]) as container:
        if not container.streams.audio:
            raise NoPosterError("no sound in it")
        stream = container.streams.audio[0]
        levels = waveform.levels(container, stream, count)
        length = waveform.length_of(container, stream)
    values = [round(255 * level.peak) for level in levels]
    text = json.dumps({"peaks": values, "duration": round(length, 3)})
    write_whole(note, lambda path: path.write_text(text, "utf-8"))
