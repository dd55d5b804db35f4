"""The prompt as a lower-third caption, and the badge that says no model made this."""

from __future__ import annotations

import unicodedata

from PIL import Image, ImageDraw, ImageFont

from mediatui.text import one_line

BADGE = "SANDBOX"

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Caption:
    """Drawn once, laid over every frame."""

    def __init__(self, prompt: str, label: str, size: tuple[int, int]) -> None:
        width, height = size
        unit = min(height, width * 3 // 4)
        self._band_top = height - int(unit * 0.26)
        band = Image.new("RGBA", (width, height - self._band_top))
        shade = Image.linear_gradient("L").resize(band.size).point([int(v * 0.72) for v in range(256)])
        band.putalpha(shade)
        self._write(band, one_line(prompt), unit)
        self._band = band
        self._badge, self._badge_at = _badge(f"{BADGE}  {label}", unit, width)

    def lay_over(self, picture: Image.Image) -> None:
        """Draw the caption and the badge on a picture."""
        picture.paste(self._band, (0, self._band_top), self._band)
        picture.paste(self._badge, self._badge_at, self._badge)

    def _write(self, band: Image.Image, prompt: str, unit: int) -> None:
        pixels = max(8, unit // 24)
        font, pen, margin = ImageFont.load_default(pixels), ImageDraw.Draw(band), int(band.width * 0.035)
        lines = _wrapped(_drawable(prompt, font), font, band.width - 2 * margin)
        y = band.height - int(unit * 0.045) - round(pixels * 1.3) * len(lines)
        for line in lines:
            pen.text((margin + 1, y + 1), line, font=font, fill=(0, 0, 0, 200))
            pen.text((margin, y), line, font=font, fill=(255, 255, 255, 245))
            y += round(pixels * 1.3)


def _drawable(text: str, font: _Font) -> str:
    """The text in characters the font has: accents are dropped where it lacks them, the rest would be boxes."""
    missing = bytes(font.getmask("\uffff"))

    def drawn(char: str) -> str:
        if char.isspace() or bytes(font.getmask(char)) != missing:
            return char
        plain = unicodedata.normalize("NFKD", char)[0]
        return plain if plain != char and bytes(font.getmask(plain)) != missing else ""

    known = {char: drawn(char) for char in set(text)}
    return one_line("".join(known[char] for char in text))


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    """At most two lines that fit; the rest becomes an ellipsis."""
    lines: list[str] = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) == 2:
            return [lines[0], _shortened(longer, font, width)]
        else:
            lines[-1:] = [lines[-1], word] if lines[-1] else [word]
    return [_shortened(line, font, width) for line in lines[:2]]


def _shortened(line: str, font: _Font, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def _badge(text: str, unit: int, width: int) -> tuple[Image.Image, tuple[int, int]]:
    """The badge and where its corner goes."""
    pixels = max(7, unit // 42)
    font = ImageFont.load_default(pixels)
    size = int(font.getlength(text) + pixels * 1.5), round(pixels * 1.9)
    large = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), pixels, fill=130)
    badge = Image.new("RGBA", size)
    badge.putalpha(large.reduce(2))
    ImageDraw.Draw(badge).text((size[0] / 2, size[1] / 2), text, font=font, fill=(255, 255, 255, 225), anchor="mm")
    return badge, (max(0, width - size[0] - pixels), pixels)
