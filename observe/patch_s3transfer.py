"""s3transfer, the threads behind boto3's uploads and copies: a task works in the context it was made in.

Without that, what a thread writes would have the invocation's identity, and not that of the record or the
span in which the transfer was asked for.
"""

from __future__ import annotations

from observe import guard
from observe.context import current, use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: On a task of theirs: the context it was made in.
_CONTEXT = "_observe_context"


def install(module: Any) -> None:
    """Patch the base class of all tasks; module: `s3transfer.tasks`."""
    task = module.Task
    make, work = task.__init__, task.__call__

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        setattr(self, _CONTEXT, guard.guarded(current))

    def worked(self: Any, *args: Any, **kwargs: Any) -> Any:
        context = getattr(self, _CONTEXT, None)
        if context is None:
            return work(self, *args, **kwargs)
        with use(context):
            return work(self, *args, **kwargs)

    task.__init__, task.__call__ = made, worked
