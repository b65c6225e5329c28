"""What is watched of a column that is no plain number: length, brightness, loudness."""

import numpy as np
import pandas as pd

from mlkit._tables import TableError


def measured(values: pd.Series, kind: str) -> pd.Series:
    """The numbers of the column, or the column itself where it is counted by name."""
    if kind in ("class", "skip"):
        return values
    if kind == "text":
        return values.astype("string").str.len().astype("Float64")
    if kind == "image":
        return values.map(brightness, na_action="ignore").astype("Float64")
    if kind == "audio":
        return values.map(loudness_db, na_action="ignore").astype("Float64")
    try:
        return pd.to_numeric(values)
    except (ValueError, TypeError) as error:
        raise TableError(
            f"monitoring.profile() reads {values.name!r} as numbers, and cannot: {error}. Say "
            f'kinds={{"{values.name}": "class"}} if these are names.'
        ) from error


def brightness(path: str) -> float:
    """Mean of a picture's grey levels, from 0 to 1; NaN for a file that is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return float(np.asarray(picture.convert("L"), float).mean() / 255)
    except (UnidentifiedImageError, OSError):
        return float("nan")


def loudness_db(path: str) -> float:
    """Root mean square below full scale, in dB; NaN for silence or a file that is no sound."""
    import soundfile

    try:
        samples, _ = soundfile.read(path, dtype="float64")
    except (soundfile.SoundFileError, OSError):
        return float("nan")
    power = float((samples**2).mean()) if samples.size else 0.0
    return 10 * float(np.log10(power)) if power > 0 else float("nan")


def right(table: pd.DataFrame) -> np.ndarray:
    """Which predictions are the label; a missing one on either side is not."""
    label, prediction = (table[name].astype(object) for name in ("label", "prediction"))
    known = (label.notna() & prediction.notna()).to_numpy(bool)
    found = np.zeros(len(table), bool)
    found[known] = (label[known] == prediction[known]).to_numpy(bool)
    return found
