"""How a runtime process is started: its command line and its environment, as Lambda documents them.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from console.local.invocation import FunctionConfig, RuntimeKind

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# What Lambda's Python runtimes bring along in /var/runtime, with its dependencies.
_RUNTIME_PACKAGES = (
    "awslambdaric",
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "urllib3",
    "dateutil",
    "six",
)


def choose_runtime(environ: Mapping[str, str]) -> RuntimeKind:
    """Return which runtime client can run here; OBSERVE_LOCAL_RUNTIME=standin forces the stand-in."""
    if environ.get("OBSERVE_LOCAL_RUNTIME") == "standin":
        return "standin"
    try:
        for name in ("awslambdaric", "runtime_client"):
            importlib.import_module(name)
    except ImportError:
        return "standin"
    return "awslambdaric"


def runtime_label(kind: RuntimeKind) -> str:
    """Return the runtime's name for people: `awslambdaric <version>` or `stand-in`."""
    if kind == "standin":
        return "stand-in"
    return f"awslambdaric {importlib.metadata.version('awslambdaric')}"


def site_folder() -> Path:
    """Return the folder the runtime's packages are installed in."""
    return Path(importlib.import_module("botocore").__file__ or "").parent.parent


def link_runtime(folder: Path) -> None:
    """Fill `folder` with links to what Lambda's runtime brings along, and nothing else."""
    for name in _RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            source = origin.parent if spec.submodule_search_locations else origin
            (folder / source.name).symlink_to(source)


def command_line(config: FunctionConfig) -> list[str]:
    """Return the argument list: the exec wrapper, if the function names one, and the runtime's own.

    AWS_LAMBDA_EXEC_WRAPPER=/opt/NAME is looked for in the folder that plays /opt.
    """
    command = [config.python, str(_BOOTSTRAP)]
    wrapper = config.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    if not wrapper:
        return command
    return [_played(wrapper, config), *command]


def process_environment(config: FunctionConfig, stream: str, api: str, fd: int) -> dict[str, str]:
    """Return the whole environment of the process; nothing of ours is inherited but PATH.

    /opt in the function's PYTHONPATH becomes the folder that plays it.
    stream: log stream name. api: host:port of the Runtime API. fd: descriptor for telemetry frames.
    """
    return {
        **_documented(config, stream),
        **config.environment,
        **_search_path(config),
        # What follows is Lambda's to set: a function cannot override it.
        "_HANDLER": config.handler,
        "LAMBDA_TASK_ROOT": str(config.task_root),
        "LAMBDA_RUNTIME_DIR": str(config.sites[0]),
        "AWS_LAMBDA_RUNTIME_API": api,
        "_LAMBDA_TELEMETRY_LOG_FD": str(fd),
        "OBSERVE_LOCAL_OPT": str(config.opt or ""),
        "OBSERVE_LOCAL_SITES": os.pathsep.join(map(str, config.sites)),
        "OBSERVE_LOCAL_RUNTIME": config.runtime,
    }


def _search_path(config: FunctionConfig) -> dict[str, str]:
    folders = config.environment.get("PYTHONPATH")
    if folders is None:
        return {}
    return {"PYTHONPATH": os.pathsep.join(_played(path, config) for path in folders.split(os.pathsep))}


def _played(path: str, config: FunctionConfig) -> str:
    """Return the path that plays `path`: of /opt, one in the unpacked layer."""
    if config.opt is None or not f"{path}/".startswith("/opt/"):
        return path
    return str(config.opt / path.removeprefix("/opt").lstrip("/"))


def _documented(config: FunctionConfig, stream: str) -> dict[str, str]:
    # /opt/bin comes last on Lambda too
    path = [os.environ.get("PATH", os.defpath), *([str(config.opt / "bin")] if config.opt else [])]
    return {
        "PATH": os.pathsep.join(path),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{PYTHON}",
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": config.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        # Lambda's default as soon as the JSON format is chosen
        **({"AWS_LAMBDA_LOG_LEVEL": "INFO"} if config.json_logs else {}),
        "AWS_ACCESS_KEY_ID": "ASIALOCALLAMBDA00000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "PYTHONDONTWRITEBYTECODE": "1",  # /opt and /var/task are read-only on Lambda
    }
