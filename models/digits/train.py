"""Trains the digits network, turns it into integers and writes what the project embeds:

* `weights.json`: integer weights, biases, multipliers and shifts by layer;
* `expected.bin`: for each held-out image its class and ten scores, as little-endian 32-bit integers, from `quantize.infer`.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6
    OPENBLAS_NUM_THREADS=1 venv/bin/python train.py              # writes the files
    OPENBLAS_NUM_THREADS=1 venv/bin/python train.py --validate   # chooses settings without the held-out images

The seed is fixed. The same numpy on the same kind of processor repeats the run bit for bit; elsewhere float sums may
differ in the last place, and the weights with them. Nothing depends on repeating it: what counts is that the integer
graph equals `expected.bin`.
"""

import json
import os
import platform
import sys
import time

# One thread: sums in a fixed order. It has to be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import dataset
from network import CLASSES, HIDDEN, LAYERS, SIDE, backward, forward, initial_parameters
from quantize import infer, quantize

SEED = 1
EPOCHS = 150
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4
DROPOUT = 0.3
LABEL_SMOOTHING = 0.05
ROTATION_RADIANS = 0.2
STRETCH = 0.12
SHEAR = 0.15
SHIFT_PIXELS = 0.8
# With --validate the last images of the training part stand in for the held-out ones.
VALIDATION_IMAGES = 300


def augment(images, rng):
    """Each image under its own random rotation, stretch, shear and shift, by bilinear interpolation."""
    batch = len(images)
    angle = rng.uniform(-ROTATION_RADIANS, ROTATION_RADIANS, batch)
    stretch_y, stretch_x = 1 + rng.uniform(-STRETCH, STRETCH, (2, batch))
    shear = rng.uniform(-SHEAR, SHEAR, batch)
    shift_y, shift_x = rng.uniform(-SHIFT_PIXELS, SHIFT_PIXELS, (2, batch))
    centre = (SIDE - 1) / 2
    y, x = np.meshgrid(np.arange(SIDE) - centre, np.arange(SIDE) - centre, indexing="ij")
    column = (slice(None), None, None)
    cos, sin = np.cos(angle)[column], np.sin(angle)[column]
    source_y = stretch_y[column] * (cos * y - sin * x) + shift_y[column] + centre
    source_x = stretch_x[column] * (sin * y + cos * x) + shear[column] * y + shift_x[column] + centre
    low_y, low_x = np.floor(source_y).astype(int), np.floor(source_x).astype(int)
    part_y, part_x = source_y - low_y, source_x - low_x
    padded = np.pad(images[..., 0], ((0, 0), (1, 1), (1, 1)))
    index = np.arange(batch)[column]

    def pixel(y, x):
        return padded[index, np.clip(y + 1, 0, SIDE + 1), np.clip(x + 1, 0, SIDE + 1)]

    upper = pixel(low_y, low_x) * (1 - part_x) + pixel(low_y, low_x + 1) * part_x
    lower = pixel(low_y + 1, low_x) * (1 - part_x) + pixel(low_y + 1, low_x + 1) * part_x
    return (upper * (1 - part_y) + lower * part_y)[..., None].astype(np.float32)


class Adam:
    """Adam with decoupled weight decay on the weights."""

    def __init__(self, parameters):
        self.first = {n: {k: np.zeros_like(v) for k, v in p.items()} for n, p in parameters.items()}
        self.second = {n: {k: np.zeros_like(v) for k, v in p.items()} for n, p in parameters.items()}
        self.step = 0

    def update(self, parameters, gradients, rate):
        self.step += 1
        for name in LAYERS:
            for key, gradient in gradients[name].items():
                first, second = self.first[name], self.second[name]
                first[key] = 0.9 * first[key] + 0.1 * gradient
                second[key] = 0.999 * second[key] + 0.001 * gradient**2
                mean = first[key] / (1 - 0.9**self.step)
                deviation = np.sqrt(second[key] / (1 - 0.999**self.step))
                if key == "weights":
                    parameters[name][key] *= 1 - rate * WEIGHT_DECAY
                parameters[name][key] -= (rate * mean / (deviation + 1e-8)).astype(np.float32)


def train(images, labels):
    """Float parameters trained on images [N, 8, 8, 1] in 0..1."""
    rng = np.random.default_rng(SEED)
    parameters = initial_parameters(rng)
    optimizer = Adam(parameters)
    target = np.full((len(labels), CLASSES), LABEL_SMOOTHING / CLASSES, dtype=np.float32)
    target[np.arange(len(labels)), labels] += 1 - LABEL_SMOOTHING
    steps = EPOCHS * (len(images) // BATCH)
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            kept = rng.random((BATCH, HIDDEN), dtype=np.float32) >= DROPOUT
            mask = kept.astype(np.float32) / (1 - DROPOUT)
            logits, trace = forward(parameters, augment(images[chosen], rng), mask)
            exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = exponents / exponents.sum(axis=1, keepdims=True)
            gradients = backward(parameters, trace, (probabilities - target[chosen]) / BATCH)
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * optimizer.step / steps))
            optimizer.update(parameters, gradients, np.float32(rate))
    return parameters


def to_json(layers):
    """One line for each weight row, so that the file can be read and compared."""

    def numbers(values):
        return "[" + ",".join(str(int(value)) for value in values) + "]"

    parts = []
    for name in LAYERS:
        layer = layers[name]
        rows = ",\n      ".join(numbers(row) for row in layer["weights"])
        parts.append(
            f'  "{name}": {{\n    "shift": {layer["shift"]},\n    "bias": {numbers(layer["bias"])},\n'
            f'    "multiplier": {numbers(layer["multiplier"])},\n    "weights": [\n      {rows}\n    ]\n  }}'
        )
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    json.loads(text)
    return text


def main():
    started = time.monotonic()
    validating = sys.argv[1:] == ["--validate"]
    if sys.argv[1:] and not validating:
        sys.exit(__doc__)
    pixels, labels = dataset.load()
    first_tested = dataset.TRAINING_IMAGES - (VALIDATION_IMAGES if validating else 0)
    tested = slice(first_tested, dataset.TRAINING_IMAGES if validating else dataset.IMAGES)
    images = (pixels[..., None] / 16).astype(np.float32)
    parameters = train(images[:first_tested], labels[:first_tested])
    layers = quantize(parameters, images[:first_tested])

    float_classes = forward(parameters, images[tested])[0].argmax(axis=1)
    scores = infer(layers, pixels[tested])
    classes = scores.argmax(axis=1)
    if not validating:
        (dataset.FOLDER / "weights.json").write_text(to_json(layers))
        expected = np.concatenate([classes[:, None], scores], axis=1)
        expected.astype("<i4").tofile(dataset.FOLDER / "expected.bin")
    print(f"python {platform.python_version()}, numpy {np.__version__}, {time.monotonic() - started:.1f} s")
    print(f"float accuracy {np.mean(float_classes == labels[tested]):.4f} on {len(classes)} images")
    print(f"integer accuracy {np.mean(classes == labels[tested]):.4f}, {np.sum(classes != labels[tested])} wrong")


if __name__ == "__main__":
    main()
