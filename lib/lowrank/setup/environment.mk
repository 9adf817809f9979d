# Nothing outside the checkout is written, and no setting of a user's own Jupyter, IPython, pip, npm, Python or Node changes what comes out.
# Registries, proxies and certificates stay the user's. make reads this file, and so does own_environment.py, for what is run without make.
STATE := $(CURDIR)/.venv/state
export JUPYTER_CONFIG_DIR := $(STATE)/jupyter/config
export JUPYTER_DATA_DIR := $(STATE)/jupyter/data
export JUPYTER_RUNTIME_DIR := $(STATE)/jupyter/runtime
export JUPYTER_PATH :=
export JUPYTER_CONFIG_PATH :=
export JUPYTER_PREFER_ENV_PATH := 1
# Where Jupyter is kept from /etc/jupyter and /usr/share/jupyter.
export PYTHONPATH := $(CURDIR)/lib/lowrank/setup/python
export IPYTHONDIR := $(STATE)/ipython
# biome keeps a cache, and vitest a token.
export XDG_CACHE_HOME := $(STATE)/cache
export XDG_DATA_HOME := $(STATE)/data
export npm_config_cache := $(STATE)/npm
export npm_config_global := false
export npm_config_dry_run := false
export npm_config_bin_links := true
export npm_config_install_strategy := hoisted
export PIP_USER := 0
export PIP_TARGET :=
export PIP_PREFIX :=
export NODE_COMPILE_CACHE := $(STATE)/compiled
unexport PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE NODE_OPTIONS NODE_PATH BASH_ENV CDPATH
