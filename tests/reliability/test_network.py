"""The sample that is downloaded: no network, half of it, a wrong page; said, and tried again."""

from __future__ import annotations

import gc
import hashlib
import os
import socket
import struct
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import SampleUnavailable
from clem_retrace.io import samples
from clem_retrace.io.samples import download

from .conftest import times
from .faults import at_call, file_size_limit, posix

#: What is downloaded; incompressible, so that a half of it is half of the bytes.
NAME = "data/image.png"
CONTENT = np.random.default_rng(4).bytes(200_000)
#: pooch leaves the connection of an answer such as 404 to be collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

REGISTRY = {NAME: hashlib.sha256(CONTENT).hexdigest()}


class Server:
    """A server on loopback that answers as it is told to, a way a request; properly when out."""

    def __init__(self) -> None:
        self.ways: list[str] = []
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                outer.answer(self, outer.ways.pop(0) if outer.ways else "whole")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # Those that were broken off on purpose.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, way: str) -> None:
        """Answer a request in one of the ways of `WAYS`."""
        if way == "silence":
            time.sleep(2)
            return
        if way in ("404", "500", "503"):
            handler.send_error(int(way))
            return
        if way == "nothing":
            reset(handler.connection)
            return
        body = {"login page": b"<html>Please log in</html>", "empty": b""}.get(way, CONTENT)
        if way == "wrong bytes":
            body = bytes(len(CONTENT))
        handler.send_response(200)
        if way != "half, without a length":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if way.startswith("half"):
            handler.wfile.write(body[: len(body) // 2])
            if way == "half, then reset":
                reset(handler.connection)
            return
        handler.wfile.write(body)


def reset(connection: socket.socket) -> None:
    """Break a connection off, as when a cable is pulled."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


WAYS = (
    "silence",
    "404", "500", "503", "nothing", "login page", "empty", "wrong bytes", "half",
    "half, without a length", "half, then reset",
)  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(samples, "TIMEOUT", 1.0)
    running = Server()
    yield running
    running.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def kept(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check_refused(folder: Path, url: str) -> str:
    """Ask for the file; return what was said when it could not be had."""
    with pytest.raises(SampleUnavailable) as caught:
        download((NAME,), folder, url, REGISTRY)
    said = str(caught.value)
    assert f"put the file from {url}{NAME} at {folder / NAME} by hand" in said
    assert kept(folder) == []
    return said


def test_each_way_to_fail_is_said_and_the_next_try_works(server, tmp_path, tally) -> None:
    rng = np.random.default_rng(5)
    tried = 0
    order = [way for _ in range(times(1)) for way in rng.permutation(WAYS)]
    for number, way in enumerate(order):
        folder = tmp_path / str(number)
        server.ways = [way]
        said = check_refused(folder, server.url)
        whole = way in ("login page", "empty", "wrong bytes", "half, without a length")
        assert ("is not the sample image" in said) == whole, (way, said)
        assert ("does not answer" in said) == (way == "silence")
        assert "HTTPConnection" not in said
        (path,) = download((NAME,), folder, server.url, REGISTRY)
        assert path.read_bytes() == CONTENT
        assert kept(folder) == [NAME]
        tried += 1
    tally(tried=tried, kept_half=0)


def test_what_is_spoilt_in_the_cache_is_fetched_anew(server, tmp_path) -> None:
    """As when the program was killed in the middle of a download."""
    (tmp_path / "data").mkdir()
    for content in (b"", CONTENT[:1000], bytes(len(CONTENT))):
        (tmp_path / NAME).write_bytes(content)
        (path,) = download((NAME,), tmp_path, server.url, REGISTRY)
        assert path.read_bytes() == CONTENT
    (tmp_path / NAME).write_bytes(b"spoilt")
    server.ways = ["404"]
    with pytest.raises(SampleUnavailable, match="404"):
        download((NAME,), tmp_path, server.url, REGISTRY)


def test_without_any_network(server, tmp_path) -> None:
    server.close()
    said = check_refused(tmp_path, server.url)
    assert "could not be downloaded" in said
    assert "check the network, and try again" in said
    assert "HTTPConnection" not in said


@posix
def test_a_cache_on_a_failing_disk(server, tmp_path, tally) -> None:
    def fail(path: str) -> None:
        raise OSError(28, "No space left on device", path)

    tried = 0
    for number in range(1, 8):
        folder = tmp_path / str(number)
        with at_call(folder, number, fail) as calls:
            try:
                download((NAME,), folder, server.url, REGISTRY)
            except SampleUnavailable as error:
                said = str(error)
            else:
                said = ""
        tried += len(calls.seen) >= number
        assert not said or "No space left on device" in said
        assert kept(folder) == ([] if said else [NAME])
        (path,) = download((NAME,), folder, server.url, REGISTRY)
        assert path.read_bytes() == CONTENT
    folder = tmp_path / "full"
    with file_size_limit(50_000):
        said = check_refused(folder, server.url)
    assert "File too large" in said
    tally(faults=tried + 1, kept_half=0)
