"""Make the bundled stand-ins for spoken digits: synthetic voices, made with espeak-ng.

    python data/make_spoken_digits.py [FOLDER]

writes FOLDER/spoken_digits/*.flac and FOLDER/spoken_digits.csv, six voices in the place of the
Free Spoken Digit Dataset, and FOLDER/example_voice, a seventh in the place of the learner's own
recordings (FOLDER: by default this one). It needs the program espeak-ng (1.51 made the bundled
files; another version sounds a little different). Only its own formant voices are used: no
MBROLA voice, and no recording of a sentence or a word.

The "accents" are espeak-ng's voices for French, German and Greek reading English digits in
their own sounds. They are caricatures that carry one lesson: a model that has heard two voices
need not know a third. They say nothing about how anybody speaks.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from scipy import signal

RATE_HZ = 8000
CLIPS = 20  # of each digit by each voice, numbered like the real recordings
SEED = 20261121
ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# The digits spelled so that each voice's own rules come near the English words.
FRENCH = ["zirau", "ouanne", "tou", "sri", "faure", "faïve", "sixe", "sévène", "éïte", "naïne"]
GERMAN = ["siero", "wonn", "tuh", "[[sr'i:]]", "for", "faif", "ßix", "ßewen", "äit", "nain"]
GREEK = ["ζίροου", "ουάν", "του", "θρι", "φορ", "φάιβ", "σιξ", "σέβεν", "έιτ", "νάιν"]
# speaker: (accent, espeak-ng voice, words, pitch 0-99, words a minute)
VOICES = {
    "synthetic-us-1": ("USA", "en-us", ENGLISH, 40, 160),
    "synthetic-us-2": ("USA", "en-us+m3", ENGLISH, 30, 180),
    "synthetic-french-1": ("FRA", "fr+m1", FRENCH, 45, 165),
    "synthetic-german-1": ("DEU", "de+m7", GERMAN, 30, 150),
    "synthetic-german-2": ("DEU", "de+f2", GERMAN, 60, 185),
    "synthetic-greek-1": ("GRC", "el+m4", GREEK, 50, 190),
}
# The example speaker: recorded as the Recorder does, 16 kHz and one loudness, take after take.
EXAMPLE = ("synthetic-example", "en-gb-scotland+f1", ENGLISH, 45, 165)
EXAMPLE_RATE_HZ = 16_000
EXAMPLE_TAKES = 5
EXAMPLE_DBFS = -20
# How many of the clips of each digit by each voice have what a listener can name.
CONDITIONS = {"clean": 12, "noise": 3, "quiet": 2, "clipped start": 2, "echo": 1}


def speak(words: str, *, voice: str, pitch: int, speed: int, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Samples of espeak-ng saying the words, silence at both ends cut off."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(wav)]
        subprocess.run([*command, "--", words], check=True)  # noqa: S603 -- our own words
        samples, said_hz = soundfile.read(wav)
    samples = signal.resample_poly(samples, rate_hz * 2, said_hz * 2)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def spoil(samples: np.ndarray, condition: str, rng: np.random.Generator) -> np.ndarray:
    """The clip at an even loudness, in a faintly noisy room, with the named condition."""
    samples = samples / np.sqrt(np.mean(samples**2))
    if condition == "clipped start":
        samples = samples[int(rng.uniform(0.25, 0.45) * len(samples)) :]
    if condition == "echo":
        delays_s = np.cumsum(rng.uniform(0.03, 0.06, size=6))
        echo = np.zeros(int(delays_s[-1] * RATE_HZ) + 1)
        echo[0] = 1
        echo[(delays_s * RATE_HZ).astype(int)] = 0.75 ** np.arange(1, 7)
        samples = np.convolve(samples, echo)
    snr_db = rng.uniform(0, 6) if condition == "noise" else rng.uniform(30, 40)
    hiss = rng.normal(size=len(samples)) * 10 ** (-snr_db / 20)
    level_db = rng.uniform(-42, -36) if condition == "quiet" else rng.uniform(-24, -18)
    return (samples + hiss) * 10 ** (level_db / 20)


def make(folder: Path) -> pd.DataFrame:
    """Write every clip, and return one row a clip."""
    rng = np.random.default_rng(SEED)
    plan = np.repeat(list(CONDITIONS), list(CONDITIONS.values()))
    rows = []
    for speaker, (accent, voice, words, pitch, speed) in VOICES.items():
        for digit, word in enumerate(words):
            for index, condition in enumerate(rng.permutation(plan)):
                said = speak(
                    word + rng.choice([".", "?", ",", "!"]),
                    voice=voice,
                    pitch=int(np.clip(pitch + rng.integers(-12, 13), 0, 99)),
                    speed=int(speed * rng.uniform(0.85, 1.2)),
                )
                samples = spoil(said, condition, rng)
                item = f"{digit}_{speaker}_{index}"
                # Twelve bits are plenty below this hiss, and FLAC does not store the empty ones.
                whole = (np.clip(np.round(samples * 2048), -2048, 2047) * 16).astype(np.int16)
                soundfile.write(folder / f"{item}.flac", whole, RATE_HZ, subtype="PCM_16")
                rows.append((item, str(digit), speaker, accent, condition, len(whole) / RATE_HZ))
    return pd.DataFrame(
        rows, columns=["item", "label", "speaker", "accent", "condition", "duration_s"]
    )


def make_example(folder: Path) -> pd.DataFrame:
    """Write the example speaker's takes, and return one row a take; the times are simulated."""
    rng = np.random.default_rng(SEED)
    speaker, voice, words, pitch, speed = EXAMPLE
    now = pd.Timestamp("2026-11-21T09:00:00Z")
    rows = []
    for take in range(1, EXAMPLE_TAKES + 1):
        for digit, word in enumerate(words):
            said = speak(
                word + rng.choice([".", "?", ",", "!"]),
                voice=voice,
                pitch=int(pitch + rng.integers(-12, 13)),
                speed=int(speed * rng.uniform(0.85, 1.2)),
                rate_hz=EXAMPLE_RATE_HZ,
            )
            edge = np.zeros(int(0.03 * EXAMPLE_RATE_HZ))  # the margin that the Recorder keeps
            samples = np.concatenate([edge, said / np.sqrt(np.mean(said**2)), edge])
            snr_db = rng.uniform(30, 40)
            samples = samples + rng.normal(size=len(samples)) * 10 ** (-snr_db / 20)
            samples *= 10 ** (EXAMPLE_DBFS / 20) / np.sqrt(np.mean(samples**2))
            item = f"{digit}_{speaker}_{take}"
            whole = (np.clip(np.round(samples * 2048), -2048, 2047) * 16).astype(np.int16)
            soundfile.write(folder / f"{item}.flac", whole, EXAMPLE_RATE_HZ, subtype="PCM_16")
            # A few seconds from take to take, and one break in the middle.
            pause_s = 420 if (take, digit) == (3, 0) else 0
            now += pd.Timedelta(seconds=pause_s + round(rng.lognormal(1.4, 0.35), 1))
            duration_s = len(whole) / EXAMPLE_RATE_HZ
            rows.append((item, str(digit), speaker, f"{item}.flac", duration_s, now, take))
    table = pd.DataFrame(
        rows, columns=["item", "label", "speaker", "path", "duration_s", "at", "take"]
    )
    table.insert(4, "rate_hz", EXAMPLE_RATE_HZ)
    table.insert(6, "consent", "not needed: a synthetic voice")
    table["at"] = [at.isoformat(timespec="milliseconds") for at in table["at"]]
    return table


def main() -> None:
    """Make the clips and their tables, and say with which espeak-ng."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    folder, example = target / "spoken_digits", target / "example_voice"
    for place in (folder, example):
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("*.flac"):
            old.unlink()
    table, mine = make(folder), make_example(example)
    table.to_csv(target / "spoken_digits.csv", index=False, lineterminator="\n")
    mine.to_csv(example / "recordings.csv", index=False, lineterminator="\n")
    ask = ["espeak-ng", "--version"]
    version = subprocess.run(ask, check=True, capture_output=True, text=True)  # noqa: S603 -- fixed
    size = sum(path.stat().st_size for place in (folder, example) for path in place.iterdir())
    name = re.search(r"[\d.]+", version.stdout)
    clips = f"{len(table)} and {len(mine)} clips, {size / 1e6:.1f} MB"
    print(f"{clips}, espeak-ng {name.group() if name else '?'}")


if __name__ == "__main__":
    main()
