"""Phone backs drawn so that they look photographed, with scratches whose length is known.

Distances are in millimetres from the middle of the phone until they reach the picture. Shapes
are signed distances (negative inside), so that every edge is smooth without drawing it larger.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HEIGHT, WIDTH = 480, 360
PIXELS_PER_MM = 3.0
SHORTEST_MM, LONGEST_MM = 0.8, 45.0

_BACKS = [  # red, green, blue of one end of the gradient and of the other
    ((0.10, 0.10, 0.12), (0.20, 0.20, 0.23)),  # graphite
    ((0.86, 0.87, 0.88), (0.70, 0.72, 0.75)),  # silver
    ((0.93, 0.92, 0.89), (0.84, 0.82, 0.78)),  # cream
    ((0.10, 0.16, 0.34), (0.20, 0.33, 0.56)),  # blue
    ((0.52, 0.70, 0.86), (0.74, 0.84, 0.93)),  # sky
    ((0.10, 0.27, 0.22), (0.22, 0.42, 0.33)),  # green
    ((0.66, 0.80, 0.70), (0.80, 0.88, 0.79)),  # mint
    ((0.55, 0.07, 0.11), (0.74, 0.14, 0.17)),  # red
    ((0.93, 0.75, 0.72), (0.84, 0.62, 0.62)),  # rose
    ((0.63, 0.56, 0.78), (0.79, 0.73, 0.89)),  # lavender
    ((0.87, 0.75, 0.54), (0.76, 0.62, 0.43)),  # gold
    ((0.84, 0.42, 0.17), (0.93, 0.60, 0.30)),  # orange
]
_TABLES = [
    ((0.55, 0.37, 0.22), "wood"),
    ((0.72, 0.55, 0.37), "wood"),
    ((0.32, 0.21, 0.14), "wood"),
    ((0.78, 0.77, 0.75), "stone"),
    ((0.42, 0.43, 0.45), "stone"),
    ((0.90, 0.89, 0.86), "paper"),
    ((0.24, 0.30, 0.38), "cloth"),
]
# Lenses and flash from the middle of the camera island, and half its width and height.
_CAMERAS = [
    ([(-7.5, -7.5), (-7.5, 7.5), (7.5, 0.0)], (8.0, -9.5), 16.0, 16.0),
    ([(-7.0, -7.0), (7.0, 7.0)], (7.0, -7.0), 14.5, 14.5),
    ([(0.0, -11.0), (0.0, 5.0)], (0.0, 14.0), 9.0, 19.0),
    ([(0.0, -15.0), (0.0, -1.0), (0.0, 13.0)], (0.0, 21.5), 8.5, 25.5),
]
_LENS_MM = 5.8
_FRAME_MM = 1.2
_Colour = Sequence[float] | Sequence[np.ndarray]


@dataclass(frozen=True)
class Scratch:
    """One scratch: its line from end to end, and how deep it went."""

    points: np.ndarray  # (k, 2), mm from the middle of the phone
    length_mm: float
    width_mm: float
    depth: float  # 0 unseen, 1 down to the bare metal


@dataclass(frozen=True)
class Photograph:
    """A picture (H x W x 3, uint8), its longest scratch and the box round it in pixels."""

    image: np.ndarray
    scratch_mm: float  # 0: none
    box: tuple[float, float, float, float]  # x1, y1, x2, y2; NaN: none


@dataclass(frozen=True)
class _Phone:
    """Plain floats: a NumPy number of 64 bits would make every array twice as wide."""

    half: tuple[float, float]  # half the width and height
    radius: float
    turn: float  # radians
    middle: tuple[float, float]  # pixels
    colours: list[list[float]]  # of one end and of the other
    gloss: float
    light: tuple[float, float]  # unit vector towards the lamp
    camera: tuple[list[tuple[float, float]], tuple[float, float], float, float]
    camera_at: tuple[float, float]

    def mean_colour(self) -> list[float]:
        return [(first + last) / 2 for first, last in zip(*self.colours, strict=True)]

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Where points of the phone lie in the picture: x, y."""
        return np.array(self.middle) + PIXELS_PER_MM * points @ _rotation(self.turn)

    def millimetres(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel of the picture lies on the phone."""
        x = (np.arange(WIDTH, dtype=np.float32) - self.middle[0]) / PIXELS_PER_MM
        y = (np.arange(HEIGHT, dtype=np.float32)[:, None] - self.middle[1]) / PIXELS_PER_MM
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return cos * x + sin * y, cos * y - sin * x

    def facing(self, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        """1 at the edge that faces the lamp, -1 at the other."""
        return across * (self.light[0] / self.half[0]) + down * (self.light[1] / self.half[1])


def _rotation(turn: float) -> np.ndarray:
    return np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])


def photograph(rng: np.random.Generator, *, scratched: bool = True) -> Photograph:
    """The next phone; with ``scratched=False`` the same one before anything happened to it."""
    phone = _phone(rng)
    scratches = _scratches(rng, phone)  # drawn either way: what comes after must not change
    shown = scratches if scratched else []
    image = _render(rng, phone, shown)
    if not shown:
        return Photograph(image, 0.0, (np.nan,) * 4)
    line = phone.pixels(shown[0].points)
    edge = shown[0].width_mm * PIXELS_PER_MM / 2
    (x1, y1), (x2, y2) = line.min(axis=0) - edge, line.max(axis=0) + edge
    return Photograph(image, shown[0].length_mm, (x1, y1, x2, y2))


def _phone(rng: np.random.Generator) -> _Phone:
    high = rng.uniform(71, 74)
    wide = high * rng.uniform(0.475, 0.5)
    colours = np.array(_BACKS[rng.integers(len(_BACKS))]) + rng.uniform(-0.03, 0.03, 3)
    camera = _CAMERAS[rng.integers(len(_CAMERAS))]
    lamp = rng.uniform(-2.6, -0.5)
    gap = rng.uniform(4, 6)
    return _Phone(
        half=(wide, high),
        radius=rng.uniform(7, 11),
        turn=rng.uniform(-0.05, 0.05),
        middle=(WIDTH / 2 + rng.uniform(-14, 14), HEIGHT / 2 + rng.uniform(-3, 3)),
        colours=np.clip(colours[:: rng.choice([-1, 1])], 0.04, 0.95).tolist(),
        gloss=rng.uniform(0.3, 1.0),
        light=(math.cos(lamp), math.sin(lamp)),
        camera=camera,
        camera_at=(camera[2] + gap - wide, camera[3] + gap - high),
    )


# --- scratches


def _scratches(rng: np.random.Generator, phone: _Phone) -> list[Scratch]:
    """None to three, the longest first."""
    number = rng.choice(4, p=[0.12, 0.46, 0.28, 0.14])
    lengths = np.exp(rng.normal(math.log(4.0), 0.9, number))
    found: list[Scratch] = []
    for length in np.sort(np.clip(lengths, SHORTEST_MM, LONGEST_MM))[::-1].tolist():
        # Which one is the longest must not be a matter of opinion as well.
        most = max(SHORTEST_MM, 0.8 * found[0].length_mm) if found else LONGEST_MM
        found.append(_scratch(rng, phone, round(min(length, most), 1), found))
    return found


def _scratch(
    rng: np.random.Generator, phone: _Phone, length: float, others: list[Scratch]
) -> Scratch:
    depth = rng.beta(1.6, 2.2)
    line = _line(rng, length)
    for _ in range(200):
        at = rng.uniform(-1, 1, 2) * phone.half
        points = at + line @ _rotation(rng.uniform(0, math.pi))
        if _is_free(points, phone, others):
            break
    return Scratch(points, length, 0.16 + 0.5 * depth**1.5, depth)


def _line(rng: np.random.Generator, length: float) -> np.ndarray:
    """A curve of exactly this length, bent and slightly unsteady, about its middle."""
    along = np.linspace(-0.5, 0.5, 41)
    bend = rng.normal(0, 0.07) * (1 - 4 * along**2)
    tremor = 0.05 / length * rng.normal() * np.sin(along * rng.uniform(8, 18) + rng.uniform(0, 6))
    points = np.column_stack([along, bend + tremor])
    points -= points.mean(axis=0)
    return points * length / np.hypot(*np.diff(points, axis=0).T).sum()


def _is_free(points: np.ndarray, phone: _Phone, others: list[Scratch]) -> bool:
    """Whether the line lies whole on the flat of the back: no camera, no other scratch."""
    *_, wide, high = phone.camera
    inside = (np.abs(points) < np.array(phone.half) - 4.5).all()
    camera = (np.abs(points - phone.camera_at) < np.array([wide, high]) + 2).all(axis=1).any()
    gaps = [np.hypot(*(points[:, None] - other.points).T).min() for other in others]
    return bool(inside and not camera and min(gaps, default=np.inf) > 3)


def _draw_scratch(image: np.ndarray, phone: _Phone, scratch: Scratch) -> None:
    """A groove that catches the light on one side and lies in the dark on the other."""
    points = phone.pixels(scratch.points)
    low = np.floor(points.min(axis=0)).astype(int) - 5
    high = np.ceil(points.max(axis=0)).astype(int) + 6
    window = image[:, low[1] : high[1], low[0] : high[0]]
    wide, tall = (high - low).tolist()
    width = scratch.width_mm * PIXELS_PER_MM
    aside = (0.5 + width / 2) * np.array(phone.light)
    groove = _stroke(points - low, (wide, tall), width)
    rim = _stroke(points - low - aside, (wide, tall), max(width / 2, 0.5))
    bare, shade = (0.92, 0.05) if window[:, groove > 0].mean() < 0.5 else (0.16, 0.97)
    strength = 0.30 + 0.65 * scratch.depth
    _over(window, [bare] * 3, groove * strength)
    _over(window, [shade] * 3, rim * (1 - groove) * strength * 0.55)


def _stroke(points: np.ndarray, size: tuple[int, int], width: float) -> np.ndarray:
    """How much of each pixel a line covers, thinner and fainter towards its ends."""
    import cv2

    fine = 6
    canvas = np.zeros((size[1] * fine, size[0] * fine), np.uint8)
    steps = np.round((points + 0.5) * fine * 16).astype(int)
    for i, (start, stop) in enumerate(itertools.pairwise(steps)):
        press = 0.7 + 0.3 * np.sin(np.pi * (i + 0.5) / (len(steps) - 1))
        thick = max(1, round(width * fine * press))
        cv2.line(canvas, tuple(start), tuple(stop), int(255 * press), thick, cv2.LINE_AA, 4)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


# --- the picture: (3, H, W) while it is painted, since a colour at a time is quicker


def _render(rng: np.random.Generator, phone: _Phone, scratches: list[Scratch]) -> np.ndarray:
    image = _table(rng)
    across, down = phone.millimetres()
    distance = _rounded(across, down, *phone.half, phone.radius)
    _shadow(image, phone, across, down, distance)
    _frame(image, phone, across, down, distance)
    _back(image, rng, phone, across, down, distance)
    _camera(image, phone, across, down)
    _dust(image, rng, phone)
    for scratch in scratches:
        _draw_scratch(image, phone, scratch)
    return _develop(image, rng, phone)


def _rounded(
    across: np.ndarray, down: np.ndarray, wide: float, high: float, radius: float
) -> np.ndarray:
    """Signed distance to a rounded rectangle round the origin."""
    x = np.abs(across) - (wide - radius)
    y = np.abs(down) - (high - radius)
    inside = np.minimum(np.maximum(x, y), 0)
    outside = np.sqrt(np.maximum(x, 0, out=x) ** 2 + np.maximum(y, 0, out=y) ** 2)
    return outside + inside - radius


def _cover(distance: np.ndarray) -> np.ndarray:
    return np.clip(0.5 - distance * PIXELS_PER_MM, 0, 1)


def _soft(distance: np.ndarray, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(distance / width, -20, 20)))


def _over(image: np.ndarray, colour: _Colour, share: np.ndarray) -> None:
    """Paint over the picture in place."""
    for plane, value in zip(image, colour, strict=True):
        plane += share * (value - plane)


def _enlarged(coarse: np.ndarray) -> np.ndarray:
    """What is soft is computed on fewer points: a picture takes half the time."""
    import cv2

    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def _clouds(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Smooth noise of about unit variance: few rows and columns for large patches."""
    return _enlarged(rng.standard_normal((rows, columns), dtype=np.float32))


def _table(rng: np.random.Generator) -> np.ndarray:
    colour, kind = _TABLES[rng.integers(len(_TABLES))]
    tone = 1 + 0.05 * _clouds(rng, 5, 4)
    if kind == "wood":
        tone += 0.09 * _clouds(rng, 4, 60)
        tone += 0.06 * _clouds(rng, 9, 170)
    elif kind == "stone":
        tone += 0.05 * _clouds(rng, 40, 30)
        tone += 0.05 * _clouds(rng, 160, 120)
    elif kind == "cloth":
        weave = np.sin(np.arange(HEIGHT) * 1.9)[:, None] * np.sin(np.arange(WIDTH) * 1.9)
        tone += (0.09 * weave).astype(np.float32)
    tone += 0.02 * _clouds(rng, 160, 120)
    return np.array(colour, np.float32)[:, None, None] * tone


def _shadow(
    image: np.ndarray, phone: _Phone, across: np.ndarray, down: np.ndarray, distance: np.ndarray
) -> None:
    """Soft where the body stands off the table, dark where it touches it."""
    x, y = across[::3, ::3] + 6.0 * phone.light[0], down[::3, ::3] + 6.0 * phone.light[1]
    cast = _enlarged(0.6 * _soft(_rounded(x, y, *phone.half, phone.radius), 2.0))
    image *= 1 - np.maximum(cast, 0.7 * np.exp(np.minimum(-distance, 0)))


def _frame(
    image: np.ndarray, phone: _Phone, across: np.ndarray, down: np.ndarray, distance: np.ndarray
) -> None:
    lit = 1 + 0.5 * phone.facing(across, down)
    _over(image, [lit * (0.6 * c + 0.22) for c in phone.mean_colour()], _cover(distance))


def _back(
    image: np.ndarray,
    rng: np.random.Generator,
    phone: _Phone,
    across: np.ndarray,
    down: np.ndarray,
    distance: np.ndarray,
) -> None:
    """A gradient, and what the glass mirrors and the hands left on it."""
    wide, high = phone.half
    slope = rng.uniform(-0.6, 0.6)
    mix = np.clip((down / high + slope / wide * across) / 2 + 0.5, 0, 1)
    # The glass bends down at its edge: it mirrors the lamp on one side, the room on the other.
    bent = np.exp(np.minimum(distance + _FRAME_MM, 0) / 1.6) * phone.facing(across, down)
    glow = 0.22 * bent + 0.012 * _clouds(rng, 9, 7) + 0.006 * _clouds(rng, 160, 120)
    glow += _enlarged(phone.gloss * _reflections(rng, across[::2, ::2], down[::2, ::2]))
    ends = zip(*phone.colours, strict=True)
    inside = _cover(distance + _FRAME_MM)
    _over(image, [first + mix * (last - first) + glow for first, last in ends], inside)
    image *= 1 - 0.5 * np.exp(-(((distance + _FRAME_MM) * 3) ** 2))


def _reflections(rng: np.random.Generator, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """A broad soft band, and a window with a crossbar."""
    turn = rng.uniform(0.3, 1.0) * float(rng.choice([-1, 1]))
    band = across * math.cos(turn) + down * math.sin(turn) - rng.uniform(-45, 45)
    glow = rng.uniform(0.10, 0.22) * np.exp(-((band / rng.uniform(12, 26)) ** 2))
    x = across + math.copysign(0.25, turn) * down - rng.uniform(-22, 22)
    y = down - rng.uniform(-30, 55)
    pane = np.maximum(np.abs(np.abs(x) - 9.5) - 8.5, np.abs(y) - rng.uniform(16, 34))
    return glow + rng.uniform(0.0, 0.13) * _soft(pane, 0.9)


def _camera(image: np.ndarray, phone: _Phone, across: np.ndarray, down: np.ndarray) -> None:
    lenses, flash, wide, high = phone.camera
    x0, y0 = phone.pixels(np.array(phone.camera_at))
    reach_x, reach_y = wide * PIXELS_PER_MM + 26, high * PIXELS_PER_MM + 26
    rows = slice(max(0, int(y0 - reach_y)), int(y0 + reach_y))
    columns = slice(max(0, int(x0 - reach_x)), int(x0 + reach_x))
    window = image[:, rows, columns]
    x = across[rows, columns] - phone.camera_at[0]
    y = down[rows, columns] - phone.camera_at[1]
    edge = _rounded(x, y, wide, high, min(7.5, wide))
    window *= 1 - 0.35 * np.exp(-np.maximum(edge, 0) / 1.3)
    _over(window, [0.82 * c + 0.03 for c in phone.mean_colour()], _cover(edge))
    facing = x * (phone.light[0] / wide) + y * (phone.light[1] / high)
    window += 0.30 * facing * np.exp(-((edge + 0.5) ** 2) * 4)
    for at in lenses:
        _lens(window, x - at[0], y - at[1], phone.light)
    _over(window, (0.95, 0.93, 0.80), _cover(np.hypot(x - flash[0], y - flash[1]) - 1.6))


def _lens(window: np.ndarray, x: np.ndarray, y: np.ndarray, light: tuple[float, float]) -> None:
    radius = np.hypot(x, y)
    ring = 0.5 + (0.35 / _LENS_MM) * (x * light[0] + y * light[1])
    _over(window, [ring] * 3, _cover(radius - _LENS_MM))
    _over(window, (0.03, 0.03, 0.04), _cover(radius - 0.86 * _LENS_MM))
    _over(window, (0.09, 0.10, 0.15), _cover(radius - 0.5 * _LENS_MM))
    _over(window, (0.02, 0.02, 0.04), _cover(radius - 0.3 * _LENS_MM))
    shine = (x - light[0] * 1.6) ** 2 + (y - light[1] * 1.6) ** 2
    _over(window, (0.75, 0.80, 0.95), 0.8 * np.exp(-shine / 0.64))


def _dust(image: np.ndarray, rng: np.random.Generator, phone: _Phone) -> None:
    """A few specks: what a hasty eye might take for a scratch, and is none."""
    specks = phone.pixels(rng.uniform(-0.92, 0.92, (12, 2)) * phone.half)
    for (x, y), share in zip(specks, rng.uniform(0.05, 0.3, 12), strict=True):
        image[:, round(y), round(x)] += share * (1 - image[:, round(y), round(x)])


def _develop(image: np.ndarray, rng: np.random.Generator, phone: _Phone) -> np.ndarray:
    """Uneven light, the lens's blur, white balance and the sensor's noise, grey and coloured."""
    import cv2

    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    image *= 1 + 0.10 * (x * phone.light[0] + y * phone.light[1]) - 0.05 * (x**2 + y**2)
    exposure, noise = rng.uniform(0.88, 1.06), rng.uniform(0.008, 0.016)
    grain = rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32)
    for plane, balance in zip(image, rng.uniform(0.96, 1.04, 3), strict=True):
        plane *= exposure * float(balance)
        plane[:] = cv2.GaussianBlur(plane, (0, 0), 0.55)
        plane += noise * (grain + 0.6 * _clouds(rng, HEIGHT // 3, WIDTH // 3))
    return cv2.merge([np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8) for plane in image])
