"""Fields for the forms of services that publish no schema, in few words."""

from __future__ import annotations

from typing import Any

from mediatui.providers.base import Field, FieldKind


def title_of(name: str) -> str:
    """``guidance_scale`` → ``Guidance scale``."""
    return name.replace("_", " ").strip().capitalize()


def prompt(name: str = "prompt", *, required: bool = True, max_length: int | None = None) -> Field:
    """A text of several lines."""
    return Field(name, title_of(name), FieldKind.LONG_TEXT, required=required, max_length=max_length)


def choice(name: str, *values: Any, default: Any = None, description: str = "") -> Field:
    """One of `values`, in their own types."""
    return Field(name, title_of(name), FieldKind.CHOICE, default=default, choices=values, description=description)


def integer(name: str, low: int | None = None, high: int | None = None, default: int | None = None) -> Field:
    """A whole number within bounds."""
    return Field(name, title_of(name), FieldKind.INTEGER, default=default, minimum=low, maximum=high)


def decimal(name: str, low: float | None = None, high: float | None = None, default: float | None = None) -> Field:
    """A number within bounds."""
    return Field(name, title_of(name), FieldKind.NUMBER, default=default, minimum=low, maximum=high)


def switch(name: str, default: bool | None = None, description: str = "") -> Field:
    """Yes or no."""
    return Field(name, title_of(name), FieldKind.BOOLEAN, default=default, description=description)


def media(name: str, *, required: bool = False, description: str = "") -> Field:
    """The address of a picture, video or sound, or a local file."""
    return Field(name, title_of(name), FieldKind.MEDIA, required=required, description=description)


def line(name: str, default: str | None = None, description: str = "") -> Field:
    """A short text."""
    return Field(name, title_of(name), FieldKind.TEXT, default=default, description=description)
