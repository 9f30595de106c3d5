"""A JupyterLab of our own, and a browser on it: for the tests that look at what a person sees, and the benchmark.

The server runs on a copy of the notebooks in a folder of its own, with settings of its own, on a free port.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHROMIUM_ARGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)
START_SECONDS = 60
RUN_MILLISECONDS = 60_000


def chromium() -> str | None:
    """The browser on this machine, None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Lab:
    """A running JupyterLab: `url` of a notebook in it, `folder` it works in."""

    def __init__(self, folder: Path, port: int, token: str) -> None:
        self.folder, self._port, self._token = folder, port, token

    def url(self, notebook: str = "") -> str:
        """The address that opens `notebook` alone; without one, an address that answers when the server runs."""
        path = f"doc/tree/{notebook}" if notebook else "api"
        return f"http://127.0.0.1:{self._port}/{path}?token={self._token}&reset"

    def stop_kernel_of(self, notebook: str) -> None:
        """End the kernel of an open notebook, as a crash would."""
        sessions = json.load(urllib.request.urlopen(self._api("sessions"), timeout=20))
        (kernel,) = [session["kernel"]["id"] for session in sessions if session["path"] == notebook]
        end = urllib.request.Request(self._api(f"kernels/{kernel}"), method="DELETE")
        urllib.request.urlopen(end, timeout=20).close()

    def _api(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}/api/{path}?token={self._token}"

    def use_theme(self, name: str) -> None:
        """Have every page opened from now on use this theme, such as "JupyterLab Dark"."""
        self.set("themes", {"theme": name})

    def set(self, plugin: str, values: dict[str, Any]) -> None:
        """Write a setting of JupyterLab's application utilities."""
        settings = (
            self.folder.parent / "settings" / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
        )
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(values))

    def notebook(self, name: str, cells: list[str]) -> str:
        """Write a notebook of code cells and return its name."""
        made = [
            {
                "cell_type": "code",
                "id": f"c{n}",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for n, source in enumerate(cells)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        document = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).write_text(json.dumps(document))
        return name


@contextmanager
def serve(base: Path) -> Iterator[Lab]:
    """Start JupyterLab below the folder `base`, wait until it answers, and end it afterwards."""
    folder = base / "work"
    shutil.copytree(ROOT / "notebooks", folder)
    lab = Lab(folder, _free_port(), secrets.token_hex(16))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={lab._port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={lab._token}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    lab.set("notification", {"checkForUpdates": False, "fetchNews": "false", "doNotDisturbMode": True})
    log = (base / "server.log").open("w")
    server = subprocess.Popen(command, env=_environment(base), cwd=folder, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(lab, server, base / "server.log")
        yield lab
    finally:
        _end(server)
        log.close()


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _environment(base: Path) -> dict[str, str]:
    """Settings, sessions and history of its own, so that nobody's JupyterLab is touched."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **{name: str(base / folder) for name, folder in own.items()}, "PYTHONPATH": path}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(lab.url(), timeout=2).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def browse(width: int = 1440, height: int = 900) -> Iterator[Any]:
    """A fresh browser context of this size."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        try:
            yield browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        finally:
            browser.close()


def run_all(page: Any, url: str, wait_for: str = ".dw-value") -> None:
    """Open a notebook, run all its cells, and wait until `wait_for` is on the page."""
    page.goto(url)
    page.wait_for_selector(".jp-NotebookPanel-notebook", timeout=RUN_MILLISECONDS)
    # Running before the kernel is there would ask which kernel to use.
    page.get_by_text("| Idle").wait_for(timeout=RUN_MILLISECONDS)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    trouble = "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']"
    page.locator(f"{wait_for}, {trouble}").first.wait_for(timeout=RUN_MILLISECONDS)
    if page.locator(trouble).count():
        raise RuntimeError(f"a cell failed:\n{page.locator(trouble).first.inner_text()}")


def settled(page: Any) -> None:
    """Wait until the board has answered everything that was asked of it."""
    page.wait_for_function("() => !document.querySelector('.dw-root[aria-busy]')", timeout=RUN_MILLISECONDS)
