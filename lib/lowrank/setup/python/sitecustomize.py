"""Python runs this at its start: Jupyter takes the folders of this environment for those of the machine, whose settings it cannot be told to leave out, and starts sooner."""

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


class NoIris:
    """Hides the grammar that jsonschema reads at each start of Jupyter, for a second, to check IRIs, of which Jupyter's files have none."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name == "rfc3987_syntax":
            raise ModuleNotFoundError(f"{name} is hidden by {__file__}", name=name)
        return None


sys.meta_path[:0] = [OwnFolders, NoIris]
