"""Colours as people see them: contrast, colour-blind simulation, and how far apart two are.

Contrast after WCAG 2.2; simulation after Machado, Oliveira & Fernandes (2009), severity 1.0, on
linear RGB; distance is CIEDE2000 as Sharma, Wu & Dalal (2005) write it down.
"""

import itertools
from typing import Any

import numpy as np
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

APART = 10.0  # CIEDE2000: seen at a glance, not only side by side
TEXT, LARGE, MARK = 4.5, 3.0, 3.0  # contrast (WCAG 2.2: 1.4.3 and 1.4.11)
WHITE = np.ones(3)
SIMULATED = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041))  # fmt: skip
_D65 = (0.95047, 1.0, 1.08883)


def linear(rgb):
    rgb = np.asarray(rgb, float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def gamma(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def luminance(rgb):
    return linear(rgb) @ np.array(_XYZ[1])


def contrast(one, other=WHITE) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return float((high + 0.05) / (low + 0.05))


def seen(rgb, how: str):
    """The colour as with this colour vision; `grey` is a print without colours."""
    if how == "normal":
        return np.asarray(rgb, float)
    if how == "grey":
        return np.repeat(gamma(luminance(rgb))[..., None], 3, axis=-1)
    return gamma(linear(rgb) @ np.array(SIMULATED[how]).T)


def lab(rgb):
    xyz = linear(rgb) @ np.array(_XYZ).T / _D65
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _hue(a, b):
    return np.degrees(np.arctan2(b, a)) % 360


def ciede2000(one, other) -> float:
    """The distance of two colours in CIELAB."""
    (l1, a1, b1), (l2, a2, b2) = np.asarray(one, float), np.asarray(other, float)
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2, h1, h2 = np.hypot(a1, b1), np.hypot(a2, b2), _hue(a1, b1), _hue(a2, b2)
    turn = 0.0 if c1 * c2 == 0 else h2 - h1
    turn += 360 if turn < -180 else -360 if turn > 180 else 0
    middle = h1 + h2 if c1 * c2 == 0 else (h1 + h2) / 2
    if c1 * c2 and abs(h1 - h2) > 180:
        middle += 180 if h1 + h2 < 360 else -180
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    waves = ((0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.20, 4, -63))
    t = 1 - sum(size * np.cos(np.radians(n * middle + at)) for size, n, at in waves)
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    spin = 60 * np.exp(-(((middle - 275) / 25) ** 2))
    rotate = -np.sin(np.radians(spin)) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    dl, dc = (l2 - l1) / sl, (c2 - c1) / sc
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / sh
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + rotate * dc * dh))


def apart(one, other) -> tuple[float, str]:
    """The smallest distance over every colour vision, and which it is."""
    ways = ("normal", *SIMULATED)
    return min((ciede2000(lab(seen(one, way)), lab(seen(other, way))), way) for way in ways)


# ---- a figure


def on_white(colour, alpha=None):
    """What a colour that lets light through looks like on the sheet."""
    *rgb, through = to_rgba(colour, alpha)
    return through * np.array(rgb) + (1 - through) * WHITE


def _colours(artist) -> list[np.ndarray]:
    """The colours that one mark of it is drawn in: one of them must be seen."""
    if isinstance(artist, Line2D):
        drawn = [] if artist.get_linestyle() in ("None", "") else [artist.get_color()]
        if artist.get_marker() not in ("None", None, ""):
            drawn += [artist.get_markeredgecolor(), artist.get_markerfacecolor()]
        return [on_white(one, artist.get_alpha()) for one in drawn if not _nothing(one)]
    if isinstance(artist, Patch):
        edge = [artist.get_edgecolor()] if artist.get_linewidth() else []
        return [on_white(one) for one in (artist.get_facecolor(), *edge) if to_rgba(one)[3]]
    faces = [] if isinstance(artist, LineCollection) else list(artist.get_facecolor()[:1])
    return [on_white(one) for one in (*faces, *artist.get_edgecolor()[:1])]


def _nothing(colour) -> bool:
    return isinstance(colour, str) and colour == "none"


def _shape(artist) -> tuple:
    """What tells a mark from another besides its colour."""
    if isinstance(artist, Line2D):
        *inside, through = to_rgba(artist.get_markerfacecolor())
        hollow = not through or inside == [1.0, 1.0, 1.0]
        return ("line", artist.get_linestyle(), artist.get_marker(), hollow)
    return (type(artist).__name__, getattr(artist, "get_hatch", lambda: None)())


def _strongest(colours):
    return max(colours, key=contrast)


def faint(figure: Figure) -> list[str]:
    """What of this figure on white cannot be read or seen well."""
    found = []
    for ax in figure.axes:
        for text in ax.findobj(Text):
            box = text.get_bbox_patch()
            below = on_white(box.get_facecolor()) if box is not None else WHITE
            least = LARGE if text.get_fontsize() >= 18 else TEXT
            got = contrast(on_white(text.get_color(), text.get_alpha()), below)
            if text.get_text().strip() and text.get_visible() and got < least:
                found.append(f"text {text.get_text()!r} has a contrast of {got:.2f}")
        for artist in (*ax.lines, *ax.patches, *ax.collections):
            means = artist.get_visible() and artist.get_gid() != "decoration"
            colours = _colours(artist) if means else []
            if colours and (got := contrast(_strongest(colours))) < MARK:
                found.append(f"{artist!r} has a contrast of {got:.2f}")
    return found


def _marks(handle: Any) -> list[Any]:
    """What stands for an entry of the legend: of bars, or of points with errors, the first."""
    one = isinstance(handle, Line2D | Patch | Collection)
    return [handle] if one else handle.get_children()[:1]


def alike(figure: Figure) -> list[str]:
    """Entries of a legend that somebody with another colour vision takes for one another."""
    found = []
    for ax in figure.axes:
        if ax.get_legend() is None:
            continue
        handles, labels = ax.get_legend_handles_labels()
        entries = zip(labels, map(_marks, handles), strict=True)
        marks = [(label, mark) for label, some in entries for mark in some if _colours(mark)]
        for (name, one), (other_name, other) in itertools.combinations(marks, 2):
            if _shape(one) != _shape(other):
                continue
            first, second = _colours(one), _colours(other)
            got, way = max(apart(first[0], second[0]), apart(_strongest(first), _strongest(second)))
            if got < APART:
                found.append(f"{name!r} and {other_name!r}: {got:.1f} apart ({way})")
    return found
