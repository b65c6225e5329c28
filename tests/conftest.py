"""Which tests share a process where two run side by side: those of a file, as its fixtures do.

All that need a browser share one: two JupyterLabs with two browsers at a time are slow enough to
run into their limits. The runs of a notebook take a minute or more each, so that each notebook is
a group of its own. (pytest-xdist's own marks for groups have no effect with pytest 9.2: it looks
for an attribute that has gone.)

Each process computes on one thread: the two that run side by side have a processor each, and
threads that wait for one another where there are more threads than processors do so by spinning
(a forest grown in 1 second then takes 22). What says otherwise before pytest starts is left as is.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

for kind in ("OMP", "OPENBLAS", "MKL"):  # read when numpy and scikit-learn are first imported
    os.environ.setdefault(f"{kind}_NUM_THREADS", "1")


def group_of(nodeid: str) -> str:
    file, _, rest = nodeid.partition("::")
    if file.startswith("tests/browser/"):
        return "browser"
    if file == "tests/test_notebooks.py" and "[" in rest:
        return rest[rest.index("[") :]
    return file


@pytest.hookimpl(optionalhook=True)  # where there is no xdist nothing is shared out
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session")
def features_kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for MLKIT_DATA that fills from run to run, as a learner's does.

    No archive ever comes there, only features computed once: every notebook is also run in an
    empty folder, see test_notebooks.py.
    """
    return tmp_path_factory.mktemp("features_kept")


@pytest.fixture(scope="session", autouse=True)
def colours_seen() -> Iterator[None]:
    """Every picture that the package draws in any test is one that everybody can see.

    Looked at when it gets its alternative text, which is the last that happens to it.
    """
    from mlkit import _show

    plain = _show.describe

    def describe(ax: object, alt: str) -> object:
        from colours import alike, faint

        described = plain(ax, alt)
        figure = described.get_figure(root=True)
        wrong = [*faint(figure), *alike(figure)]
        assert not wrong, f"{alt[:60]}: {'; '.join(wrong)}"
        return described

    _show.describe = describe
    yield
    _show.describe = plain
