"""What is inside media files: facts from their headers, and small pictures of them."""

from __future__ import annotations
