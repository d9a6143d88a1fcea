"""What subscribers are given: events and objects to `LogBatch` values. Pure: nothing here reads a socket or a
clock.

    direct     `envelope.decode`: a subscription that calls the function itself
    kinesis    records of a stream, also those that the Producer Library aggregated; batchItemFailures
    firehose   the transform contract, both directions
    objects    which S3 objects an event, a message or a Distributed Map's item names
    archives   what is in an object: exported logs, what Firehose delivered, rotated files

A part that cannot be read is a `MalformedEnvelope` among the batches, with a reason; it never costs its
neighbours.
"""
