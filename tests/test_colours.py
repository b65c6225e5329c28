"""Colours that everybody can see and tell apart: the palette, and every figure that a test draws.

`tests/conftest.py` looks so at each figure at the moment at which it gets its alternative text.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from colours import APART, MARK, TEXT, alike, apart, ciede2000, contrast, faint, lab, seen
from mlkit import _show

WIDGETS = Path(_show.__file__).parent / "widgets"
LIGHT, DARK = to_rgb("#FFFFFF"), to_rgb("#111111")  # JupyterLab's two pages
COLOURS = {name: to_rgb(colour) for name, colour in _show.PALETTE.items()}
# Sharma, Wu & Dalal (2005), table 1: pairs 1, 4, 7, 10, 13, 17, 20, 25, 29, 32 and 34.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0010), 7.1792),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "published"), SHARMA)
def test_distances_are_those_published(one, other, published):
    assert ciede2000(one, other) == pytest.approx(published, abs=5e-5)
    assert ciede2000(other, one) == pytest.approx(published, abs=5e-5)


def test_contrast_and_lightness_have_their_known_values():
    assert contrast((0, 0, 0)) == pytest.approx(21)
    assert contrast(to_rgb("#767676")) == pytest.approx(4.54, abs=0.005), "WCAG's own grey"
    assert lab(to_rgb("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


@pytest.mark.parametrize("way", ["protanopia", "deuteranopia", "tritanopia", "grey"])
def test_grey_stays_grey_for_everyone(way):
    greys = np.repeat(np.linspace(0, 1, 9)[:, None], 3, axis=1)
    assert seen(greys, way) == pytest.approx(greys, abs=1e-4)


def test_red_and_green_that_some_confuse_come_together_for_them_alone():
    red, green = to_rgb("#D84A38"), to_rgb("#7F8A20")
    normal = ciede2000(lab(red), lab(green))
    assert normal > 40
    assert apart(red, green)[1] in ("protanopia", "deuteranopia")
    assert apart(red, green)[0] < normal / 3


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_of_the_palette_is_seen_on_white(name):
    assert contrast(COLOURS[name]) >= MARK


@pytest.mark.parametrize("pair", list(itertools.combinations(COLOURS, 2)), ids="-".join)
def test_any_two_colours_are_told_apart_by_everyone(pair):
    distance, way = apart(*(COLOURS[name] for name in pair))
    assert distance >= APART, f"{distance:.1f} with {way}"


@pytest.mark.parametrize("name", _show.EDGES)
@pytest.mark.parametrize("page", [LIGHT, DARK], ids=["light", "dark"])
def test_borders_are_seen_on_either_page(name, page):
    assert contrast(to_rgb(_show.EDGES[name]), page) >= MARK


def test_the_boards_classes_have_colours_that_everyone_tells_apart():
    text = (WIDGETS / "agreement_board.js").read_text("utf-8")
    listed = re.search(r"const COLOURS = \[(.*?)\]", text).group(1)
    colours = [to_rgb(colour) for colour in re.findall(r'"(#\w+)"', listed)]
    assert len(colours) == 6
    for one, other in itertools.combinations(colours, 2):
        assert apart(one, other)[0] >= APART
    for colour in colours:
        assert min(contrast(colour, page) for page in (LIGHT, DARK)) >= MARK


def mixed(one, other, share):
    return share * np.array(one) + (1 - share) * np.array(other)


@pytest.mark.parametrize(("page", "ink"), [(LIGHT, "#212121"), (DARK, "#FFFFFF")])
def test_cells_of_the_confusion_matrix_are_read_and_grow_one_way(page, ink):
    shades = np.linspace(0, 1, 21)
    wrong = [mixed(to_rgb("#d55e00"), page, 0.45 * share + 0.05) for share in shades]
    right = [mixed(to_rgb("#0072b2"), page, 0.35 * share) for share in shades]
    for ramp in (wrong, right):
        light = lab(np.array(ramp))[:, 0]
        steps = np.diff(light)
        assert (steps < 0).all() or (steps > 0).all(), "monotone in lightness"
        assert min(contrast(to_rgb(ink), cell) for cell in ramp) >= TEXT


def test_a_widgets_style_holds_for_itself_alone():
    for path in WIDGETS.glob("*.css"):
        if path.name == "surface.css":
            continue
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        own = re.search(r"\.mlkit-(\w+)", text).group(0).replace("mlkit-surface.", "")
        own = {"agreement_board": ".mlkit-board"}.get(path.stem, own)
        for selectors in re.findall(r"([^{}]+)\{", text):
            if selectors.strip().startswith("@"):
                continue
            for one in re.split(r",(?![^(]*\))", selectors):
                assert own in one, f"{path.name}: {one.strip()} would reach other widgets"


def drawn(*colours, **how):
    ax = Figure().add_subplot()
    for place, colour in enumerate(colours):
        ax.plot([0, 1], [place, place], color=colour, label=str(place), **how)
    ax.legend()
    return ax.figure


def test_a_figure_with_faint_or_confused_marks_is_found():
    assert not faint(drawn("#0072B2", "#AB4A08"))
    assert not alike(drawn("#0072B2", "#AB4A08"))
    assert len(faint(drawn("#F0E442", alpha=1.0))) == 1, "yellow on white"
    assert len(faint(drawn("#000000", alpha=0.2))) == 1, "black that lets light through"
    assert len(alike(drawn("#B05000", "#6E7400"))) == 1, "rust and olive"
    figure = drawn("#B05000", "#6E7400")
    figure.axes[0].lines[0].set_linestyle("--")
    assert not alike(figure), "a dashed line is another"
    figure.axes[0].text(0, 0, "pale", color="#999999")
    assert len(faint(figure)) == 1, "text needs more than a line"
    figure.axes[0].bar([0], [1], color="#EEEEEE")
    assert len(faint(figure)) == 2
