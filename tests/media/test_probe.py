"""Header facts: right for real files, harmless for everything else."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.media import makemedia

from mediatui.media.probe import MediaFacts, probe, sniff
from mediatui.model import MediaType

VIDEOS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"sound": "aac"},
    "faststart.mp4": {"options": {"movflags": "faststart"}},
    "quicktime.mov": {},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus"},
    "h264.mkv": {"sound": "libopus"},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "mjpeg.mp4": {"codec": "mjpeg"},
    "mpeg4.avi": {"codec": "mpeg4"},
}
SOUNDS = {
    "tone.wav": "pcm_s16le",
    "tone.mp3": "libmp3lame",
    "tone.flac": "flac",
    "tone.ogg": "vorbis",
    "flac.ogg": "flac",
    "tone.opus": "libopus",
    "tone.m4a": "aac",
    "tone.aac": "aac",
    "tone.webm": "libopus",
}
IMAGES = {"still.png": "PNG", "still.jpg": "JPEG", "still.gif": "GIF", "still.webp": "WEBP", "still.avif": "AVIF"}


@pytest.mark.parametrize("name", VIDEOS)
def test_video_facts_are_those_a_decoder_finds(tmp_path: Path, name: str) -> None:
    path = makemedia.video(tmp_path / name, **VIDEOS[name])
    facts = probe(path)
    assert facts is not None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (facts.width, facts.height) == (stream.codec_context.width, stream.codec_context.height)
        assert stream.average_rate is not None
        assert container.duration is not None
        assert facts.fps == pytest.approx(float(stream.average_rate), rel=0.01)
        assert facts.duration == pytest.approx(container.duration / 1e6, abs=0.02)
        expected = "mpeg4" if name.endswith(".mp4") and "mpeg4" in name else stream.codec_context.name
        if not name.endswith(".avi"):
            assert facts.video_codec == expected
        sound = container.streams.audio[0].codec_context.name if container.streams.audio else None
        assert facts.audio_codec == sound
    assert facts.type is MediaType.VIDEO
    assert facts.container == name.split(".")[1]


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_facts_are_those_a_decoder_finds(tmp_path: Path, name: str) -> None:
    path = makemedia.tone(tmp_path / name, SOUNDS[name])
    facts = probe(path)
    assert facts is not None
    assert facts.type is MediaType.AUDIO
    assert facts.container == name.split(".")[1]
    assert facts.duration == pytest.approx(1.5, abs=0.04)
    assert facts.audio_codec == {"pcm_s16le": "pcm", "libmp3lame": "mp3", "libopus": "opus"}.get(
        SOUNDS[name], SOUNDS[name]
    )
    assert facts.width is None
    assert facts.video_codec is None


def test_mp3_without_a_frame_count_is_measured_by_its_bit_rate(tmp_path: Path) -> None:
    data = makemedia.tone(tmp_path / "tone.mp3", "libmp3lame", duration=4).read_bytes()
    path = tmp_path / "bare.mp3"
    path.write_bytes(data.replace(b"Info", b"\0\0\0\0").replace(b"Xing", b"\0\0\0\0"))
    facts = probe(path)
    assert facts is not None
    assert facts.duration == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("name", IMAGES)
def test_picture_sizes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(makemedia.image_bytes(IMAGES[name], (131, 77)))
    facts = probe(path)
    assert facts is not None
    assert (facts.type, facts.width, facts.height) == (MediaType.IMAGE, 131, 77)
    assert facts.container == name.split(".")[1]


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}])
def test_webp_flavours(tmp_path: Path, options: dict[str, object]) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(makemedia.image_bytes("WEBP", (131, 77), **options))
    facts = probe(path)
    assert facts is not None
    assert (facts.width, facts.height) == (131, 77)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_animations_are_images(tmp_path: Path, name: str) -> None:
    facts = probe(makemedia.animated(tmp_path / name))
    assert facts is not None
    assert (facts.type, facts.width, facts.height) == (MediaType.IMAGE, 64, 48)


def test_fragmented_mp4_takes_its_length_from_the_segment_index(tmp_path: Path) -> None:
    flags = {"movflags": "dash+frag_keyframe+empty_moov+global_sidx"}
    facts = probe(makemedia.video(tmp_path / "f.mp4", options=flags))
    assert facts is not None
    assert facts.duration == pytest.approx(1.0)


def test_streamed_wav_has_the_length_of_its_bytes(tmp_path: Path) -> None:
    data = bytearray(makemedia.tone(tmp_path / "a.wav", "pcm_s16le", duration=0.5).read_bytes())
    at = data.find(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    path = tmp_path / "streamed.wav"
    path.write_bytes(data)
    facts = probe(path)
    assert facts is not None
    assert facts.duration == pytest.approx(0.5, abs=0.01)


def test_lying_numbers_become_unknown(tmp_path: Path) -> None:
    data = bytearray(makemedia.video(tmp_path / "a.mp4").read_bytes())
    at = data.find(b"mvhd") + 4
    data[at + 12 : at + 20] = struct.pack(">II", 1, 0xFFFFFFF0)
    path = tmp_path / "lying.mp4"
    path.write_bytes(data)
    facts = probe(path)
    assert facts is not None
    assert facts.duration == pytest.approx(1.0)  # the track's own
    assert facts.width == 192


NOT_MEDIA = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "html-with-svg": b"<html><svg></svg></html>",
    "json": b'{"detail": "not found"}',
    "playlist": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:9/a.ts\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "zeros": bytes(4096),
    "text": b"ID4 nothing",
    "utf16": "hello world, this is text".encode("utf-16"),
}


@pytest.mark.parametrize("name", NOT_MEDIA)
def test_what_is_not_media_is_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(NOT_MEDIA[name])
    assert sniff(NOT_MEDIA[name]) is None
    assert probe(path) is None


def test_svg_is_known_by_its_text(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'
    assert sniff(text) == (MediaType.IMAGE, "svg", "image/svg+xml")
    path = tmp_path / "a.png"
    path.write_bytes(text)
    assert probe(path) == MediaFacts(MediaType.IMAGE, "svg")


def test_places_without_bytes_are_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.mp4")
    assert probe(tmp_path / "fifo.mp4") is None
    assert probe(tmp_path) is None
    assert probe(tmp_path / "vanished.mp4") is None


def test_endless_headers_are_given_up(tmp_path: Path) -> None:
    jpeg = tmp_path / "a.jpg"
    jpeg.write_bytes(b"\xff\xd8" + b"\xff\xe0\0\2" * 20_000)
    assert probe(jpeg) is None
    boxes = tmp_path / "a.mp4"
    boxes.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 50_000)
    assert probe(boxes) is None
    nested = tmp_path / "b.avif"
    inner = b""
    for _ in range(3000):
        inner = struct.pack(">I4s", 8 + len(inner), b"ipco") + inner
    nested.write_bytes(b"\0\0\0\x10ftypavif\0\0\0\0" + struct.pack(">I4sI", 12 + len(inner), b"meta", 0) + inner)
    assert probe(nested) is None or probe(nested) == MediaFacts(MediaType.IMAGE, "avif", video_codec="av1")


class Samples(list[bytes]):
    """Files' bytes, shown by their number: a failing example would print megabytes, and fail at that instead."""

    def __repr__(self) -> str:
        return f"<{len(self)} files>"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("samples")
    files = [makemedia.video(folder / name, **options) for name, options in VIDEOS.items()]
    files += [makemedia.tone(folder / name, codec) for name, codec in SOUNDS.items()]
    pictures = [makemedia.image_bytes(kind) for kind in IMAGES.values()]
    return Samples([*(f.read_bytes() for f in files), *pictures])


