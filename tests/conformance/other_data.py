#!/usr/bin/python3
"""The standard's own cases with other random numbers than the installed ones, which were made with NumPy's seed 0.

    tests/conformance/other_data.py SEED FOLDER
    build/tests/conformance tests/conformance/node.txt FOLDER/node

Needs Debian's python3-onnx. No test runs this: who changed an operator may."""
import sys

import numpy

if len(sys.argv) != 3:
    sys.exit(__doc__)
seed, folder = int(sys.argv[1]), sys.argv[2]
set_seed = numpy.random.seed
numpy.random.seed = lambda *_, **__: set_seed(seed)  # every case sets the seed 0 first
for name, kind in {"complex": complex, "object": object, "bool": bool, "int": int, "float": float}.items():
    if name not in vars(numpy):
        setattr(numpy, name, kind)  # names that NumPy 1.24 has dropped and that onnx 1.12 uses

from onnx.backend.test import cmd_tools

sys.argv = ["", "generate-data", "--output", folder]
cmd_tools.main()
