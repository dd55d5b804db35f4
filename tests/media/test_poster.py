"""Posters: the right picture, small, upright, never black when there is something to see."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat
from tests.media import makemedia

from mediatui.media.poster import DARK, NoPosterError, make_poster


def poster(source: Path, max_px: int = 480) -> Image.Image:
    target = source.parent / "posters" / f"{source.name}.jpg"
    make_poster(source, target, max_px)
    assert [p.name for p in target.parent.iterdir() if p.name.startswith(source.name)] == [target.name]
    with Image.open(target) as image:
        assert image.format == "JPEG"
        image.load()
        return image


def spread(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).stddev[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
def test_stills_shrink_and_keep_their_shape(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "still.bin"
    source.write_bytes(makemedia.image_bytes(kind, (1600, 900)))
    assert poster(source).size == (480, 270)


def test_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(makemedia.image_bytes("PNG", (40, 30)))
    assert poster(source).size == (40, 30)


def colour_at(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_animations_show_their_first_frame(tmp_path: Path, name: str) -> None:
    blue, red = Image.new("RGB", (64, 48), "blue"), Image.new("RGB", (64, 48), "red")
    blue.save(tmp_path / name, save_all=True, append_images=[red], duration=100)
    r, _g, b = colour_at(poster(tmp_path / name), 32, 24)
    assert b > 200
    assert r < 60


def test_transparency_becomes_dark(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 255, 255, 0)).save(tmp_path / "a.png")
    assert poster(tmp_path / "a.png").getpixel((32, 32)) == pytest.approx(DARK, abs=4)


def test_palette_transparency_becomes_dark(tmp_path: Path) -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.save(tmp_path / "a.png", transparency=0)
    assert poster(tmp_path / "a.png").getpixel((32, 32)) == pytest.approx(DARK, abs=4)


def test_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (900, 600), "black")
    image.paste((255, 255, 255), (0, 0, 450, 600))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    made = poster(tmp_path / "a.jpg")
    assert made.size == (320, 480)
    assert colour_at(made, 160, 40)[0] > 200
    assert colour_at(made, 160, 440)[0] < 60


def test_sixteen_bits_of_grey_keep_their_shades(tmp_path: Path) -> None:
    Image.new("I;16", (64, 64), 0x8000).save(tmp_path / "a.png")
    assert poster(tmp_path / "a.png").convert("L").getpixel((32, 32)) == pytest.approx(128, abs=3)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (64, 64), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    r, g, _b = colour_at(poster(tmp_path / "a.jpg"), 32, 32)
    assert r > 200
    assert g < 80


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mkv", "libx265"), ("a.mov", "mpeg4"), ("j.mp4", "mjpeg")],
)
def test_videos_show_a_frame(tmp_path: Path, name: str, codec: str) -> None:
    made = poster(makemedia.video(tmp_path / name, size=(1280, 720), frames=6, codec=codec))
    assert made.size == (480, 270)
    assert spread(made) > 30


def test_a_black_start_is_skipped(tmp_path: Path) -> None:
    made = poster(makemedia.video(tmp_path / "a.mp4", black_frames=12, frames=24))
    assert spread(made) > 30


def test_a_clip_that_stays_black_is_shown_as_it_is(tmp_path: Path) -> None:
    made = poster(makemedia.video(tmp_path / "a.mp4", black_frames=30, frames=30))
    assert spread(made) < 5


def test_rotated_video_stands_upright(tmp_path: Path) -> None:
    data = bytearray(makemedia.video(tmp_path / "flat.mp4", frames=3).read_bytes())
    at = data.find(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    (tmp_path / "turned.mp4").write_bytes(data)
    assert poster(tmp_path / "turned.mp4").size == (108, 192)


@pytest.mark.parametrize(("name", "codec"), [("t.wav", "pcm_s16le"), ("t.mp3", "libmp3lame"), ("t.opus", "libopus")])
def test_sound_is_drawn_as_it_swells(tmp_path: Path, name: str, codec: str) -> None:
    made = poster(makemedia.tone(tmp_path / name, codec, duration=3))
    assert made.size == (480, 270)
    bright = made.convert("L").point(lambda v: 255 if v > 80 else 0)
    quarter = [ImageStat.Stat(bright.crop((x, 0, x + 120, 270))).mean[0] for x in (0, 120, 240, 360)]
    assert quarter == sorted(quarter)
    assert quarter[3] > 3 * quarter[0]


def test_mp4_with_sound_only_is_drawn(tmp_path: Path) -> None:
    assert poster(makemedia.tone(tmp_path / "t.mp4", "aac")).size == (480, 270)


def test_silence_is_drawn_flat(tmp_path: Path) -> None:
    source = makemedia.tone(tmp_path / "t.wav", "pcm_s16le")
    data = source.read_bytes()
    source.write_bytes(data[:200] + bytes(len(data) - 200))
    assert spread(poster(source)) < 15


def test_long_sound_is_sampled_at_places(tmp_path: Path) -> None:
    rate, seconds = 8000, 600
    half = bytes(rate * seconds) + b"\x00\x60\x00\xa0" * (rate * seconds // 4)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(half), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2,
                       16, b"data", len(half))  # fmt: skip
    (tmp_path / "long.wav").write_bytes(head + half)
    made = poster(tmp_path / "long.wav")
    assert spread(made.crop((260, 0, 460, 270))) > 3 * spread(made.crop((20, 0, 220, 270)))


def test_bombs_are_refused_before_decoding(tmp_path: Path) -> None:
    for width, height in ((12_000, 12_000), (60_000, 60_000)):
        (tmp_path / "bomb.png").write_bytes(makemedia.png_of_size(width, height))
        with pytest.raises((Image.DecompressionBombWarning, Image.DecompressionBombError)):
            make_poster(tmp_path / "bomb.png", tmp_path / "out.jpg", 480)
    assert not (tmp_path / "out.jpg").exists()


def test_oversized_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 9000, 4400, "yuvj420p"
        out.mux(stream.encode(av.VideoFrame(9000, 4400, "yuvj420p")))
        out.mux(stream.encode(None))
    with pytest.raises(NoPosterError, match="9000x4400"):
        make_poster(path, tmp_path / "out.jpg", 480)


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<html>404</html>",
        b"",
    ],
)
def test_what_is_no_media_has_no_poster(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(NoPosterError):
        make_poster(tmp_path / "a.mp4", tmp_path / "out.jpg", 480)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_truncated_clip_still_shows_its_first_frames(tmp_path: Path) -> None:
    fast = {"movflags": "faststart"}
    data = makemedia.video(tmp_path / "whole.mp4", options=fast, size=(640, 360), frames=48).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    assert spread(poster(tmp_path / "cut.mp4")) > 30


def test_a_failed_write_leaves_the_old_poster(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(makemedia.image_bytes("PNG"))
    target = tmp_path / "out.jpg"
    make_poster(source, target, 480)
    before = target.read_bytes()
    source.write_bytes(source.read_bytes()[:60])
    with pytest.raises((OSError, SyntaxError)):
        make_poster(source, target, 480)
    assert target.read_bytes() == before
    assert Image.open(io.BytesIO(before)).size == (64, 48)
