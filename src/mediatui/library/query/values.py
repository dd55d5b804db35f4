"""The values of comparisons: numbers, sizes, lengths of time, and dates; each as a range that matches."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

Test = Callable[[float], bool]
_SIGNS = (">=", "<=", ">", "<", "=")
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)", re.I)
_SIZES = {
    unit: 1024**power
    for power, units in enumerate((("", "b"), ("k", "kb", "kib"), ("m", "mb", "mib"), ("g", "gb", "gib"), ("t", "tb")))
    for unit in units
}
_LENGTHS = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}
_AGES = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_557_600.0, "min": 60.0}
_NAMED = ("today", "yesterday", "week", "month", "year")


class Unfinished(ValueError):
    """The value is not complete or makes no sense; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Span:
    """Values from `low` (included) to `high` (excluded)."""

    low: float
    high: float


def split_sign(value: str) -> tuple[str, str]:
    """The comparison in front of a value, and the value; ``=`` where there is none."""
    for sign in _SIGNS:
        if value.startswith(sign):
            return sign, value[len(sign) :].strip()
    return "=", value.strip()


def number_test(value: str) -> Test:
    """A test for numbers: ``4``, ``>=4``, ``2..4``. Raises `Unfinished`."""
    return _test(value, lambda text: _exactly(_scaled(text, {"": 1.0}, "a number")))


def size_test(value: str) -> Test:
    """A test for bytes: ``>10mb``, ``1..2gb``. Without a comparison: rounded as it is written. Raises `Unfinished`."""
    return _test(value, lambda text: _rounded(text, {k: float(v) for k, v in _SIZES.items()}, "a size like 10mb"))


def length_test(value: str) -> Test:
    """A test for lengths of media: ``<6``, ``1m``, ``>90s``. Raises `Unfinished`."""
    return _test(value, lambda text: _rounded(text, _LENGTHS, "a length like 6 or 1m"))


def date_test(value: str, now: float) -> Test:
    """A test for times: a year, month, day, ``today``, or an age as ``<7d`` (younger). Raises `Unfinished`."""
    sign, text = split_sign(value)
    age = _NUMBER.fullmatch(text)
    if age and age[2].lower() in _AGES:
        moment = now - float(age[1]) * _AGES[age[2].lower()]
        return (lambda at: at < moment) if sign.startswith(">") else (lambda at: at >= moment)
    return _test(value, lambda text: _day_span(text, now))


def _test(value: str, span_of: Callable[[str], Span]) -> Test:
    sign, text = split_sign(value)
    first, dots, last = text.partition("..")
    if dots and sign == "=":
        return _between(span_of(first).low if first else -math.inf, span_of(last).high if last else math.inf)
    span = span_of(text)
    low, high = span.low, span.high
    if sign == ">=":
        return lambda at: at >= low
    if sign == ">":
        return lambda at: at >= high
    if sign == "<":
        return lambda at: at < low
    if sign == "<=":
        return lambda at: at < high
    return _between(low, high)


def _between(low: float, high: float) -> Test:
    return lambda at: low <= at < high


def _scaled(text: str, units: dict[str, float], expected: str) -> float:
    found = _NUMBER.fullmatch(text)
    if found is None or found[2].lower() not in units:
        raise Unfinished(f"{expected} is expected")
    return float(found[1]) * units[found[2].lower()]


def _exactly(number: float) -> Span:
    return Span(number, math.nextafter(number, math.inf))


def _rounded(text: str, units: dict[str, float], expected: str) -> Span:
    """All values that would be written like that: ``10mb`` is from 10 up to 11, ``1.5`` from 1.5 up to 1.6."""
    found = _NUMBER.fullmatch(text)
    number = _scaled(text, units, expected)
    assert found is not None
    decimals = len(found[1].partition(".")[2])
    return Span(number, number + units[found[2].lower()] / 10**decimals)


def _day_span(text: str, now: float) -> Span:
    """A year, month, day or named stretch as local time."""
    try:
        first, after = _days(text.lower(), datetime.fromtimestamp(now).date())
        return Span(_start(first), _start(after))
    except (ValueError, OverflowError, OSError):
        raise Unfinished("a date like 2026-11-03, 2026-11 or 7d is expected") from None


def _days(text: str, today: date) -> tuple[date, date]:
    if text in _NAMED:
        tomorrow = today + timedelta(1)
        starts = {
            "today": today,
            "yesterday": today - timedelta(1),
            "week": today - timedelta(today.weekday()),
            "month": today.replace(day=1),
            "year": today.replace(month=1, day=1),
        }
        return starts[text], today if text == "yesterday" else tomorrow
    if not re.fullmatch(r"\d{4}(-\d{1,2}){0,2}", text):
        raise ValueError(text)
    numbers = [int(part) for part in text.split("-")]
    if len(numbers) == 1:
        return date(numbers[0], 1, 1), date(numbers[0] + 1, 1, 1)
    if len(numbers) == 2:
        first = date(numbers[0], numbers[1], 1)
        return first, first + timedelta(monthrange(*numbers)[1])
    first = date(numbers[0], numbers[1], numbers[2])
    return first, first + timedelta(1)


def _start(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()
