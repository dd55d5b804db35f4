"""Curated colours, and which words of a prompt ask for which."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from mediatui.sandbox.scenes.paint import Rgb, rgb

Palette = tuple[Rgb, Rgb, Rgb, Rgb, Rgb]
"""Five colours from dark to light."""


def _palette(text: str) -> Palette:
    a, b, c, d, e = (rgb(word) for word in text.split())
    return a, b, c, d, e


PALETTES: Mapping[str, Palette] = {
    "dusk": _palette("#1b1035 #4b1d52 #a33757 #f07a4a #ffd27a"),
    "ocean": _palette("#04142b #0a3a5e #0f7c92 #4fd0c0 #e9fbe5"),
    "forest": _palette("#06150f #123b2a #2f7a4f #9fc66a #f4f1bd"),
    "neon": _palette("#0b0221 #3a0ca3 #b5179e #f72585 #4cc9f0"),
    "ember": _palette("#140406 #4a0d12 #a9261c #f2711c #ffe29a"),
    "ice": _palette("#0a1026 #22406e #5c8fc4 #b7dcf0 #ffffff"),
    "aurora": _palette("#030b1c #0b3b4a #12806a #5ce08a #c9b7ff"),
    "rose": _palette("#1c0b1e #5b2150 #b8487d #f29bb0 #ffe8dc"),
    "gold": _palette("#120c05 #47300f #95691e #deb04a #fff3c4"),
    "mono": _palette("#08090c #23262e #5a606c #a7adb8 #f3f4f6"),
}

_WORDS: Mapping[str, str] = {
    "dusk": "sunset dusk sunrise dawn evening desert canyon twilight savanna",
    "ocean": "ocean sea water underwater river lake wave waves beach rain whale island",
    "forest": "forest jungle tree trees green garden meadow moss nature fox bamboo",
    "neon": "neon cyber cyberpunk city synth synthwave retro night street robot arcade future",
    "ember": "fire lava volcano ember dragon red battle forge flame",
    "ice": "snow ice winter mountain glacier frost cold arctic",
    "aurora": "aurora space galaxy star stars nebula cosmic alien northern magic",
    "rose": "flower rose love pink portrait cherry spring blossom ballet",
    "gold": "gold golden autumn coffee honey wheat desert vintage jazz",
    "mono": "noir black white monochrome minimal silhouette grey charcoal",
}

_SCENE_WORDS: Mapping[str, str] = {
    "ridges": "mountain mountains sunset forest landscape valley desert sea ocean lake river sky nature snow ice "
    "tree trees fog mist misty canyon hill hills field dawn cinematic drone meadow volcano island",
    "neon": "city neon cyber cyberpunk street robot retro synth synthwave car night arcade future skyline rain",
    "flow": "flow wind galaxy space star stars nebula particle particles energy magic fire music dance spirit hair "
    "abstract liquid aurora water paint silk smoke fluid whale light wave waves",
}


def seeded(prompt: str, seed: int, purpose: str) -> random.Random:
    """A source of chance that is the same for the same prompt and seed in every process."""
    return random.Random(f"{purpose}|{seed}|{prompt}")


def _best(prompt: str, table: Mapping[str, str], rng: random.Random) -> str:
    """The name most of whose words stand in the prompt; one by chance among equals."""
    words = set(re.findall(r"[a-z]+", prompt.lower()))
    scores = {name: len(words & set(text.split())) for name, text in table.items()}
    best = max(scores.values())
    return rng.choice(sorted(name for name, score in scores.items() if score == best))


def pick_palette(prompt: str, rng: random.Random) -> str:
    """The name of the colours that suit a prompt."""
    return _best(prompt, _WORDS, rng)


def pick_scene(prompt: str, rng: random.Random) -> str:
    """The name of the scene that suits a prompt."""
    return _best(prompt, _SCENE_WORDS, rng)
