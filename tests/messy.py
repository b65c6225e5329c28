"""Four data sets as messy as real ones, from a seed: sounds, pictures, texts, rows.

Each comes with what a reader must say of it: what is left out and why (``skipped``, by place),
how many items stay, in which classes, and what is remarked on some of those that stay.
"""

import io
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

WEB_PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40
M4A = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + b"\0" * 40


@dataclass
class Messy:
    """Where it lies, and what is to be said of it."""

    path: Path
    skipped: dict[str, str] = field(default_factory=dict)  # place -> how its reason begins
    remarks: dict[str, str] = field(default_factory=dict)  # item -> what its remark holds
    notes: list[str] = field(default_factory=list)  # each is part of one note
    kept: int = 0
    classes: set[str] = field(default_factory=set)
    kind: str = ""
    few: str = ""  # the class with two items


# Sounds


def _sound(label: str, place: int, rng: np.random.Generator, rate_hz: int = 8000) -> np.ndarray:
    """A whistle, a hum or a clap, the more noise the higher the number of the place."""
    t = np.arange(int(rate_hz * rng.uniform(0.3, 0.5))) / rate_hz
    if label == "whistle":
        wave = np.sin(2 * np.pi * rng.uniform(350, 1500) * t + 3 * np.sin(6 * t))
    elif label == "hum":
        wave = sum(np.sin(2 * np.pi * rng.uniform(90, 500) * n * t) / n for n in (1, 2, 3))
    else:
        wave = rng.normal(size=len(t)) * np.exp(-t / rng.uniform(0.02, 0.3)) * 2
    noise = rng.normal(size=len(t)) * (0.1 + 0.2 * place)
    return np.clip((wave + noise) * rng.uniform(0.05, 0.3), -0.99, 0.99)


def sounds(folder: Path, seed: int = 0) -> Messy:
    rng = np.random.default_rng(seed)
    made = Messy(folder, kind="sound", few="glass", classes={"whistle", "hum", "clap", "glass"})
    for label in ("whistle", "hum", "clap"):
        for number, place in enumerate(("kitchen", "hall", "yard", "cellar", "attic")):
            (folder / label / place).mkdir(parents=True)
            for take in range(8):
                path = folder / label / place / f"{label}_{take}.wav"
                soundfile.write(path, _sound(label, number, rng), 8000)
                made.kept += 1
    (folder / "glass/hall").mkdir(parents=True)
    for take in range(2):
        soundfile.write(folder / f"glass/hall/glass_{take}.wav", _sound("clap", 1, rng), 8000)
        made.kept += 1

    def keep(name: str, wave: np.ndarray, rate: int = 8000, remark: str = "", **how: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, wave, rate, **how)
        made.kept += 1
        if remark:
            made.remarks[name] = remark

    # Of all depths, rates and channels, and under odd names.
    keep("hum/yard/24 bit.wav", _sound("hum", 2, rng, 44100), 44100, subtype="PCM_24")
    keep("hum/yard/float.wav", _sound("hum", 2, rng, 16000), 16000, subtype="FLOAT")
    stereo = np.stack([_sound("clap", 0, rng)[:2400], _sound("clap", 0, rng)[:2400]], axis=1)
    keep("clap/kitchen/zwei Kanäle.wav", stereo)
    keep("clap/hall/noch einer (1) #ñ 😀.ogg", _sound("clap", 1, rng))
    keep("whistle/hall/silbido\u0301n.flac", _sound("whistle", 1, rng))  # as a Mac writes accents
    keep("whistle/hall/ leading blank.WAV", _sound("whistle", 1, rng), format="WAV")
    loud = _sound("hum", 0, rng) * 9
    keep("hum/hall/loud.wav", loud, remark="louder than full scale", subtype="FLOAT")
    keep("hum/hall/silence.wav", np.zeros(3000), remark="silent throughout")
    keep("hum/kitchen/in truth.wav", _sound("hum", 0, rng), remark="named .wav, holds FLAC",
         format="FLAC")  # fmt: skip
    # Other spellings of two classes.
    keep("Whistle /yard/w.wav", _sound("whistle", 2, rng))
    keep("CLAP/attic/c.wav", _sound("clap", 4, rng))
    made.notes += ["'Whistle '", "'CLAP'", "rate in Hz", "The class 'glass' has 2 items"]
    # Copies.
    first = folder / "clap/yard/clap_0.wav"
    wave, rate = soundfile.read(first, dtype="int16")
    (folder / "clap/yard/clap_0 - Kopie.wav").write_bytes(first.read_bytes())
    soundfile.write(folder / "clap/yard/zz.flac", wave, rate)
    made.skipped["clap/yard/clap_0 - Kopie.wav"] = "the same content as clap/yard/zz.flac"
    made.skipped["clap/yard/clap_0.wav"] = "the same content as clap/yard/zz.flac"
    (folder / "hum/cellar/really_a_hum.wav").write_bytes(
        (folder / "clap/cellar/clap_3.wav").read_bytes()
    )
    made.kept += 1
    made.remarks["hum/cellar/really_a_hum.wav"] = (
        "the same content as clap/cellar/clap_3.wav, another class"
    )
    near, rate = soundfile.read(folder / "whistle/kitchen/whistle_2.wav")
    keep("whistle/yard/softer.wav", 0.6 * near, remark="nearly the same as whistle/kitchen/")
    _broken_sounds(folder, made, rng)
    _of_the_system(folder, made)
    return made


