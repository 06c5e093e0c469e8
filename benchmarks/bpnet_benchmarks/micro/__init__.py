"""What a GPU and the libraries on it do at best: a node of a graph, a launch, a product, a copy.

`gpu` is what both libraries offer for this, `on_cupy` and `on_torch` are theirs, `cublaslt` a product without a library
around it; `measures` are the measurements, which know no library.
"""