@pytest.mark.parametrize("tag", [b"Xing", b"Info", b"VBRI"])
def test_an_mp3_may_end_anywhere(tmp_path: Path, tag: bytes) -> None:
    data = makemedia.tone(tmp_path / "tone.mp3", "libmp3lame").read_bytes()
    at = data.find(b"\xff\xfb" if b"\xff\xfb" in data else b"\xff\xf3")
    frames = bytearray(data)
    for place in (at + 13, at + 21, at + 36):
        frames[place : place + 4] = tag
    path = tmp_path / "cut.mp3"
    for end in range(at, at + 64):
        path.write_bytes(frames[:end])
        probe(path)


def test_a_number_of_hundreds_of_bytes_is_no_number(tmp_path: Path) -> None:
    data = makemedia.video(tmp_path / "a.mkv", sound="libopus").read_bytes()
    at = data.find(b"\x2a\xd7\xb1")
    scale = b"\x2a\xd7\xb1\x40\xc8" + b"\xff" * 200  # an element of 200 bytes
    path = tmp_path / "huge.mkv"
    path.write_bytes(data[:at] + scale + data[at + 4 + (data[at + 3] & 0x7F) :])
    facts = probe(path)
    assert facts is not None
    assert facts.duration is None


PLACE = st.integers(0, 1 << 30)
DAMAGE = st.tuples(
    st.sampled_from([64, 1024, 1 << 30]),
    PLACE,
    st.one_of(st.binary(min_size=1, max_size=8), st.just(b"\xff" * 4), st.just(bytes(8))),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=PLACE, damage=st.lists(DAMAGE, max_size=6), cut=st.none() | PLACE)
def test_broken_headers_never_raise(
    tmp_path: Path, samples: Samples, which: int, damage: list[tuple[int, int, bytes]], cut: int | None
) -> None:
    broken = bytearray(samples[which % len(samples)])
    for area, place, new in damage:
        at = place % min(area, len(broken))
        broken[at : at + len(new)] = new
    cut = len(broken) if cut is None else cut % len(broken)
    path = tmp_path / "fuzz"
    path.write_bytes(broken[:cut])
    facts = probe(path)
    if facts is not None:
        assert facts.duration is None or 0 < facts.duration < 1e7
        assert facts.fps is None or 0 < facts.fps <= 1000
        assert facts.width is None or facts.width > 0


def test_a_frame_shown_longer_is_not_another_rate(tmp_path: Path) -> None:
    """As encoders do that let a picture stand until the sound ends."""
    path = tmp_path / "long-end.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for n in range(48):
            packets += stream.encode(makemedia.frame_of(makemedia.picture(64, 48, n)))
        packets += stream.encode(None)
        before, last = packets[-2].pts, packets[-1].pts
        assert before is not None
        assert last is not None
        packets[-1].dts = packets[-1].pts = last + 8 * (last - before)
        for packet in packets:
            out.mux(packet)
    facts = probe(path)
    assert facts is not None
    assert facts.fps == 24.0
    assert facts.duration == pytest.approx(56 / 24, abs=0.01)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_sniffed(head: bytes) -> None:
    kind = sniff(head)
    assert kind is None or kind[2].startswith(("image/", "video/", "audio/"))


def test_probing_imports_no_decoder() -> None:
    code = "import sys, mediatui.media.probe; print({'av', 'PIL', 'textual', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
