"""A model as one function of tensors, for runtimes that know torch or ONNX and not growlearn."""
