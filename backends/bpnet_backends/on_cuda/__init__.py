"""What CuPy and PyTorch share on an NVIDIA GPU: a step is traced, compiled to a few kernels, and replayed as a graph.

`arrays` and `tracing` find out what a step does without doing it; `plan` turns that into launches of generated kernels
and matrix products; `captured` runs them, first one by one, then as a CUDA graph. What a library has to offer for this
is a `device`.
"""
