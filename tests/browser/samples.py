"""Tables with real errors, and notebooks that show them."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

PHOTOGRAPHS = Path(__file__).parents[3] / "shared/data/clothing-dataset-small.zip"


def cell(source: str) -> dict[str, Any]:
    """A code cell, or prose if it begins with `%% markdown`."""
    if source.startswith("%% markdown\n"):
        text = source.removeprefix("%% markdown\n")
        return {"cell_type": "markdown", "metadata": {}, "source": text}
    empty = {"metadata": {}, "execution_count": None, "outputs": []}
    return {"cell_type": "code", "source": source} | empty


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells; one that begins with `%% markdown` is prose."""
    built = [{"id": f"cell{number}"} | cell(source) for number, source in enumerate(cells)]
    # Without a known kernelspec JupyterLab opens a dialog.
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    text = {"cells": built, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(text, indent=1))
    return path


def _photographs(n: int) -> tuple[list[bytes], list[str]]:
    """`n` photographs of clothes and what they show."""
    with zipfile.ZipFile(PHOTOGRAPHS) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        chosen = np.random.default_rng(0).choice(names, n, replace=False)
        return [archive.read(name) for name in chosen], [name.split("/")[-2] for name in chosen]


def _digits(n: int) -> tuple[list[bytes], list[str]]:
    """`n` handwritten digits, enlarged: real too, and on every machine."""
    bunch = load_digits()
    pictures = []
    for image in bunch.images[:n]:
        buffer = io.BytesIO()
        picture = Image.fromarray((image * 15.9).astype("uint8")).resize((256, 256))
        picture.save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    return pictures, [str(label) for label in bunch.target[:n]]


def pictures(n: int) -> tuple[list[bytes], list[str], str]:
    """At most `n` pictures, their labels and their file ending.

    Photographs of clothes where `../shared/data` is there, handwritten digits elsewhere.
    """
    return (*_photographs(n), "jpg") if PHOTOGRAPHS.exists() else (*_digits(n), "png")


def _thumbnail(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (64, 64))  # decodes a large JPEG at an eighth of the work
    return np.asarray(image.convert("RGB").resize((12, 12)), dtype=float).ravel()


def real_predictions(folder: Path, *, errors: int = 80, correct: int = 40) -> pd.DataFrame:
    """What a plain nearest-neighbour model says of pictures that it was not trained on."""
    images, labels, ending = pictures(500 if PHOTOGRAPHS.exists() else 800)
    features = np.stack([_thumbnail(image) for image in images])
    cut = 250 if ending == "jpg" else 60  # enough to learn a little and err a lot
    model = KNeighborsClassifier(5).fit(features[:cut], labels[:cut])
    table = pd.DataFrame({"label": labels[cut:], "prediction": model.predict(features[cut:])})
    table.insert(0, "item", [f"picture {number:04d}" for number in range(len(table))])
    wrong = table["label"] != table["prediction"]
    chosen = pd.concat([table[wrong].head(errors), table[~wrong].head(correct)]).sort_index()
    if len(chosen) != errors + correct:
        raise RuntimeError(f"the model made {wrong.sum()} errors of {len(table)}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for place in chosen.index:
        path = folder / f"{place:04d}.{ending}"
        path.write_bytes(images[cut + place])
        paths.append(str(path))
    return chosen.assign(path=paths).reset_index(drop=True)
