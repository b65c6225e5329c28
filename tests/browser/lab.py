"""A JupyterLab server of its own: quiet, on loopback, in folders that nobody else uses."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

# Without these the news pop-up and the update check cover the notebook.
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
START_S = 180


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(home: Path, extra: dict[str, str]) -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    folders = {
        "HOME": "",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    own = {name: str(home / folder) for name, folder in folders.items()}
    return keep | own | {"NO_ALBUMENTATIONS_UPDATE": "1"} | extra


class Lab:
    """Started by `with Lab(home, root) as lab`, ended by its process id on the way out."""

    def __init__(self, home: Path, root: Path, **environment: str) -> None:
        self.home, self.root = home, root
        self.port, self.token = _free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home / "server.log"
        self._environment = _environment(home, environment)

    def __enter__(self) -> "Lab":
        settings = self.home / "config/lab/user-settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
        self.root.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.allow_root=True",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
            # The tests ask the application itself for cells and kernel, not its layout.
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self.root, stdout=log, stderr=log
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._kernels().values():
            # A frozen kernel does not hear the server's goodbye.
            os.kill(process, signal.SIGKILL)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.api("GET", "status")
            except (OSError, urllib.error.URLError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"JupyterLab did not start:\n{self.log()}") from None
                time.sleep(0.1)
            else:
                return

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def api(self, method: str, path: str, body: object = None) -> object:
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def address(self, notebook: Path, *, application: str = "lab") -> str:
        """Where JupyterLab (`lab`) or Notebook 7 (`notebook`) shows this notebook."""
        inside = quote(notebook.relative_to(self.root).as_posix())
        if application == "notebook":
            return f"{self.url}/notebooks/{inside}?token={self.token}"
        # A workspace of its own, or one tab would rearrange another.
        space = secrets.token_hex(4)
        return f"{self.url}/lab/workspaces/{space}/tree/{inside}?reset&token={self.token}"

    def session(self, notebook: Path) -> dict | None:
        path = notebook.relative_to(self.root).as_posix()
        sessions = [s for s in self.api("GET", "sessions") if s["path"] == path]
        return sessions[0] if sessions else None

    def restart(self, notebook: Path) -> None:
        self.api("POST", f"kernels/{self.session(notebook)['kernel']['id']}/restart")

    def end(self, notebook: Path) -> None:
        """Shut the notebook's kernel down, frozen or not."""
        session = self.session(notebook)
        if session is None:
            return
        process = self._kernels().get(session["kernel"]["id"])
        if process is not None:
            os.kill(process, signal.SIGCONT)
        self.api("DELETE", f"sessions/{session['id']}")

    def kernel(self, notebook: Path) -> int | None:
        """Process id of the notebook's kernel, None while there is none."""
        session = self.session(notebook)
        return None if session is None else self.process(session)

    def process(self, session: dict) -> int | None:
        return self._kernels().get(session["kernel"]["id"])

    def _kernels(self) -> dict[str, int]:
        """Kernel id -> process id, from the children of the server."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
                if int(stat[1]) != self._process.pid or stat[0] == "Z":
                    continue
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except (OSError, IndexError):
                continue  # ended meanwhile
            files = [w for w in words if Path(w).name.startswith("kernel-")]
            if files:
                found[Path(files[0]).stem.removeprefix("kernel-")] = int(folder.name)
        return found
