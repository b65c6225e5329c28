"""A throw-away PostgreSQL that a test can take away and bring back."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def find_initdb() -> str:
    """Path of Debian's; without one the tests skip, but fail where CI=true."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(folders[-1]) if folders else shutil.which("initdb")
    if found:
        return found
    reason = "PostgreSQL is not installed: apt-get install postgresql"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Postgres:
    """One server on a socket in a folder of its own, ended by its process id."""

    def __init__(self, root: Path) -> None:
        self._bin, self._root = Path(find_initdb()).parent, root
        # PostgreSQL refuses to run as root.
        self._user = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(root, "nobody")
        make = ["initdb", "-D", root / "data", "-U", "mlkit", "--auth=trust", "-E", "UTF8", "-N"]
        subprocess.run(
            [self._bin / make[0], *make[1:]], check=True, capture_output=True, **self._user
        )
        self.url = f"postgresql://mlkit:s3cret@/postgres?host={root}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # fsync stays on: what is acknowledged has to outlive a kill.
        options = ["-k", self._root, "-c", "listen_addresses=", "-c", "shared_buffers=16MB"]
        command = [self._bin / "postgres", "-D", self._root / "data", *options]
        with (self._root / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, **self._user)
        self._wait_until_up()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT lets nobody finish, SIGQUIT is as a power cut: the log is read at the start."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def _wait_until_up(self) -> None:
        import psycopg

        for _ in range(400):
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError((self._root / "log").read_text()[-2000:])
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url):
                return
            time.sleep(0.05)
        raise TimeoutError(self.url)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """One that runs; a short path, because a socket's may have 107 letters."""
    root = Path(tempfile.mkdtemp(prefix="mlkit-class-"))
    server = Postgres(root)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(root, ignore_errors=True)
