"""Google's addresses: where each surface lives, which of them get the key or the token, and where media come from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote

from mediatui.errors import UsageError
from mediatui.providers.base import MediaHosts
from mediatui.providers.http import media_hosts, origin
from mediatui.settings import ProviderSettings

GEMINI_URL = "https://generativelanguage.googleapis.com/v1beta"
STORAGE_URL = "https://storage.googleapis.com"
MEDIA_HOSTS = ("*.googleapis.com", "*.googleusercontent.com")
"""Google's API hosts, and where their media downloads redirect to."""

MULTI_REGIONS = ("us", "eu")
_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]{0,62}")
_FILE = re.compile(r"/files/[A-Za-z0-9_-]+$")


@dataclass(frozen=True, slots=True)
class Places:
    """Base addresses without a trailing slash, and the Vertex project if there is one."""

    gemini: str = GEMINI_URL
    storage: str = STORAGE_URL
    vertex: str | None = None
    """A configured Vertex address; None: Google's own for the location."""
    project: str | None = None
    location: str | None = None
    quota_project: str | None = None
    media: tuple[str, ...] = ()
    """Media hosts besides Google's own."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> Places:
        """As configured; GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION win. Raises `UsageError`."""

        def base(name: str, default: str) -> str:
            return str(settings.options.get(name, default)).rstrip("/")

        return cls(
            gemini=base("gemini_url", GEMINI_URL),
            storage=base("storage_url", STORAGE_URL),
            vertex=base("vertex_url", "") or None,
            project=_name(settings, "project", "GOOGLE_CLOUD_PROJECT"),
            location=_name(settings, "location", "GOOGLE_CLOUD_LOCATION"),
            quota_project=_name(settings, "quota_project", ""),
            media=settings.media_hosts,
        )

    def vertex_base(self, location: str) -> str:
        """The Vertex service of a location."""
        if self.vertex:
            return self.vertex
        if location == "global":
            return "https://aiplatform.googleapis.com/v1beta1"
        if location in MULTI_REGIONS:
            return f"https://aiplatform.{location}.rep.googleapis.com/v1beta1"
        return f"https://{location}-aiplatform.googleapis.com/v1beta1"

    def vertex_model(self, model: str, location: str) -> str:
        """The address of a model on Vertex; without a project, that of express mode (by API key)."""
        if self.project is None:
            return f"{self.vertex_base('global')}/publishers/google/models/{model}"
        where = self.location or location
        return f"{self.vertex_base(where)}/projects/{self.project}/locations/{where}/publishers/google/models/{model}"

    def gets_key(self, url: str) -> bool:
        """The address is a service that takes the API key."""
        return (self.is_gemini(url) or self._is_vertex(url)) and not self.is_storage(url)

    def gets_token(self, url: str) -> bool:
        """The address is a service that takes the access token."""
        return self.gets_key(url) or self.is_storage(url)

    def is_storage(self, url: str) -> bool:
        """The address is an object in a bucket, by the JSON API."""
        return url.startswith(f"{self.storage}/storage/v1/b/")

    def is_gemini(self, url: str) -> bool:
        """The address is the Gemini API; a gateway may serve all of Google under one origin."""
        elsewhere = self.is_storage(url) or (self.vertex is not None and url.startswith(f"{self.vertex}/"))
        return origin(url) == origin(self.gemini) and not elsewhere

    def _is_vertex(self, url: str) -> bool:
        if self.vertex:
            return origin(url) == origin(self.vertex)
        host = origin(url).removeprefix("https://").removesuffix(":443")
        regional = host.endswith("-aiplatform.googleapis.com") and "." not in host.removesuffix(".googleapis.com")
        multi = host in {f"aiplatform.{region}.rep.googleapis.com" for region in MULTI_REGIONS}
        return origin(url).startswith("https://") and (host == "aiplatform.googleapis.com" or regional or multi)

    @property
    def hosts(self) -> MediaHosts:
        """From where outputs may be downloaded."""
        return media_hosts(MEDIA_HOSTS, self.media, (self.gemini, self.storage, self.vertex or self.gemini))

    def download_address(self, uri: str) -> str | None:
        """Where the bytes of `uri` are: a bucket's object by the JSON API, a file of the Files API by its download.

        None for an address that cannot be downloaded. Source: Cloud Storage JSON API `objects.get` with
        ``alt=media``; Gemini Files API ``files/{id}:download?alt=media``.
        """
        if uri.startswith("gs://"):
            bucket, _, name = uri[5:].partition("/")
            if not bucket or not name or name.endswith("/"):
                return None
            return f"{self.storage}/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}?alt=media"
        if not uri.startswith(("https://", "http://")):
            return None
        if not origin(uri):
            return None
        path = uri.partition("?")[0]
        return f"{path}:download?alt=media" if self.is_gemini(uri) and _FILE.search(path) else uri


def _name(settings: ProviderSettings, option: str, variable: str) -> str | None:
    value = os.environ.get(variable, "") if variable else ""
    value = value or settings.options.get(option) or ""
    if value and (not isinstance(value, str) or not _NAME.fullmatch(value)):
        raise UsageError(f"providers.{settings.name}.{option} is not a Google Cloud {option.replace('_', ' ')} name")
    return value or None
