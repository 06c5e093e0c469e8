"""The array libraries that bpnet runs on, one folder each. Nothing here imports bpnet: the contract is structural.

Each folder has a function `make(device)`, which is its entry point in the group `bpnet.backends`. It raises ImportError
(the library is missing) or RuntimeError (the library is there, the device is not) with the reason and the mend, and
ValueError for a device that no machine has.
"""