def _broken_sounds(folder: Path, made: Messy, rng: np.random.Generator) -> None:
    def leave(name: str, data: bytes, why: str) -> None:
        (folder / name).write_bytes(data)
        made.skipped[name] = why

    def wav(wave: np.ndarray, **how: str) -> bytes:
        out = io.BytesIO()
        soundfile.write(out, wave, 8000, **({"format": "WAV"} | how))
        return out.getvalue()

    whole = wav(_sound("hum", 0, rng))
    flac = wav(_sound("hum", 0, rng), format="FLAC")
    leave("hum/hall/leer.wav", b"", "empty: 0 bytes")
    leave("hum/hall/cut.wav", whole[: len(whole) // 3], "cut short: ")
    leave("hum/hall/cut.flac", flac[: len(flac) // 3], "cut short or broken: ")
    leave("hum/hall/head.wav", whole[:30], "cut short: it ends before")
    leave("hum/hall/nothing.wav", wav(np.zeros(0)), "holds no sound")
    bad = np.array([0.1, np.nan, 0.2] * 900)
    leave("hum/hall/nan.wav", wav(bad, subtype="FLOAT"), "holds samples that are no numbers")
    leave("clap/hall/page.mp3", WEB_PAGE, "named .mp3, but a web page")
    leave("clap/hall/phone.m4a", M4A, "an MP4 or M4A file")
    leave("clap/hall/ohne Endung", whole, "a sound (WAV) named without a suffix")
    leave("clap/hall/zeros.wav", b"\0" * 900, "nothing but zeros")
    leave("clap/hall/notes.wav", b"heard at noon, windy\n" * 9, "named .wav, but its content")
    leave("clap/hall/list.txt", b"clap_1 is odd\n", "neither a sound nor a picture")
    leave("stray.wav", whole, "in no sub-folder, so it has no label")
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(out, "PNG")
    leave("clap/hall/cover.png", out.getvalue(), "a picture among recordings")
    odd = os.fsencode(folder / "hum/yard") + b"/\xe9t\xe9.wav"  # Latin-1 from an old disk
    Path(os.fsdecode(odd)).write_bytes(whole)
    made.skipped["hum/yard/\\udce9t\\udce9.wav"] = "its name is no text"


def _of_the_system(folder: Path, made: Messy) -> None:
    first = sorted(p for p in folder.iterdir() if p.is_dir())[0].name
    (folder / "__MACOSX").mkdir()
    (folder / ".git").mkdir()
    for name, why in {
        ".DS_Store": "a hidden file",
        "README.md": "not in the folder of a class",
        f"{first}/Thumbs.db": "a file that the system put there",
        f"{first}/desktop.ini": "a file that the system put there",
        f"{first}/._one.wav": "a companion file",
        "__MACOSX/two": "a companion file",
        ".git/config": "a hidden file",
    }.items():
        (folder / name).write_bytes(b"\x00\x05\x16\x07 of the system")
        made.skipped[name] = why


# Pictures


def _picture(label: str, rng: np.random.Generator, size: tuple[int, int] = (56, 48)) -> Image.Image:
    back = tuple(int(v) for v in rng.integers(40, 200, 3))
    front = tuple(int(v) for v in rng.integers(0, 255, 3))
    picture = Image.new("RGB", size, back)
    draw, r = ImageDraw.Draw(picture), int(rng.integers(12, 20))
    x, y = (side // 2 + int(rng.integers(-4, 5)) for side in size)
    box = (x - r, y - r, x + r, y + r)
    if label == "disc":
        draw.ellipse(box, fill=front)
    elif label == "ring":
        draw.ellipse(box, outline=front, width=int(rng.integers(2, 6)))
    elif label == "cross":
        draw.line((x - r, y - r, x + r, y + r), fill=front, width=4)
        draw.line((x - r, y + r, x + r, y - r), fill=front, width=4)
    else:
        draw.rectangle(box, fill=front)
    noisy = np.asarray(picture, float) + rng.normal(0, rng.uniform(2, 20), (size[1], size[0], 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def pictures(folder: Path, seed: int = 0) -> Messy:
    rng = np.random.default_rng(seed)
    made = Messy(folder, kind="picture", few="cross", classes={"disc", "ring", "square", "cross"})
    for label in ("disc", "ring", "square"):
        (folder / label).mkdir(parents=True)
        for number in range(36):
            end = "jpg" if number % 2 else "png"
            _picture(label, rng).save(folder / label / f"IMG_{number:03d}.{end}")
            made.kept += 1
    (folder / "cross").mkdir()
    for number in range(2):
        _picture("cross", rng).save(folder / f"cross/IMG_{number}.png")
        made.kept += 1

    def keep(name: str, picture: Image.Image, remark: str = "", **how: object) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(folder / name, **how)
        made.kept += 1
        if remark:
            made.remarks[name] = remark

    # Of all modes and formats, and under odd names.
    keep("disc/grey.png", _picture("disc", rng).convert("L"))
    clear = _picture("disc", rng)
    clear.putalpha(Image.new("L", clear.size, 128))
    keep("disc/glass.png", clear, remark="transparency left out")
    deep = np.asarray(_picture("ring", rng).convert("L"), np.uint16) * 257
    keep("ring/16 bit.png", Image.fromarray(deep), remark="more than 8 bits")
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("ring/phone.jpg", _picture("ring", rng), remark="turned as its camera says", exif=exif)
    keep("ring/print.jpg", _picture("ring", rng).convert("CMYK"), remark="CMYK")
    keep("square/few colours.png", _picture("square", rng).convert("P"))
    frames = [_picture("square", rng) for _ in range(3)]
    keep("square/pages.tif", frames[0], remark="3 pictures in one file", save_all=True,
         append_images=frames[1:])  # fmt: skip
    keep("square/scan.tif", _picture("square", rng))
    keep("square/Quadrat größer #1 😀.webp", _picture("square", rng))
    keep("disc/cafe\u0301.bmp", _picture("disc", rng))
    keep("disc/in truth.jpg", _picture("disc", rng), remark="named .jpg, holds BMP", format="BMP")
    keep("disc/UPPER.JPEG", _picture("disc", rng))
    # Other spellings of two classes.
    keep("Disc/one.png", _picture("disc", rng))
    keep("SQUARE /one.png", _picture("square", rng))
    made.notes += ["'Disc'", "'SQUARE '", "Several kinds of mode", "The class 'cross' has 2 items"]
    # Copies.
    data = (folder / "ring/IMG_004.png").read_bytes()
    (folder / "ring/IMG_004 (1).png").write_bytes(data)
    Image.open(folder / "ring/IMG_004.png").save(folder / "ring/stored again.bmp")
    made.skipped["ring/IMG_004 (1).png"] = "the same content as ring/IMG_004.png"
    made.skipped["ring/stored again.bmp"] = "the same content as ring/IMG_004.png"
    (folder / "square/or a ring.png").write_bytes((folder / "ring/IMG_006.png").read_bytes())
    made.kept += 1
    made.remarks["square/or a ring.png"] = "the same content as ring/IMG_006.png, another class"
    again = Image.open(folder / "square/IMG_010.png").convert("RGB")
    keep(
        "square/sent on.jpg",
        again,
        remark="nearly the same as square/IMG_010.png",
        quality=92,
        subsampling=0,
    )
    _broken_pictures(folder, made, rng)
    _of_the_system(folder, made)
    return made


def _broken_pictures(folder: Path, made: Messy, rng: np.random.Generator) -> None:
    def leave(name: str, data: bytes, why: str) -> None:
        (folder / name).write_bytes(data)
        made.skipped[name] = why

    def saved(picture: Image.Image, kind: str) -> bytes:
        out = io.BytesIO()
        picture.save(out, kind)
        return out.getvalue()

    jpeg, png = (saved(_picture("disc", rng), kind) for kind in ("JPEG", "PNG"))
    leave("disc/leer.png", b"", "empty: 0 bytes")
    leave("disc/cut.jpg", jpeg[: len(jpeg) // 2], "cut short")
    leave("disc/cut.png", png[: len(png) // 2], "cut short")
    leave("disc/page.jpg", WEB_PAGE, "named .jpg, but a web page")
    leave("disc/IMG_1234.HEIC", HEIC, "a HEIC or AVIF picture")
    leave("disc/pixel.png", saved(Image.new("P", (1, 1)), "PNG"), "too small: 1 x 1 pixels")
    leave("disc/moving.gif", saved(_picture("disc", rng), "GIF"), "a GIF picture")
    leave("disc/download", png, "a picture (PNG) named without a suffix")
    leave("ring/text.png", b"not found\n" * 30, "named .png, but its content is no picture")
    leave("ring/captions.txt", b"IMG_001 a ring\n", "neither a sound nor a picture")
    leave("ring/all.zip", b"PK\x03\x04" + b"\0" * 60, "a zip archive")
    leave("stray.png", png, "in no sub-folder, so it has no label")
    out = io.BytesIO()
    soundfile.write(out, np.zeros(800), 8000, format="WAV")
    leave("ring/voice note.wav", out.getvalue(), "a sound among pictures")
    head = b"IHDR" + struct.pack(">II", 9_000, 9_000) + png[24:29]
    huge = png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]
    leave("ring/huge.png", huge, "too large: 9,000 x 9,000 pixels")


# Texts and rows

_WORDS = {
    "Lob": "schön freundlich schnell prima danke gerne toll zufrieden",
    "Beschwerde": "kaputt spät ärgerlich verspätet unhöflich fehlt defekt enttäuscht",
    "Frage": "wann wo wie welche kann öffnet größe lieferbar",
}
_SHARED = "die Lieferung das Gerät heute bitte Jürgen Straße im Büro für uns sehr und nicht noch"


def texts(folder: Path, seed: int = 0) -> Messy:
    """A CSV in Latin-1, with semicolons."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = Messy(folder / "Rückmeldungen.csv", kind="text", few="Kündigung")
    made.classes = {*_WORDS, "Kündigung"}
    lines = ["Export vom 3. Mai", "Nr;Kundin;Nachricht;Kategorie"]

    def text(label: str) -> str:
        own = rng.choice(_WORDS[label].split(), 2).tolist()
        others = rng.choice(" ".join(_WORDS.values()).split(), 1).tolist()
        return " ".join(rng.permutation([*own, *others, *rng.choice(_SHARED.split(), 6)]).tolist())

    made.skipped["row 1"] = "above the names of the columns"
    for number in range(240):
        label = list(_WORDS)[number % 3]
        spelt = {7: " Lob", 9: "LOB"}.get(number, label) if label == "Lob" else label
        spelt = "lob" if number == 9 else spelt
        said = text(label)
        said = f'"{said}; {number}"' if number % 40 == 0 else f"{said} {number}"
        lines.append(f"{number};K{rng.integers(60):02d};{said};{spelt}")
        made.kept += 1
    for number in (240, 241):
        lines.append(
            f"{number};K{number};hiermit kündige ich den Vertrag zum {number - 239}. Mai;Kündigung"
        )
        made.kept += 1

    def leave(line: str, why: str) -> None:
        lines.append(line)
        made.skipped[f"row {len(lines)}"] = why

    leave(";;;", "empty: no field is filled")
    leave("300;K01;ohne Klasse und ohne Sinn;", "no label")
    leave("301;K01;;Lob", "no text")
    leave("302;K02;erst dies; dann das;Frage", "5 fields, more than the 4 columns")
    leave("303;K02;zu kurz", "3 fields, fewer than the 4 columns")
    leave("Nr;Kundin;Nachricht;Kategorie", "the first line again")
    leave(lines[5], "the same as row 6")
    again = lines[11].split(";")
    lines.append(f"400;K77;{again[2].upper()} !;{again[3]}")
    made.kept += 1
    made.remarks[f"row {len(lines)}"] = "the same words as row 12"
    made.notes = ["Latin-1", "semicolons", "'lob'", "The class 'Kündigung' has 2 items"]
    made.path.write_bytes("\r\n".join(lines).encode("latin-1") + b"\r\n")
    return made


def rows(folder: Path, seed: int = 0) -> Messy:
    """A table with tabs, decimal commas, points between thousands, and a mark at its start."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = Messy(folder / "Maße (final).txt", kind="row", few="Bruch")
    made.classes = {"gut", "Nacharbeit", "Bruch"}
    header = ["Nr", "Kunde", "Länge mm", "Gewicht g", "Farbe", "Werk", "Bemerkung", "Klasse"]
    lines = ["\t".join(header)]

    def comma(value: float) -> str:
        whole, part = f"{value:,.2f}".split(".")
        return f"{whole.replace(',', '.')},{part}"

    def one(number: int, label: str) -> str:
        bad = label != "gut"
        long, heavy = rng.normal(950 + 60 * bad, 60), rng.normal(1200 + 90 * bad, 90)
        colour = rng.choice(["rot", "grün", "blau"], p=[0.6, 0.2, 0.2] if bad else [0.2, 0.4, 0.4])
        shown = [comma(long), "n/a" if number % 23 == 5 else comma(heavy)]
        note = f"Prüfung {number}"
        return "\t".join([str(number), f"F{number % 31}", *shown, colour, "Köln", note, label])

    for number in range(1, 241):
        label = "Nacharbeit" if number % 3 == 0 else "gut"
        lines.append(one(number, {12: "NACHARBEIT", 15: "nacharbeit "}.get(number, label)))
        made.kept += 1
    for number in (241, 242):
        lines.append(one(number, "Bruch"))
        made.kept += 1

    def leave(line: str, why: str) -> None:
        lines.append(line)
        made.skipped[f"row {len(lines)}"] = why

    leave("\t" * 7, "empty: no field is filled")
    leave("Summe\t\t228.123,00", "3 fields, fewer than the 8 columns")
    leave("\t".join(["300", "F1", "900,00", "1.100,00", "rot", "Köln", "-", ""]), "no label")
    leave(lines[0], "the first line again")
    leave(lines[20], "the same as row 21")
    made.notes = ["UTF-8", "tabs", "decimal points in 'Länge mm', 'Gewicht g'", "'NACHARBEIT'",
                  "'Werk' is not learnt from: it holds one value",
                  "'Bemerkung' is not learnt from", "The class 'Bruch' has 2 items"]  # fmt: skip
    made.path.write_bytes("\n".join(lines).encode("utf-8-sig"))
    return made


KINDS = {"sounds": sounds, "pictures": pictures, "texts": texts, "rows": rows}
