import sys
from functools import reduce
from importlib import import_module

# As the script has it that an installer writes; the folder where this starts is nobody's module.
name, module, function = sys.argv[1:4]
sys.argv[:4] = [name]
sys.path[:] = filter(None, sys.path)
sys.exit(reduce(getattr, function.split("."), import_module(module))())
