"""From the float network to integers, and exact integer inference.

Weights are i8 with one scale for each output channel, activations are u8 with one scale for each tensor (ReLU makes
them non-negative), both symmetric with zero point 0. After each layer

    value = saturate(floor(((sum + bias) * multiplier + 2^(shift - 1)) / 2^shift))

with one 32-bit multiplier for each channel and one shift for each layer. The last layer's values are 32-bit scores in
units of 1/1024 of a logit. `infer` is written independently of the graph that the rest of the project runs: that
both give the same integers is one of the project's tests.
"""

import numpy as np

from network import CLASSES, LAYERS, affine, forward, pool_candidates, windows

PIXEL_SCALE = 1 / 16
SCORE_SCALE = 1 / 1024
OUTPUT_RANGE = {"conv1": (0, 255), "conv2": (0, 255), "linear1": (0, 255), "linear2": (-(2**31), 2**31 - 1)}


def quantize(parameters, calibration):
    """Integer layers by name; `calibration` [N, 8, 8, 1] in 0..1 fixes the activation scales."""
    scores, trace = forward(parameters, calibration)
    hidden = np.maximum(affine(parameters, "linear1", trace["linear1"]), 0)
    output_scale = {
        "conv1": float(trace["active1"].max()) / 255,
        "conv2": float(trace["active2"].max()) / 255,
        "linear1": float(hidden.max()) / 255,
        "linear2": SCORE_SCALE,
    }
    layers = {}
    input_scale = PIXEL_SCALE
    for name in LAYERS:
        weights = parameters[name]["weights"].astype(np.float64)
        weight_scale = np.maximum(np.abs(weights).max(axis=1), 1e-9) / 127
        sum_scale = input_scale * weight_scale
        ratio = sum_scale / output_scale[name]
        # The largest multiplier gets 31 significant bits.
        shift = int(30 - np.floor(np.log2(ratio.max())))
        layers[name] = {
            "weights": np.clip(np.rint(weights / weight_scale[:, None]), -127, 127).astype(np.int64),
            "bias": np.rint(parameters[name]["bias"] / sum_scale).astype(np.int64),
            "multiplier": np.minimum(np.rint(ratio * 2.0**shift), 2**31 - 1).astype(np.int64),
            "shift": shift,
        }
        input_scale = output_scale[name]
    return layers


def requantize(layer, sums, low, high):
    scaled = (sums + layer["bias"]) * layer["multiplier"]
    rounded = (scaled + (1 << (layer["shift"] - 1))) >> layer["shift"]
    return np.clip(rounded, low, high)


def infer(layers, pixels):
    """Scores [B, 10] of pixels [B, 8, 8] of 0..16, in int64 arithmetic that is far from wrapping."""

    def apply(name, inputs):
        sums = inputs @ layers[name]["weights"].T
        return requantize(layers[name], sums, *OUTPUT_RANGE[name])

    values = apply("conv1", windows(pixels.astype(np.int64)[..., None]))
    values = apply("conv2", windows(values))
    values = pool_candidates(values).max(axis=3)
    values = apply("linear1", values.reshape(len(pixels), -1))
    scores = apply("linear2", values)
    assert scores.shape == (len(pixels), CLASSES)
    return scores
