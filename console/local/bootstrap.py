"""Start the Lambda runtime in this process: what /var/runtime/bootstrap.py does on Lambda.

Run as a script by `console.local.environment`; imports nothing of this package. Module search order,
as on Lambda: the task root, then, unless PYTHONPATH is set, the layer's python/lib/python3.X/
site-packages and python, then the interpreter's own path, then the folders that play site-packages.
"""

import os
import site
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
# Where the package itself is importable from: a function must not find our code by accident.
_ROOT = os.path.dirname(os.path.dirname(_HERE))


def _take(name: str) -> list[str]:
    return [path for path in os.environ.pop(name, "").split(os.pathsep) if path]


def _layer_paths(opt: list[str]) -> list[str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [
        path
        for root in opt
        for path in (
            os.path.join(root, "python", "lib", version, "site-packages"),
            os.path.join(root, "python"),
        )
    ]


def _set_path(task_root: str, layer: list[str], sites: list[str]) -> None:
    unwanted = {_HERE, _ROOT, *site.getsitepackages()}
    kept = [path for path in sys.path if os.path.abspath(path) not in unwanted]
    first = [task_root] if "PYTHONPATH" in os.environ else [task_root, *layer]
    sys.path[:] = [*first, *kept, *sites]
    for path in first:
        site.addsitedir(path)  # Lambda reads .pth files there


def main() -> None:
    """Set the module path, then run the runtime named by OBSERVE_LOCAL_RUNTIME until it is killed."""
    layer = _layer_paths(_take("OBSERVE_LOCAL_OPT"))
    sites = _take("OBSERVE_LOCAL_SITES")
    runtime = os.environ.pop("OBSERVE_LOCAL_RUNTIME", "awslambdaric")
    task_root, handler = os.environ["LAMBDA_TASK_ROOT"], os.environ["_HANDLER"]
    _set_path(task_root, layer, sites)
    os.environ.setdefault("PYTHONPATH", os.environ["LAMBDA_RUNTIME_DIR"])
    if runtime == "standin":
        import runpy

        runpy.run_path(os.path.join(_HERE, "standin.py"))["run"](
            handler, os.environ["AWS_LAMBDA_RUNTIME_API"]
        )
        return
    from awslambdaric.__main__ import main as serve

    serve([task_root, handler])  # Lambda's own bootstrap calls it with these two


if __name__ == "__main__":
    main()
