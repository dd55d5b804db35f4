"""A gentle ambient pad made with the standard library alone."""

from __future__ import annotations

import math
import sys
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

RATE = 44100
CHANNELS = 2

_HALF = RATE // 2
"""The pad has nothing to say above 10 kHz, so it is computed at half the rate and doubled."""

_CHORDS = ((0, 3, 7, 10, 14), (0, 4, 7, 11, 14), (0, 5, 7, 10, 12), (0, 2, 7, 9, 16))
_ROOTS = (98.0, 110.0, 123.47, 130.81, 146.83)
_SWELL = 64
"""Samples between two steps of a note's loudness."""

OnProgress = Callable[[float], None]


def pad(prompt: str, seed: int, seconds: float, on_progress: OnProgress = lambda _: None) -> bytes:
    """Stereo 16-bit samples at `RATE`, little-endian; the same for the same prompt, seed and length."""
    count = max(1, round(seconds * _HALF))
    notes = _notes(prompt, seed, seconds)
    voice = array("d", bytes(8 * count))
    for index, (start, length, pitch, loudness) in enumerate(notes):
        _add_note(voice, int(start * _HALF), int(length * _HALF), pitch, loudness)
        on_progress((index + 1) / len(notes))
    return _interleaved(voice, round(seconds * RATE))


def write_wav(path: Path, samples: bytes) -> None:
    """Put samples into a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(CHANNELS)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)


def _notes(prompt: str, seed: int, seconds: float) -> list[tuple[float, float, float, float]]:
    """What is played: start and length in seconds, pitch in hertz, loudness."""
    from mediatui.sandbox.scenes.palette import seeded

    rng = seeded(prompt, seed, "tone")
    root, scale = rng.choice(_ROOTS), rng.choice(_CHORDS)
    chords = max(1, round(seconds / 4))
    span = seconds / chords
    notes = []
    for chord in range(chords):
        start = max(0.0, chord * span - 0.5)
        length = min(seconds, (chord + 1) * span + 1.2) - start
        shift = rng.choice((0, 0, 5, -2, 3))
        for step in rng.sample(scale, 4):
            pitch = root * 2 ** ((step + shift) / 12) * rng.choice((1, 1, 2))
            for detune, loudness in ((1.0, 0.5), (1.004, 0.3), (0.5, 0.25)):
                notes.append((start, length, pitch * detune, loudness * 0.16))
    return notes


def _add_note(voice: array[float], start: int, length: int, pitch: float, loudness: float) -> None:
    """Add one swelling sine; it is turned, not computed: two multiplications a sample instead of a sine."""
    angle = 2 * math.pi * pitch / _HALF
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = 1.0, 0.0
    end = min(len(voice), start + length)
    for block in range(start, end, _SWELL):
        gain = loudness * math.sin(math.pi * (block - start + 1) / (length + _SWELL)) ** 1.5
        for index in range(block, min(block + _SWELL, end)):
            voice[index] += y * gain
            x, y = x * cosine - y * sine, x * sine + y * cosine


def _interleaved(voice: array[float], frames: int) -> bytes:
    """Both channels, the right one a little later, with soft ends, doubled to the full rate."""
    delay, ends = _HALF // 90, min(_HALF // 2, len(voice) // 2) or 1
    samples = array("h", bytes(frames * 2 * CHANNELS))
    before_left = before_right = 0.0
    last = len(voice) - 1
    for index, value in enumerate(voice):
        gain = 26000 * min(1.0, index / ends, (last - index) / ends)
        left = math.tanh(value) * gain
        late = voice[index - delay] if index >= delay else 0.0
        right = math.tanh(0.7 * late + 0.3 * value) * gain
        at = index * 4
        if at + 3 < len(samples):
            samples[at] = int((before_left + left) / 2)
            samples[at + 1] = int((before_right + right) / 2)
            samples[at + 2] = int(left)
            samples[at + 3] = int(right)
        before_left, before_right = left, right
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
