"""The batch writer beside a bare loop over the same library: files a second, on one core and two.

    python tests/benchmarks/augment_batch.py [--files 400]

The bare loop reads, changes and writes with librosa or albumentations alone: no seeds, no
manifest, nothing to go on from. Both make the same number of files of the same kind; turns
alternate, and the best of three is told. A last line runs a real audiomentations object through
the pipeline, in an environment of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import albumentations
import cv2
import librosa
import numpy as np
import pandas as pd
import soundfile
from joblib import parallel_config
from sklearn.datasets import load_sample_image

from mlkit.augment import audio, batch, image

RATE = 16_000
TURNS = 3


def make_sounds(folder: Path, count: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        path = folder / f"clip{number:04}.wav"
        soundfile.write(path, 0.2 * rng.standard_normal(2 * RATE).clip(-3, 3), RATE)
        rows.append({"item": path.stem, "path": str(path)})
    return pd.DataFrame(rows)


def make_pictures(folder: Path, count: int) -> pd.DataFrame:
    photo = load_sample_image("flower.jpg")[..., ::-1]
    rows = []
    for number in range(count):
        path = folder / f"photo{number:04}.jpg"
        cv2.imwrite(str(path), np.roll(photo, 7 * number, axis=1))
        rows.append({"item": path.stem, "path": str(path)})
    return pd.DataFrame(rows)


def bare_sounds(table: pd.DataFrame, folder: Path) -> None:
    rng = np.random.default_rng(0)
    for path in table["path"]:
        samples, rate = soundfile.read(path)
        moved = librosa.effects.pitch_shift(
            samples, sr=rate, n_steps=rng.uniform(-3, 3), n_fft=1024
        )
        noise = rng.standard_normal(len(moved)) * moved.std() * 10 ** (-rng.uniform(5, 30) / 20)
        soundfile.write(folder / Path(path).name, moved + noise, rate, subtype="PCM_16")


SOUNDS = [
    (audio.shift_pitch, {"semitones": (-3, 3)}, 1.0),
    (audio.add_noise, {"snr_db": (5, 30)}, 1.0),
]


def bare_pictures(table: pd.DataFrame, folder: Path) -> None:
    pipeline = albumentations.Compose(image.pipeline("viewpoint").transforms)
    for path in table["path"]:
        picture = cv2.imread(path)[..., ::-1]
        cv2.imwrite(
            str(folder / f"{Path(path).stem}.png"), pipeline(image=picture)["image"][..., ::-1]
        )


PICTURES = [(image.pipeline("viewpoint"), {}, 1.0)]


def ours(table: pd.DataFrame, folder: Path, pipeline: list) -> None:
    batch.write(table, folder, pipeline=pipeline, progress=False)


def pin(cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, ALL[-cores:])


def seconds(work, table: pd.DataFrame) -> float:
    folder = Path(tempfile.mkdtemp())
    try:
        start = time.perf_counter()
        work(table, folder)
        return time.perf_counter() - start
    finally:
        shutil.rmtree(folder)


def race(kind: str, table: pd.DataFrame, bare, pipeline: list) -> None:
    best: dict[str, float] = {}
    for _ in range(TURNS):
        pin(1)
        for name, work in (("bare", bare), ("one", lambda t, f: ours(t, f, pipeline))):
            best[name] = min(best.get(name, np.inf), seconds(work, table))
    pin(2)
    with parallel_config(backend="loky", n_jobs=2):
        with tempfile.TemporaryDirectory() as warm:  # the workers import librosa once
            ours(table.head(8), Path(warm), pipeline)
        for _ in range(TURNS):
            took = seconds(lambda t, f: ours(t, f, pipeline), table)
            best["two"] = min(best.get("two", np.inf), took)
    per = {name: len(table) / took for name, took in best.items()}
    print(
        f"{kind}: bare library {per['bare']:.1f} files/s, batch.write {per['one']:.1f} "
        f"({per['one'] / per['bare']:.0%} of it); on two cores {per['two']:.1f} "
        f"({per['two'] / per['one']:.2f}x)",
        flush=True,
    )


def real_audiomentations() -> None:
    """Two runs of a Compose of theirs through our pipeline give the same samples."""
    from peers import python

    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, audiomentations as a\n"
        "from mlkit.augment import apply, draw\n"
        "p = [(a.Compose([a.AddGaussianNoise(p=1.0), a.PitchShift(p=0.5)]), {}, 1.0)]\n"
        "clip = np.sin(np.arange(16000) / 9).astype('float32') / 4\n"
        "made = lambda s: apply(clip, draw(p, rng=s), pipeline=p, rate_hz=16000)\n"
        "one, two, other = made(1), made(1), made(2)\n"
        "print('audiomentations', a.__version__, 'through augment.apply: same seed, same samples:',"
        " np.array_equal(one, two), '; another seed, others:', not np.array_equal(one, other))"
    )
    needs = ("audiomentations==0.43.1", "pandas==2.3.3", "scipy==1.16.3", "pillow==12.0.0")
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [python(needs), "-c", program, root], check=True, capture_output=True, text=True
    )
    print(done.stdout.strip())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=400)
    count = parser.parse_args().files
    ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with tempfile.TemporaryDirectory() as place:
        sounds, pictures = make_sounds(Path(place), count), make_pictures(Path(place), count)
        bare_sounds(sounds.head(2), Path(place))  # what compiles, compiles now
        race("sound (pitch shift, noise)", sounds, bare_sounds, SOUNDS)
        race("pictures (affine, perspective)", pictures, bare_pictures, PICTURES)
    real_audiomentations()
    sys.exit(0)
