"""A small Hub on this machine, for the real client: one model at one commit, its files those of a folder."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from darkroom.storage.files import sha256_bytes

MODEL = "owner/name"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves `folder` as MODEL; `asked` are the paths of all requests, `refuse` the status that all get, if any."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folder, self.asked = folder, list[str]()
        self.refuse: int | None = None

    @property
    def address(self) -> str:
        """Where it is, as HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def files(self) -> list[Path]:
        """The files of the model."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    @contextlib.contextmanager
    def serving(self) -> Iterator["Hub"]:
        """Answer in a thread until the block ends."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        status, content = self._content(path)
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{sha256_bytes(content)[:40]}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _content(self, path: str) -> tuple[int, bytes]:
        if self.server.refuse:
            return self.server.refuse, b"{}"
        if path.startswith(f"/api/models/{MODEL}/tree/"):
            return 200, json.dumps([self._entry(file) for file in self.server.files()]).encode()
        if path.startswith(f"/api/models/{MODEL}"):
            return 200, json.dumps({"id": MODEL, "sha": COMMIT}).encode()
        file = self.server.folder / path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/")
        return (200, file.read_bytes()) if file.is_file() else (404, b"{}")

    def _entry(self, file: Path) -> dict[str, object]:
        content = file.read_bytes()
        name = file.relative_to(self.server.folder).as_posix()
        return {"type": "file", "path": name, "size": len(content), "oid": sha256_bytes(content)[:40]}

    def log_message(self, format: str, *arguments: object) -> None:
        """Tests read no log."""
