"""The digits data set as this folder keeps it: `digits.bin`, 65 bytes an image (64 pixels of 0..16, then the label).

Run as a program, it makes that file from scikit-learn's `sklearn/datasets/data/digits.csv.gz`, whose rows are the
same 65 numbers in text, in the same order:

    python3 dataset.py path/to/digits.csv.gz
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
SOURCE_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
IMAGES = 1797
# The first 1,297 images in file order are for training, the last 500 are held out.
TRAINING_IMAGES = 1297
SIDE = 8


def load():
    """Returns (pixels [1797, 8, 8] uint8, labels [1797] uint8)."""
    records = np.fromfile(FOLDER / "digits.bin", dtype=np.uint8).reshape(IMAGES, SIDE * SIDE + 1)
    return records[:, :-1].reshape(IMAGES, SIDE, SIDE), records[:, -1]


def convert(source):
    """Writes `digits.bin` from the compressed table."""
    compressed = Path(source).read_bytes()
    digest = hashlib.sha256(compressed).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{source} has SHA-256 {digest}, expected {SOURCE_SHA256}")
    rows = [line.split(",") for line in gzip.decompress(compressed).decode("ascii").split()]
    records = np.array([[int(float(number)) for number in row] for row in rows])
    assert records.shape == (IMAGES, SIDE * SIDE + 1)
    assert records.min() == 0 and records[:, :-1].max() == 16 and records[:, -1].max() == 9
    records.astype(np.uint8).tofile(FOLDER / "digits.bin")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    convert(sys.argv[1])
