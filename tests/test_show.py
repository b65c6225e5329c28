import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlkit import _show

mpl.use("Agg")


@pytest.fixture
def ax():
    return _show.axes()


def test_a_described_figure_is_an_image_with_that_text(ax):
    _show.describe(ax, 'Bars, "tall" & <small>.')
    html = _show.figure_html(ax.figure)
    assert html.startswith('<img alt="Bars, &quot;tall&quot; &amp; &lt;small&gt;."')
    assert 'src="data:image/png;base64,iVBOR' in html


def test_a_picture_that_is_no_plot_is_named():
    with pytest.raises(TypeError, match=r"needs the axes of a plot; it was given list\."):
        _show.describe([], "A list of axes.")


def test_a_figure_without_a_text_is_left_to_jupyter(ax):
    assert _show.figure_html(ax.figure) is None


def test_jupyter_shows_the_described_figure_as_html(ax):
    shell = InteractiveShell.instance()
    try:
        _show.describe(ax, "One line that rises.")
        data, _ = shell.display_formatter.format(ax.figure)
        assert 'alt="One line that rises."' in data["text/html"]
        ax.figure.set_label("")
        data, _ = shell.display_formatter.format(ax.figure)
        assert "text/html" not in data
    finally:
        InteractiveShell.clear_instance()


def test_axes_that_end_a_cell_are_shown_unless_pyplot_does(ax):
    shell = InteractiveShell.instance()
    mine = _show.describe(plt.subplots()[1], "Mine.")
    try:
        _show.describe(ax, "One line that rises.")
        data, _ = shell.display_formatter.format(ax)
        assert 'alt="One line that rises."' in data["text/html"]
        data, _ = shell.display_formatter.format(mine)
        assert "text/html" not in data
    finally:
        plt.close(mine.figure)
        InteractiveShell.clear_instance()


def test_axes_of_ours_are_unknown_to_pyplot(ax):
    assert ax.figure.canvas.manager is None
    assert ax.figure not in map(plt.figure, plt.get_fignums())


def test_axes_given_are_used(ax):
    assert _show.axes(ax) is ax
    assert not ax.spines["top"].get_visible()


def test_a_table_escapes_everything():
    html = _show.table_html(
        [{"slice": "<b>x</b>", "n": "3\n1 to 5"}],
        columns={"slice": "<i>slice</i>", "n": "n"},
        text=["slice"],
        why={(0, "n"): 'only "errors"'},
    )
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert 'title="only &quot;errors&quot;"' in html
    assert "3<br>" in html


def test_a_result_escapes_its_sentence_and_notes():
    html = _show.result_html("a < b", "<table></table>", notes=["c > d"])
    assert html == "<p>a &lt; b</p><table></table><ul><li>c &gt; d</li></ul>"


def test_percent_and_points():
    assert (_show.percent(1 / 3), _show.percent(0.5, digits=0)) == ("33.3 %", "50 %")
    assert (_show.points(0.006), _show.points(None)) == ("+0.6", "")
