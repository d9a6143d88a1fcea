-- One row a log record.
CREATE TABLE logs (
    "event_id" VARCHAR,                -- The same event always has the same ID: views keep one row an ID.
    "time_unix_nano" BIGINT,           -- Time of the event itself, never of its arrival.
    "observed_time_unix_nano" BIGINT,  -- Time of arrival.
    "sequence" BIGINT,                 -- Position in its payload: the order of lines of the same millisecond.
    "account" VARCHAR,                 -- AWS account the line came from, or empty.
    "region" VARCHAR,                  -- AWS Region, or empty.
    "log_group" VARCHAR,               -- CloudWatch log group, or the file's folder.
    "log_stream" VARCHAR,              -- CloudWatch log stream, or the file's name.
    "service" VARCHAR,                 -- service.name: name of the service in observe.yaml.
    "side" VARCHAR,                    -- legacy or serverless.
    "level" VARCHAR,                   -- TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or empty.
    "message" VARCHAR,                 -- The text of the record.
    "dataset" VARCHAR,                 -- Format the line had, e.g. observe, lambda.platform, apache.access.
    "time_from" VARCHAR,               -- Whether the time is the line's own or the CloudWatch event's.
    "trace_id" VARCHAR,                -- 32 hex digits, or empty.
    "span_id" VARCHAR,                 -- 16 hex digits, or empty.
    "correlation_id" VARCHAR,          -- Correlation ID as it was received, or empty.
    "request_id" VARCHAR,              -- faas.invocation_id: Lambda's request ID, or empty.
    "error_type" VARCHAR,              -- Type of the exception, or empty.
    "error_message" VARCHAR,           -- Message of the exception, or empty.
    "error_stack" VARCHAR,             -- Stack trace, or empty.
    "keys" VARCHAR[],                  -- Marks of business keys, name=<32 hex>; an empty list where there are none.
    "attributes" JSON,                 -- All other fields.
    "date" VARCHAR                     -- UTC date of the event, YYYY-MM-DD; the partition.
);

-- One row a span, whoever told it.
CREATE TABLE spans (
    "event_id" VARCHAR,        -- The same event always has the same ID: views keep one row an ID.
    "start_unix_nano" BIGINT,  -- Start.
    "end_unix_nano" BIGINT,    -- End.
    "account" VARCHAR,         -- AWS account the line came from, or empty.
    "region" VARCHAR,          -- AWS Region, or empty.
    "log_group" VARCHAR,       -- CloudWatch log group, or the file's folder.
    "log_stream" VARCHAR,      -- CloudWatch log stream, or the file's name.
    "service" VARCHAR,         -- service.name: name of the service in observe.yaml.
    "side" VARCHAR,            -- legacy or serverless.
    "name" VARCHAR,            -- Name of the operation.
    "kind" VARCHAR,            -- internal, server, client, producer or consumer.
    "told_by" VARCHAR,         -- layer, platform or access_log.
    "trace_id" VARCHAR,        -- 32 hex digits, or empty.
    "span_id" VARCHAR,         -- 16 hex digits, or empty.
    "correlation_id" VARCHAR,  -- Correlation ID as it was received, or empty.
    "request_id" VARCHAR,      -- faas.invocation_id: Lambda's request ID, or empty.
    "parent_span_id" VARCHAR,  -- Span ID of the parent, or empty.
    "status" VARCHAR,          -- unset, ok or error.
    "status_message" VARCHAR,  -- What went wrong, or empty.
    "attributes" JSON,         -- OpenTelemetry attributes.
    "links" JSON,              -- List of {trace_id, span_id, attributes}.
    "events" JSON,             -- List of {name, time_unix_nano, attributes}.
    "date" VARCHAR             -- UTC date of the event, YYYY-MM-DD; the partition.
);

-- One row a data point.
CREATE TABLE metrics (
    "event_id" VARCHAR,       -- The same event always has the same ID: views keep one row an ID.
    "time_unix_nano" BIGINT,  -- Time of the event itself, never of its arrival.
    "account" VARCHAR,        -- AWS account the line came from, or empty.
    "region" VARCHAR,         -- AWS Region, or empty.
    "log_group" VARCHAR,      -- CloudWatch log group, or the file's folder.
    "log_stream" VARCHAR,     -- CloudWatch log stream, or the file's name.
    "service" VARCHAR,        -- service.name: name of the service in observe.yaml.
    "side" VARCHAR,           -- legacy or serverless.
    "name" VARCHAR,           -- Name of the metric.
    "kind" VARCHAR,           -- count, gauge, histogram, distribution, timing or set.
    "value" DOUBLE,           -- The value.
    "unit" VARCHAR,           -- UCUM unit, or empty.
    "set_member" VARCHAR,     -- What a set counts, or empty.
    "tags" JSON,              -- Tag to value.
    "request_id" VARCHAR,     -- faas.invocation_id: Lambda's request ID, or empty.
    "date" VARCHAR            -- UTC date of the event, YYYY-MM-DD; the partition.
);

-- One row a payload and sink: received = delivered + stored + dropped.
CREATE TABLE ledger (
    "event_id" VARCHAR,       -- The same event always has the same ID: views keep one row an ID.
    "time_unix_nano" BIGINT,  -- When the payload was settled.
    "payload_id" VARCHAR,     -- The payload: the event that the subscriber was invoked with.
    "sink" VARCHAR,           -- Name of the sink.
    "received" BIGINT,        -- Events that came in.
    "delivered" BIGINT,       -- Events the sink accepted.
    "stored" BIGINT,          -- Events kept for another attempt or as dead letters.
    "dropped" BIGINT,         -- Events dropped, for all reasons.
    "dropped_reasons" JSON,   -- Reason to number of events.
    "date" VARCHAR            -- UTC date of the event, YYYY-MM-DD; the partition.
);
