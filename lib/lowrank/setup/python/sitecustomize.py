"""Python runs this at its start: Jupyter takes the folders of this environment for those of the machine, whose settings it cannot be told to leave out."""

import sys
from importlib.machinery import PathFinder


class OwnFolders:
    """Finds the module that names the folders, and changes them once it is loaded."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name != "jupyter_core.paths" or not (spec := PathFinder.find_spec(name, path, target)):
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            module.SYSTEM_CONFIG_PATH[:] = module.ENV_CONFIG_PATH
            module.SYSTEM_JUPYTER_PATH[:] = module.ENV_JUPYTER_PATH

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, OwnFolders)
