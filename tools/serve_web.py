"""Serve the page in ``web/dist`` as it wants it: ``python -m tools.serve_web``, then open the address that it prints.

Two headers isolate the page from other origins; without them browsers refuse threads, and it runs on one.
"""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import tyro

DIST = Path(__file__).parents[1] / "web" / "dist"
HOST = "127.0.0.1"
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Handler(SimpleHTTPRequestHandler):
    """Files with the headers."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".js": "text/javascript"}

    def end_headers(self) -> None:
        """Add them to every answer."""
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *_: object) -> None:
        """Nothing."""


def server(folder: Path = DIST, port: int = 0) -> ThreadingHTTPServer:
    """A server of this machine alone; port 0 takes any that is free."""
    return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))


def main(port: int = 8000) -> None:
    """Serve until interrupted."""
    with server(port=port) as http:
        print(f"http://{HOST}:{port}/")
        http.serve_forever()


if __name__ == "__main__":
    tyro.cli(main)
