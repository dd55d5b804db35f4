"""fal's addresses: where requests go, which addresses may see the key, and how one is rebuilt from an id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from mediatui.providers.base import MediaHosts
from mediatui.settings import ProviderSettings, is_loopback

QUEUE_URL = "https://queue.fal.run"
RUN_URL = "https://fal.run"
API_URL = "https://api.fal.ai/v1"
UPLOAD_URL = "https://rest.fal.ai"
SITE_URL = "https://fal.ai"
BACKUPS: Mapping[str, str] = {QUEUE_URL: "https://queue.falrun.com", RUN_URL: "https://falrun.com"}
"""fal's own second domain; used only when nothing could be sent to the first."""

MEDIA_HOSTS = (
    "fal.media",
    "v2.fal.media",
    "v3.fal.media",
    "v3b.fal.media",
    "storage.googleapis.com/falserverless",
)
_CDN_ORIGINS = frozenset(f"https://{name}:443" for name in MEDIA_HOSTS if "/" not in name)
NAMESPACES = frozenset({"workflows", "comfy"})
"""First parts of model ids that stand before owner and app."""

_MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~-]*(/[A-Za-z0-9_][A-Za-z0-9._~-]*)*")
_LEGACY = re.compile(r"(\d+)-([A-Za-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class FalHosts:
    """fal's base addresses, without a trailing slash."""

    queue: str = QUEUE_URL
    run: str = RUN_URL
    api: str = API_URL
    upload: str = UPLOAD_URL
    media: tuple[str, ...] = ()
    """Media hosts besides fal's own."""
    spare: str = ""
    """A second address of the queue of one's own; empty: fal's, where the first is fal's too."""
    moved: bool = False
    """Stored addresses name an earlier port of the same loopback service: use today's (the sandbox)."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> FalHosts:
        """The configured addresses, fal's own where nothing is said."""

        def base(name: str, default: str) -> str:
            return str(settings.options.get(name, default)).rstrip("/")

        return cls(
            queue=base("queue_url", QUEUE_URL),
            run=base("run_url", RUN_URL),
            api=base("api_url", API_URL),
            upload=base("upload_url", UPLOAD_URL),
            media=settings.media_hosts,
            spare=base("backup_url", ""),
        )

    @property
    def backup(self) -> str | None:
        """The queue's second address; None where there is none."""
        return self.spare or BACKUPS.get(self.queue)

    @property
    def run_backup(self) -> str | None:
        """The second address where requests are answered at once; None where there is none."""
        return BACKUPS.get(self.run)

    def elsewhere(self, url: str) -> str | None:
        """The same address at the service's other domain; None where it has none."""
        for base, spare in ((self.queue, self.backup), (self.run, self.run_backup)):
            for here, there in ((base, spare), (spare, base)):
                if here and there and url.startswith(f"{here}/"):
                    return f"{there}{url.removeprefix(here)}"
        return None

    @property
    def site(self) -> str:
        """Where a model's OpenAPI document lies when the catalogue does not hold it."""
        return SITE_URL if self.api == API_URL else origin(self.api)

    @property
    def local(self) -> bool:
        """The queue is on this machine; no proxy leads there."""
        return is_loopback(_host(self.queue))

    @property
    def media_hosts(self) -> MediaHosts:
        """fal's CDN, the configured hosts, and the configured service itself when it is on this machine."""
        pairs = [host for host in self.media if is_loopback(_host(f"http://{host}"))]
        names = [host for host in self.media if host not in pairs]
        for base in (self.queue, self.run, self.upload):
            if is_loopback(_host(base)):
                pairs.append(origin(base).partition("://")[2])
        return MediaHosts(names=(*MEDIA_HOSTS, *names), loopback=tuple(dict.fromkeys(pairs)))

    def is_own(self, url: str) -> bool:
        """The address has the origin of the service itself: the key may go there."""
        own = {self.queue, self.run, self.api, self.upload}
        own |= {backup for backup in (self.backup, self.run_backup) if backup}
        return (found := origin(url)) != "" and found in {origin(base) for base in own}

    def is_cdn(self, url: str) -> bool:
        """The address is a file on fal's own media hosts, or on the configured service on this machine."""
        place = origin(url)
        return place in _CDN_ORIGINS or (is_loopback(_host(url)) and self.is_own(url))

    def present(self, url: str) -> str:
        """The address to use now: the same, or today's port of a service on this machine that moved."""
        if not self.moved or not is_loopback(_host(url)):
            return url
        now = httpx.URL(self.queue)
        return str(httpx.URL(url).copy_with(scheme=now.scheme, host=now.host, port=now.port))

    def request_urls(self, model: str, remote_id: str) -> dict[str, str]:
        """A request's addresses from its id: owner and app only, with a namespace before them."""
        parts = model_path(model).split("/")
        keep = 3 if parts[0] in NAMESPACES else 2
        base = f"{self.queue}/{'/'.join(parts[:keep])}/requests/{quote(remote_id, safe='')}"
        return {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}


def model_path(model: str) -> str:
    """A model's id as it stands in addresses: ``12345-name``, as ids were once written, is ``12345/name``.

    Only a whole id is of that form: ``fal-ai/flux-2-pro`` is what it says.
    """
    path = model.strip("/")
    legacy = _LEGACY.fullmatch(path)
    return f"{legacy[1]}/{legacy[2]}" if legacy else path


def is_model_id(model: str) -> bool:
    """The text can stand in an address as a model's id: ``owner/app`` and further parts."""
    return len(model) <= 200 and _MODEL.fullmatch(model) is not None


def origin(url: str) -> str:
    """Scheme, host and port, as the client that connects reads them; empty when it would not, or names a user."""
    try:
        parsed = httpx.URL(url)
        default = {"https": 443, "http": 80}[parsed.scheme]
    except (httpx.InvalidURL, KeyError, ValueError):
        return ""
    if not parsed.host or parsed.userinfo:
        return ""
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host.lower()
    return f"{parsed.scheme}://{host}:{parsed.port or default}"


def may_take_files(url: str, base: str) -> bool:
    """A file may be sent there: it is encrypted on its way, or never leaves this machine, where the service is too."""
    found = origin(url)
    return found.startswith("https://") or (found != "" and is_loopback(_host(url)) and is_loopback(_host(base)))


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""
