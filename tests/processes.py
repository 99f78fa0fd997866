"""Servers that tests start: a port for each, and an end for all of its processes."""

import os
import signal
import socket
import subprocess
import time


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the group of a process that leads one to end, then make it."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                os.killpg(process.pid, word)
            except ProcessLookupError:
                break
            process.poll()
            time.sleep(0.5)
