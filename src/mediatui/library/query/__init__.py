"""The filter language: tokens, terms, queries, completion and order. Pure; knows items, not disks."""

from __future__ import annotations
