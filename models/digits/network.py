"""The float network: forward and backward passes written out in numpy.

    pixels [B, 8, 8, 1] -> 3x3 conv, ReLU [B, 8, 8, 16] -> 3x3 conv, ReLU [B, 8, 8, 24]
    -> 2x2 max-pool [B, 4, 4, 24] -> linear, ReLU [B, 64] -> linear [B, 10]

Images are channels-last and weights are rows of (height, width, channel), as in the integer graph.
"""

import numpy as np

SIDE = 8
KERNEL = 3
CONV1, CONV2, HIDDEN, CLASSES = 16, 24, 64, 10
POOLED = SIDE // 2
LAYERS = ("conv1", "conv2", "linear1", "linear2")


def initial_parameters(rng):
    """He-initialised weights [outputs, fan in] and zero biases, by layer name."""
    fan_in = {
        "conv1": KERNEL * KERNEL,
        "conv2": KERNEL * KERNEL * CONV1,
        "linear1": POOLED * POOLED * CONV2,
        "linear2": HIDDEN,
    }
    outputs = {"conv1": CONV1, "conv2": CONV2, "linear1": HIDDEN, "linear2": CLASSES}
    parameters = {}
    for name in LAYERS:
        scale = np.sqrt(2.0 / fan_in[name])
        parameters[name] = {
            "weights": (rng.standard_normal((outputs[name], fan_in[name])) * scale).astype(np.float32),
            "bias": np.zeros(outputs[name], dtype=np.float32),
        }
    return parameters


def windows(images):
    """[B, 8, 8, C] -> [B, 8, 8, 9 * C]: the zero-padded 3x3 neighbourhood of each pixel."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, y : y + SIDE, x : x + SIDE] for y in range(KERNEL) for x in range(KERNEL)]
    return np.concatenate(shifted, axis=-1)


def windows_backward(gradient):
    """The transpose of `windows`."""
    batch, channels = gradient.shape[0], gradient.shape[-1] // (KERNEL * KERNEL)
    padded = np.zeros((batch, SIDE + 2, SIDE + 2, channels), dtype=gradient.dtype)
    for index in range(KERNEL * KERNEL):
        y, x = divmod(index, KERNEL)
        padded[:, y : y + SIDE, x : x + SIDE] += gradient[..., index * channels : (index + 1) * channels]
    return padded[:, 1:-1, 1:-1]


def pool_candidates(images):
    """[B, 8, 8, C] -> [B, 4, 4, 4, C]: the four pixels of each 2x2 block, row-major."""
    batch, channels = images.shape[0], images.shape[-1]
    blocks = images.reshape(batch, POOLED, 2, POOLED, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(batch, POOLED, POOLED, 4, channels)


def pool_candidates_backward(gradient):
    """The transpose of `pool_candidates`."""
    batch, channels = gradient.shape[0], gradient.shape[-1]
    blocks = gradient.reshape(batch, POOLED, POOLED, 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(batch, SIDE, SIDE, channels)


def affine(parameters, name, inputs):
    layer = parameters[name]
    return inputs @ layer["weights"].T + layer["bias"]


def forward(parameters, pixels, dropout_mask=None):
    """Logits [B, 10] of pixels scaled to 0..1, and what the backward pass needs."""
    trace = {"conv1": windows(pixels)}
    trace["active1"] = np.maximum(affine(parameters, "conv1", trace["conv1"]), 0)
    trace["conv2"] = windows(trace["active1"])
    trace["active2"] = np.maximum(affine(parameters, "conv2", trace["conv2"]), 0)
    candidates = pool_candidates(trace["active2"])
    trace["winner"] = candidates.argmax(axis=3)[:, :, :, None]
    pooled = np.take_along_axis(candidates, trace["winner"], axis=3)
    trace["linear1"] = pooled.reshape(len(pixels), -1)
    hidden = np.maximum(affine(parameters, "linear1", trace["linear1"]), 0)
    trace["mask"] = dropout_mask
    trace["linear2"] = hidden if dropout_mask is None else hidden * dropout_mask
    return affine(parameters, "linear2", trace["linear2"]), trace


def backward(parameters, trace, gradient):
    """Gradients of all parameters from the gradient of the logits."""
    gradients = {}

    def through(name, gradient):
        inputs = trace[name].reshape(-1, trace[name].shape[-1])
        flat = gradient.reshape(-1, gradient.shape[-1])
        gradients[name] = {"weights": flat.T @ inputs, "bias": flat.sum(axis=0)}
        return gradient @ parameters[name]["weights"]

    gradient = through("linear2", gradient)
    if trace["mask"] is not None:
        gradient = gradient * trace["mask"]
    gradient = gradient * (trace["linear2"] > 0)
    gradient = through("linear1", gradient)
    gradient = gradient.reshape(-1, POOLED, POOLED, 1, CONV2)
    routed = np.zeros((len(gradient), POOLED, POOLED, 4, CONV2), dtype=gradient.dtype)
    np.put_along_axis(routed, trace["winner"], gradient, axis=3)
    gradient = pool_candidates_backward(routed) * (trace["active2"] > 0)
    gradient = windows_backward(through("conv2", gradient)) * (trace["active1"] > 0)
    through("conv1", gradient)
    return gradients
