//! From a trained model (ONNX, or safetensors with a description of its architecture) to a verifiable integer graph:
//! parsing, calibration in floating point, quantisation, lowering, and a report of what was lost where.
