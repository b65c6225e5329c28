"""One quiet JupyterLab and one headless Chromium for all the tests of a process."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext

from browser import samples
from browser.chromium import chromium, find
from browser.lab import Lab
from browser.screen import Notebook


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str:
    """Path of the browser; without one the tests skip, but fail where CI=true."""
    found = find()
    if found:
        return found
    reason = "no Chromium found: apt install chromium"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    find_chromium()
    home = tmp_path_factory.mktemp("lab")
    with Lab(home, home / "notebooks") as started:
        yield started


# Not for the whole session: while it lives, its event loop runs in this thread,
# and other tests of the same process could not run one.
@pytest.fixture(scope="package")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(find_chromium(), tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def folder(lab: Lab, request: pytest.FixtureRequest) -> Path:
    """A folder for the test, where the server sees it."""
    # Two files may have a test of one name, and their worker has one server.
    name = f"{request.node.path.stem}-{request.node.name}"
    made = lab.root / "".join(c if c.isalnum() else "-" for c in name)
    made.mkdir()
    return made


@pytest.fixture(scope="session")
def predictions(lab: Lab) -> pd.DataFrame:
    """80 real errors and 40 correct items, with the paths of their pictures."""
    return samples.real_predictions(lab.root / "pictures")


@pytest.fixture
def open_notebook(
    context: BrowserContext, lab: Lab, folder: Path
) -> Iterator[Callable[..., Notebook]]:
    """Write a notebook of the given cells and open it; without cells, open the one there is."""
    opened: list[Notebook] = []

    def open_it(*cells: str, application: str = "lab", name: str = "work") -> Notebook:
        path = folder / f"{name}.ipynb"
        if cells:
            samples.write_notebook(path, *cells)
        notebook = Notebook(context, lab, path, application)
        opened.append(notebook)
        return notebook

    yield open_it
    uncaught = [error for notebook in opened for error in notebook.uncaught]
    for notebook in opened:
        lab.end(notebook.path)
        if not notebook.page.is_closed():
            notebook.close()
    # The widgets' code is loaded from blobs: an exception there is a fault of ours.
    ours = [error for error in uncaught if "blob:" in error or "mlkit" in error]
    assert not ours, "uncaught in the browser:\n" + "\n".join(ours)


@pytest.fixture
def needs_proc() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("finds the kernel's process through /proc, which only Linux has")
