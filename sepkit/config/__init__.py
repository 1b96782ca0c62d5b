"""The configuration: one YAML file as typed, frozen sections; plug-ins by name; the grammar of the gate's bounds."""

from sepkit.config.configuration import (
    Config,
    default_config_path,
    dump_config,
    load_config,
    parse_config,
)
from sepkit.config.yaml_file import Options

__all__ = [
    "Config",
    "Options",
    "default_config_path",
    "dump_config",
    "load_config",
    "parse_config",
]
