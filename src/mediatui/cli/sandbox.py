"""``mediatui sandbox``: the built-in service on its own, for people who develop against it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mediatui.cli.arguments import host, port
from mediatui.errors import ExitCode

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.sandbox.server import SandboxServer


def configure(parser: CommandParser) -> None:
    """Add the options of ``sandbox``."""
    parser.set_defaults(run=run)
    parser.add_argument("--port", type=port, default=0, metavar="N", help="the port (default: the one it had last)")
    parser.add_argument(
        "--host",
        type=host,
        default="127.0.0.1",
        metavar="HOST",
        help="the address to listen on (default: this machine only)",
    )
    parser.add_argument(
        "--tls", action="store_true", help="serve https with a certificate of its own, and print where that is"
    )
    parser.examples(
        "mediatui sandbox",
        "mediatui sandbox --tls --port 8443       for fal's own clients, which insist on https",
        "mediatui sandbox --json                  the address as a document, then it serves",
    )


def run(context: Context) -> int:
    """Serve until interrupted, which is this command's normal end."""
    from mediatui.sandbox.server import run_forever

    args = context.args
    with suppress(KeyboardInterrupt):
        run_forever(
            context.locations.sandbox, args.host, args.port, args.tls, lambda server: _announce(context, server)
        )
    return ExitCode.DONE


def _announce(context: Context, server: SandboxServer) -> None:
    pem = str(server.certificate) if server.certificate else None
    settings, environment = _settings(server), _environment(server, pem)
    context.output.emit(
        {
            "url": server.base_url,
            "key": server.key,
            "certificate": pem,
            "environment": environment,
            "settings": {"providers": {"fal": settings}},
        },
        compact=True,
    )
    line = context.output.line
    line(f"sandbox at {server.base_url}")
    if pem:
        line(f"certificate {pem}")
    line("\nfor fal's clients:")
    for name, value in environment.items():
        line(f"  export {name}={value}")
    line("\nfor mediatui, in config.toml:")
    line("  [providers.fal]")
    for name, value in settings.items():
        line(f'  {name} = "{value}"')
    context.output.flush()
    context.output.note("\nCtrl+C stops it.")


def _settings(server: SandboxServer) -> dict[str, str]:
    base = server.base_url
    return {
        "key": server.key,
        "queue_url": base,
        "run_url": f"{base}/run",
        "api_url": f"{base}/v1",
        "upload_url": base,
    }


def _environment(server: SandboxServer, pem: str | None) -> dict[str, Any]:
    host = urlsplit(server.base_url).netloc  # below /run requests are answered at once, as fal.run does
    trust = {"SSL_CERT_FILE": pem, "NODE_EXTRA_CA_CERTS": pem} if pem else {}
    return {"FAL_KEY": server.key, "FAL_RUN_HOST": f"{host}/run", "FAL_QUEUE_RUN_HOST": host, **trust}
