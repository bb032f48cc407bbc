"""Our own networks, run without torch: each is an ONNX file with its card beside it."""
