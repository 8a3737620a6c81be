"""An encoder of MiniLM's size in ONNX Runtime: float, and int8 as ONNX Runtime quantises it dynamically.

Reads its shape, then questions, from standard input, one JSON object a line, and answers each with one: the seconds of one run.
Threads that wait for work spin while a run lasts, as ONNX Runtime lets them by default, and stop when it ends, so that they
do not take the processor from what is measured next. The graph is written with ONNX Runtime's own fused operators
(Attention, SkipLayerNormalization, FastGelu, BiasGelu), which is what its transformer optimiser ends in. Weights are random.
"""

import json
import logging
import sys
import tempfile
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic


def build(shape, path):
    random = numpy.random.default_rng(1)
    hidden, inner, heads = shape["hidden"], shape["inner"], shape["heads"]
    weights, nodes = [], []

    def constant(name, *dims, deviation=None):
        deviation = deviation or 1 / numpy.sqrt(dims[0])
        values = random.normal(0, deviation, dims).astype(numpy.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def vector(name, size, value):
        weights.append(numpy_helper.from_array(numpy.full(size, value, numpy.float32), name))
        return name

    def node(kind, inputs, name, outputs=1, domain="com.microsoft", **attributes):
        names = [name] + [""] * (outputs - 1)
        nodes.append(helper.make_node(kind, inputs, names, name=name, domain=domain, **attributes))
        return name

    constant("words", shape["vocabulary"], hidden, deviation=0.05)
    constant("positions", shape["tokens"], hidden, deviation=0.02)
    last = node("Gather", ["words", "ids"], "embedded", domain="")
    last = node("Add", [last, "positions"], "placed", domain="")
    last = node("LayerNormalization", [last, vector("g", hidden, 1), vector("b", hidden, 0)], "normal", domain="", epsilon=1e-12)
    for layer in range(shape["layers"]):
        def name(part):
            return f"layer{layer}.{part}"

        parts = [last, constant(name("qkv"), hidden, 3 * hidden), vector(name("qkv_bias"), 3 * hidden, 0.01), "mask"]
        context = node("Attention", parts, name("attention"), num_heads=heads)
        context = node("MatMul", [context, constant(name("out"), hidden, hidden)], name("projected"), domain="")
        scales = [vector(name("g1"), hidden, 1), vector(name("b1"), hidden, 0), vector(name("out_bias"), hidden, 0.01)]
        middle = node("SkipLayerNormalization", [context, last, *scales], name("middle"), epsilon=1e-12)
        grown = node("MatMul", [middle, constant(name("grow"), hidden, inner)], name("grown"), domain="")
        grown = node("BiasGelu", [grown, vector(name("grow_bias"), inner, 0.01)], name("gelu"))
        shrunk = node("MatMul", [grown, constant(name("shrink"), inner, hidden)], name("shrunk"), domain="")
        scales = [vector(name("g2"), hidden, 1), vector(name("b2"), hidden, 0), vector(name("shrink_bias"), hidden, 0.01)]
        last = node("SkipLayerNormalization", [shrunk, middle, *scales], name("last"), epsilon=1e-12)
    weights.append(numpy_helper.from_array(numpy.array([1], numpy.int64), "tokens_axis"))
    node("ReduceMean", [last, "tokens_axis"], "pooled", domain="", keepdims=0)
    graph = helper.make_graph(
        nodes,
        "encoder",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", shape["tokens"]]),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", shape["tokens"]]),
        ],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", hidden])],
        weights,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def main():
    logging.disable(logging.WARNING)
    shape = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory() as folder:
        paths = {"float": Path(folder) / "float.onnx", "int8": Path(folder) / "int8.onnx"}
        build(shape, paths["float"])
        quantize_dynamic(
            paths["float"],
            paths["int8"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        print(json.dumps({"version": onnxruntime.__version__}), flush=True)
        random, sessions = numpy.random.default_rng(2), {}
        for line in sys.stdin:
            question = json.loads(line)
            batch, threads, kind = question["batch"], question["threads"], question["kind"]
            if (kind, threads) not in sessions:
                sessions[kind, threads] = session(paths[kind], threads)
            inputs = {
                "ids": random.integers(0, shape["vocabulary"], (batch, shape["tokens"])),
                "mask": numpy.ones((batch, shape["tokens"]), numpy.int32),
            }
            started = time.perf_counter()
            sessions[kind, threads].run(None, inputs)
            print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


main()
