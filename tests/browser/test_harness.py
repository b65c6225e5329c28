"""The harness itself: a test that cannot fail shows nothing."""

import os
import signal

import pytest

from browser import samples
from browser.conftest import opener


def test_cells_run_and_their_results_can_be_read(open_notebook):
    notebook = open_notebook(
        "%% markdown\n# Title", "print(6 * 7)", "import os; print(os.getcwd())"
    )
    notebook.run_all(widget=None)
    assert notebook.printed() == f"42\n{notebook.path.parent}\n"
    assert notebook.cells()[0] == ("markdown", "# Title")


def test_a_failed_cell_shows_its_traceback(open_notebook):
    notebook = open_notebook("1 / 0")
    with pytest.raises(AssertionError, match=r"a cell failed:\n[\s\S]*ZeroDivisionError"):
        notebook.run_all()


def test_a_killed_kernel_is_replaced(open_notebook, lab, needs_proc):
    notebook = open_notebook("import os; print(os.getpid())")
    notebook.run_all(widget=None)
    before = lab.kernel(notebook.path)
    assert notebook.printed() == f"{before}\n"
    os.kill(before, signal.SIGKILL)
    notebook.wait_new_kernel(before)
    notebook.wait_idle()
    notebook.run_all(widget=None)
    assert notebook.printed() == f"{lab.kernel(notebook.path)}\n"


def test_notebook_7_is_served_beside_jupyterlab(open_notebook):
    notebook = open_notebook("print(6 * 7)", application="notebook")
    notebook.run_all(widget=None)
    assert notebook.printed() == "42\n"
    assert notebook.page.locator("body[data-notebook='notebooks']").count() == 1


def test_a_notebook_takes_the_place_of_the_one_before_and_finds_nothing_of_it(
    context, lab, folder, left
):
    with opener(context, lab, folder, left) as open_it:
        first = open_it("here = 1", name="first")
        first.run_all(widget=None)
        first.page.evaluate("() => localStorage.setItem('left', 'behind')")
        first.page.set_viewport_size({"width": 700, "height": 700})
    assert lab.session(first.path) is None
    with opener(context, lab, folder, left) as open_it:
        second = open_it("print('here' in dir())", name="second")
        assert second.page is first.page
        assert second.state()["run"] is None
        second.run_all(widget=None)
        assert second.printed() == "False\n"
        page = second.page
        names = "() => [...window.jupyterapp.shell.widgets('main')].map((one) => one.title.label)"
        assert page.evaluate(names) == ["second.ipynb"]
        assert page.evaluate("() => localStorage.getItem('left')") is None
        assert page.evaluate("() => window.innerWidth") == 1300
        page.evaluate("() => console.log('a word')")
        second.wait(lambda: "a word" in second.console, "a word")
        assert "a word" not in first.console
    with opener(context, lab, folder, left, own_page=True) as open_it:
        assert open_it("1", name="third").page is not page
    assert left == [page]


def test_a_notebook_filled_anew_has_nothing_of_what_was_there(open_for_all, folder):
    notebook = open_for_all("here = 1", "import ipywidgets\nipywidgets.IntSlider()")
    notebook.run_all(".widget-slider")
    notebook.page.evaluate("() => localStorage.setItem('left', 'behind')")
    kernel = notebook.lab.kernel(notebook.path)
    tell = (
        "import os\nfrom ipywidgets.widgets import widget\n"
        "print('here' in dir(), len(widget._instances), os.getcwd(), os.getpid())"
    )
    notebook.fill(folder, samples.cell("%% markdown\n# Title"), samples.cell(tell))
    assert notebook.cells() == [("markdown", "# Title"), ("code", tell)]
    assert notebook.outputs() == []
    assert notebook.page.locator(".widget-slider").count() == 0
    assert notebook.state()["run"] is None
    assert notebook.page.evaluate("() => localStorage.getItem('left')") is None
    notebook.run_all(widget=None)
    assert notebook.printed() == f"False 0 {folder} {kernel}\n"
