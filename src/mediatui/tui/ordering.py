"""Orders of the list as people read and remember them."""

from __future__ import annotations

from mediatui.library.query.order import COLUMNS, Order

NEWEST = Order("date", reverse=True)

TITLES = {
    "date": "Date made",
    "name": "Name",
    "prompt": "Prompt",
    "model": "Model",
    "size": "Size",
    "duration": "Length",
    "rating": "Rating",
    "fav": "Favourites",
    "tags": "Tags",
    "state": "State",
    "type": "Type",
    "saved": "Date saved",
    "pixels": "Pixels",
    "width": "Width",
    "height": "Height",
    "fps": "Frame rate",
    "seed": "Seed",
    "provider": "Provider",
    "role": "Role",
    "notes": "Notes",
    "project": "Project",
    "id": "Identifier",
}
"""The columns a project can be sorted by, the most used first."""

_GREATEST_FIRST = {
    "date": "newest first",
    "saved": "newest first",
    "size": "biggest first",
    "duration": "longest first",
    "rating": "best first",
    "fav": "favourites first",
    "pixels": "most first",
    "width": "widest first",
    "height": "tallest first",
    "fps": "fastest first",
}
"""Columns whose great values are what one looks for."""


def usual(column: str) -> Order:
    """A column in the direction people mean by it."""
    return Order(column, column in _GREATEST_FIRST)


def usual_words(column: str) -> str:
    """The direction, in words; empty for plain A to Z."""
    return "what needs a look first" if column == "state" else _GREATEST_FIRST.get(column, "")


def order_words(order: Order) -> str:
    """How a person reads an order: ``newest``, ``size``, ``size, reversed``."""
    name = "newest" if order == NEWEST else TITLES.get(order.column, order.column).lower()
    return name if order.reverse == usual(order.column).reverse else f"{name}, reversed"


def remembered(column: str, reverse: bool) -> Order:
    """An order as it was remembered; newest first for one this version does not know."""
    return Order(column, reverse) if column in COLUMNS else NEWEST
