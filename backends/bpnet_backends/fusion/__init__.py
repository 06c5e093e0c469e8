"""From the calls of a recorded step to few, large pieces of work, for any machine that compiles them.

`operands` and `operations` see calls as work on rows and columns, `expressions` writes what is done to an element,
`rows` merges operations that go through the same rows, and `items` puts a whole step into such kernels, matrix products
and what is left over. Nothing here knows what the pieces are compiled to.
"""
