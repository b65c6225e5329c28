"""One quiet JupyterLab and one headless Chromium for all the tests of a process."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page

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


@pytest.fixture(scope="package")
def left(context: BrowserContext) -> list[Page]:
    """The page, at most one, where a test has left JupyterLab open and in order.

    To load JupyterLab takes a browser longer than most tests, and a person who opens another
    notebook does not do it either.
    """
    return []


@pytest.fixture
def own_page() -> None:
    """For a test that changes the page itself: it gets one that goes with it."""


@contextmanager
def opener(
    context: BrowserContext, lab: Lab, folder: Path, left: list[Page], *, own_page: bool = False
) -> Iterator[Callable[..., Notebook]]:
    """Write a notebook of the given cells and open it; without cells, open the one there is."""
    opened: list[Notebook] = []

    def open_it(*cells: str, application: str = "lab", name: str = "work") -> Notebook:
        path = folder / f"{name}.ipynb"
        if cells:
            samples.write_notebook(path, *cells)
        page = left.pop() if left and application == "lab" and not own_page else None
        notebook = Notebook(context, lab, path, application, page)
        opened.append(notebook)
        return notebook

    yield open_it
    uncaught = [error for notebook in opened for error in notebook.uncaught]
    for notebook in opened:
        page = None if own_page else notebook.leave()
        lab.end(notebook.path)
        if page is not None and not left:
            left.append(page)
        elif not notebook.page.is_closed():
            notebook.close()
    none_of_ours(uncaught)


def none_of_ours(uncaught: list[str]) -> None:
    """The widgets' code is loaded from blobs: an exception there is a fault of ours."""
    ours = [error for error in uncaught if "blob:" in error or "mlkit" in error]
    assert not ours, "uncaught in the browser:\n" + "\n".join(ours)


@pytest.fixture
def open_notebook(
    context: BrowserContext,
    lab: Lab,
    folder: Path,
    left: list[Page],
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Notebook]]:
    # A kernel that is killed may be missed by its page, and spoken of, long after the test.
    own_page = not {"own_page", "needs_proc"}.isdisjoint(request.fixturenames)
    if "one_kernel" not in request.fixturenames or own_page:
        with opener(context, lab, folder, left, own_page=own_page) as open_it:
            yield open_it
        return
    shared, given = request.getfixturevalue("one_kernel"), []

    def open_or_fill(*cells: str, **how: str) -> Notebook:
        if given or not cells or how.get("application", "lab") != "lab":
            return open_it(*cells, **how)
        given.append(shared())
        given[0].fill(folder, *map(samples.cell, cells))
        return given[0]

    with opener(context, lab, folder, left) as open_it:
        yield open_or_fill
    for notebook in given:
        none_of_ours(notebook.uncaught)


@pytest.fixture(scope="module")
def open_for_all(
    context: BrowserContext, lab: Lab, left: list[Page], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """The same for a notebook that all tests of a file look at: its folder is theirs too."""
    folder = lab.root / f"{request.path.stem}-for-all"
    folder.mkdir()
    with opener(context, lab, folder, left) as open_it:
        yield open_it


@pytest.fixture(scope="module")
def one_kernel(open_for_all: Callable[..., Notebook]) -> Callable[[], Notebook]:
    """For a file whose tests look at a widget: `open_notebook` fills one notebook anew for each.

    A test gets its cells in a folder of its own, with no name, no widget and nothing in the
    browser left of the test before. It does not get a kernel of its own, nor the start of one,
    which would take longer than all that it looks at; for that there is `needs_proc`.
    """
    return functools.cache(lambda: open_for_all("pass", name="filled"))


@pytest.fixture
def needs_proc() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("finds the kernel's process through /proc, which only Linux has")
