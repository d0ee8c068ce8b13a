"""Network cameras for tests: real MJPEG over HTTP, real RTP over RTSP, on loopback."""

import http.server
import itertools
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Self

import cv2

from tests.support.coded_frames import coded_frame

FRAMES_PER_S = 25.0
_SESSION_DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\na=control:track0\r\n"
)


class MjpegServer:
    """Serves numbered frames as multipart/x-mixed-replace, in real time, can be paused."""

    def __init__(self, *, burst: int = 0) -> None:
        self.running = threading.Event()
        self.running.set()
        self._stopping = threading.Event()
        self._sent = 0
        self._news = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=frame")
                self.end_headers()
                try:
                    outer._stream(self, burst)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Keep test output clean."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/camera.mjpg"

    def _stream(self, handler: http.server.BaseHTTPRequestHandler, burst: int) -> None:
        for number in itertools.count():
            if number >= burst and self._stopping.wait(1 / FRAMES_PER_S):
                return
            while not self.running.wait(0.05):
                if self._stopping.is_set():
                    return
            _, jpeg = cv2.imencode(".jpg", coded_frame(number % 1024))
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            handler.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")
            with self._news:
                self._sent += 1
                self._news.notify_all()

    def let_pass(self, frames: int) -> None:
        """Block until this many more frames were sent."""
        with self._news:
            target = self._sent + frames
            assert self._news.wait_for(lambda: self._sent >= target, timeout=20)

    def pause(self) -> None:
        self.running.clear()

    def resume(self) -> None:
        self.running.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def rtsp_is_possible() -> bool:
    """True if ffmpeg is installed, which packs the RTP packets."""
    return shutil.which("ffmpeg") is not None


class RtspServer:
    """One RTSP client at a time; ffmpeg sends the picture by RTP over UDP in real time."""

    def __init__(self, video: Path) -> None:
        self._video = video
        self._senders: list[subprocess.Popen[bytes]] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    outer._converse(self)
                except OSError:
                    return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"rtsp://127.0.0.1:{self._server.server_address[1]}/camera"

    def _converse(self, handler: socketserver.StreamRequestHandler) -> None:
        ports = ""
        server_port = _free_udp_port()
        sender: subprocess.Popen[bytes] | None = None
        while request := handler.rfile.readline().decode().strip():
            method = request.split()[0]
            headers = _read_headers(handler)
            if method == "SETUP":
                ports = headers["transport"].partition("client_port=")[2].split(";")[0]
            extra, body = self._answer(method, ports, server_port)
            reply = f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\nSession: 1\r\n{extra}"
            handler.wfile.write(f"{reply}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            if method == "PLAY":
                sender = self._send(int(ports.split("-")[0]), server_port)
            if method == "TEARDOWN":
                break
        if sender is not None:
            _end(sender)

    def _answer(self, method: str, ports: str, server_port: int) -> tuple[str, str]:
        match method:
            case "OPTIONS":
                return "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""
            case "DESCRIBE":
                head = f"Content-Type: application/sdp\r\nContent-Base: {self.url}/\r\n"
                return head, _SESSION_DESCRIPTION
            case "SETUP":
                transport = f"RTP/AVP;unicast;client_port={ports};server_port={server_port}"
                return f"Transport: {transport}-{server_port + 1}\r\n", ""
            case _:
                return "", ""

    def _send(self, client_port: int, server_port: int) -> subprocess.Popen[bytes]:
        arguments = [
            "ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(self._video),
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "5",
            "-pix_fmt", "yuv420p", "-bsf:v", "dump_extra", "-payload_type", "96",
            "-f", "rtp", f"rtp://127.0.0.1:{client_port}?localport={server_port}",
        ]  # fmt: skip
        sender = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._senders.append(sender)
        return sender

    def pause(self) -> None:
        for sender in self._senders:
            if sender.poll() is None:
                os.kill(sender.pid, signal.SIGSTOP)

    def resume(self) -> None:
        for sender in self._senders:
            if sender.poll() is None:
                os.kill(sender.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for sender in self._senders:
            _end(sender)


def _read_headers(handler: socketserver.StreamRequestHandler) -> dict[str, str]:
    headers = {}
    while line := handler.rfile.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _end(sender: subprocess.Popen[bytes]) -> None:
    if sender.poll() is None:
        sender.kill()
    sender.wait()


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
