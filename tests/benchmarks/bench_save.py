"""Saving against ``curl``: 100 files of 8 MiB from a local nginx, whole processes, interleaved rounds.

    python tests/benchmarks/bench_save.py [--rounds 5] [--files 100] [--mib 8] [--tls]

``curl`` writes the files plainly. mediatui downloads, hashes (sha256 and crc32), syncs, names and records them.
`bare_download.py` downloads, hashes and syncs, and no more: the least that Python could take here.
Prints wall times, their ratios to curl's round by round, and mediatui's peak memory. Needs nginx, curl and openssl.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import mediatui as package

NGINX = """
daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; etag on; types {{ video/mp4 mp4; }}
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen 127.0.0.1:{port}; root {www}; }}
  server {{ listen 127.0.0.1:{tls_port} ssl; root {www};
           ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem; ssl_protocols TLSv1.3; }}
}}
"""
PORT, TLS_PORT = 18181, 18182
BARE = Path(__file__).with_name("bare_download.py")


def make_files(www: Path, count: int, size: int) -> list[str]:
    """Files that begin like an MP4 and go on with noise."""
    www.mkdir(parents=True)
    head = bytes.fromhex("00000018667479706d703432000000006d70343269736f6d")
    names = [f"{i:03}.mp4" for i in range(count)]
    for name in names:
        (www / name).write_bytes(head + os.urandom(size - len(head)))
    return names


def start_nginx(root: Path, www: Path) -> subprocess.Popen[bytes]:
    """One worker, plain and TLS."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", root / "key.pem", "-out", root / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    config = root / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(root=root, www=www, port=PORT, tls_port=TLS_PORT, user=user))
    return subprocess.Popen(["nginx", "-c", config, "-p", root], stderr=subprocess.DEVNULL)


class FakeFal(BaseHTTPRequestHandler):
    """One job whose result names every file."""

    urls: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def reply(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.reply({"request_id": "r1", "status": "IN_QUEUE"})

    def do_GET(self) -> None:
        if self.path.endswith("/status?logs=1"):
            self.reply({"status": "COMPLETED"})
        else:
            self.reply({"videos": [{"url": url, "content_type": "video/mp4"} for url in self.urls]})

    def log_message(self, format: str, *args: object) -> None:
        pass


def mediatui(env: dict[str, str], *arguments: str | Path) -> None:
    """Run a command of this environment's mediatui."""
    command = [sys.executable, "-m", "mediatui", *arguments, "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stdout + done.stderr)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--files", type=int, default=100)
    options.add_argument("--mib", type=int, default=8)
    options.add_argument("--tls", action="store_true")
    options.add_argument("--folder", type=Path, default=None, help="where both write (default: the temporary folder)")
    args = options.parse_args()
    compileall.compile_dir(Path(package.__file__).parent, quiet=1)  # as an installed program is
    root = Path(tempfile.mkdtemp(dir=args.folder))
    shm = Path(tempfile.mkdtemp(dir="/dev/shm"))
    names = make_files(shm / "www", args.files, args.mib << 20)
    server = start_nginx(root, shm / "www")
    base = f"https://127.0.0.1:{TLS_PORT}" if args.tls else f"http://127.0.0.1:{PORT}"
    FakeFal.urls = [f"{base}/{name}" for name in names]
    fal = ThreadingHTTPServer(("127.0.0.1", 0), FakeFal)
    threading.Thread(target=fal.serve_forever, daemon=True).start()
    try:
        measure(args.rounds, root, names, base, f"http://127.0.0.1:{fal.server_address[1]}")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(shm, ignore_errors=True)


def measure(rounds: int, root: Path, names: list[str], base: str, fal: str) -> None:
    """Interleave the two and print what came of it."""
    config = root / "config.toml"
    port = base.rpartition(":")[2]
    config.write_text(
        f'[providers.fal]\nkey = "k"\nqueue_url = "{fal}"\napi_url = "{fal}/v1"\nmedia_hosts = ["127.0.0.1:{port}"]\n'
    )
    config.chmod(0o600)
    env = {
        **os.environ,
        "SSL_CERT_FILE": str(root / "cert.pem"),
        "XDG_STATE_HOME": str(root / "state"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "MEDIATUI_CONFIG": str(config),
    }
    ratios, least = [], []
    for number in range(rounds):
        data = root / f"data{number}"
        mediatui(env, "--data-dir", data, "generate", "bench", "-m", "a/b", "-p", "bench", "--save-policy", "on-demand")
        started = time.perf_counter()
        mediatui(env, "--data-dir", data, "save", "--all", "-p", "bench")
        ours = time.perf_counter() - started
        saved = len(list((data / "projects").glob("*/videos/*.mp4")))
        shutil.rmtree(data)
        plain = root / f"curl{number}"
        plain.mkdir()
        lines = [f'url = "{base}/{name}"\noutput = "{plain / name}"\n' for name in names]
        (root / "curl.cfg").write_text("".join(lines))
        started = time.perf_counter()
        subprocess.run(["curl", "-s", "--cacert", root / "cert.pem", "-K", root / "curl.cfg"], check=True)
        curl = time.perf_counter() - started
        shutil.rmtree(plain)
        bare = root / f"bare{number}"
        bare.mkdir()
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, BARE, base, bare, root / "cert.pem"], input="\n".join(names).encode(), check=True
        )
        floor = time.perf_counter() - started
        shutil.rmtree(bare)
        ratios.append(ours / curl)
        least.append(floor / curl)
        print(
            f"round {number + 1}: mediatui {ours:.2f} s ({saved} files), curl {curl:.2f} s, ratio {ours / curl:.2f}; "
            f"bare loop {floor:.2f} s, {floor / curl:.2f}"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"median ratio {statistics.median(ratios):.2f}, of the bare loop {statistics.median(least):.2f}; "
        f"peak memory of any child {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
