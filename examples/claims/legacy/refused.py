"""What a request is refused for, in terms of HTTP."""


class RefusedError(Exception):
    """The request cannot be served, and that is no fault of ours. status: 4xx, message: for the client."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
