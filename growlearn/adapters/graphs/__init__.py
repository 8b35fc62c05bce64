"""A version as a file for torch or ONNX Runtime, with what describes its inputs and outputs."""
