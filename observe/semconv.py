"""Every attribute name, once, with its specification.

OpenTelemetry semantic conventions 1.3x unless said otherwise:
https://opentelemetry.io/docs/specs/semconv/
"""

from __future__ import annotations

SERVICE_NAME = "service.name"

# https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/
FAAS_NAME = "faas.name"
FAAS_INVOCATION_ID = "faas.invocation_id"
FAAS_COLDSTART = "faas.coldstart"
FAAS_TRIGGER = "faas.trigger"
FAAS_VERSION = "faas.version"
FAAS_INVOKED_NAME = "faas.invoked_name"
FAAS_DOCUMENT_COLLECTION = "faas.document.collection"
FAAS_DOCUMENT_OPERATION = "faas.document.operation"
FAAS_DOCUMENT_NAME = "faas.document.name"

# https://opentelemetry.io/docs/specs/semconv/http/http-spans/
HTTP_REQUEST_METHOD = "http.request.method"
HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original"
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"
HTTP_ROUTE = "http.route"
URL_PATH = "url.path"
URL_FULL = "url.full"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

# https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
AWS_REQUEST_ID = "aws.request_id"

# https://opentelemetry.io/docs/specs/semconv/messaging/sqs/
MESSAGING_SYSTEM = "messaging.system"
MESSAGING_OPERATION_NAME = "messaging.operation.name"
MESSAGING_DESTINATION_NAME = "messaging.destination.name"
MESSAGING_MESSAGE_ID = "messaging.message.id"
MESSAGING_BATCH_MESSAGE_COUNT = "messaging.batch.message_count"

# https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
ERROR_TYPE = "error.type"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/cloud/
CLOUD_ACCOUNT_ID = "cloud.account.id"
CLOUD_REGION = "cloud.region"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/host/
HOST_NAME = "host.name"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/process/
PROCESS_PID = "process.pid"
PROCESS_EXIT_CODE = "process.exit.code"

# Ours: no standard name exists.
AWS_LAMBDA_DURABLE_EXECUTION_ARN = "aws.lambda.durable_execution.arn"
AWS_LAMBDA_INITIALIZATION_TYPE = "aws.lambda.initialization_type"
CORRELATION_ID = "correlation_id"
#: On a span link: which identity lost: `correlation_id`, `xray`, `traceparent` or `message`.
LINK_KIND = "observe.link"
#: On a span that was cut to fit a line: how many attributes and events were left out.
CUT = "observe.cut"
#: In the client context of an invocation made again: the request ID of the one that failed. And on the span.
REPLAY = "observe.replay"
REPLAY_OF = "observe.replay_of"
#: Baggage members.
BAGGAGE_DEBUG = "observe.debug"
BAGGAGE_HOPS = "observe.hops"

# --- Of event sources -------------------------------------------------------------------------

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/network/
NETWORK_PROTOCOL_NAME = "network.protocol.name"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/aws/
AWS_SECRETSMANAGER_SECRET_ARN = "aws.secretsmanager.secret.arn"  # noqa: S105  # a name
AWS_STEP_FUNCTIONS_STATE_MACHINE_ARN = "aws.step_functions.state_machine.arn"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/graphql/
GRAPHQL_OPERATION_NAME = "graphql.operation.name"
GRAPHQL_OPERATION_TYPE = "graphql.operation.type"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/
CICD_PIPELINE_TASK_RUN_ID = "cicd.pipeline.task.run.id"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/deployment/
DEPLOYMENT_ID = "deployment.id"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
GEN_AI_AGENT_ID = "gen_ai.agent.id"
GEN_AI_AGENT_NAME = "gen_ai.agent.name"
GEN_AI_OPERATION_NAME = "gen_ai.operation.name"
GEN_AI_TOOL_NAME = "gen_ai.tool.name"

# Ours, in OpenTelemetry's style: no standard name exists.
AWS_APIGATEWAY_CONNECTION_ID = "aws.apigateway.connection_id"
AWS_CLOUDFORMATION_LOGICAL_ID = "aws.cloudformation.logical_id"
AWS_CLOUDFORMATION_STACK_ARN = "aws.cloudformation.stack.arn"
AWS_COGNITO_USER_POOL_ID = "aws.cognito.user_pool.id"
AWS_CONNECT_CONTACT_ID = "aws.connect.contact_id"
AWS_STEP_FUNCTIONS_STATE_NAME = "aws.step_functions.state.name"
AWS_STEP_FUNCTIONS_STATE_RETRY_COUNT = "aws.step_functions.state.retry_count"

# https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
MESSAGING_DESTINATION_PARTITION_ID = "messaging.destination.partition.id"
MESSAGING_KAFKA_OFFSET = "messaging.kafka.offset"

# Ours, in OpenTelemetry's style, too.
AWS_SQS_DEAD_LETTER_SOURCE_NAME = "aws.sqs.dead_letter.source.name"
AWS_LAMBDA_DEAD_LETTER_ERROR_CODE = "aws.lambda.dead_letter.error_code"
#: Whose envelopes a message was in, outermost first: `sns/s3`.
ENVELOPE = "observe.envelope"
#: A list: what AWS called the messages before they came, outermost first. See Record.receipts.
RECEIPTS = "observe.receipts"
#: When the oldest record of a stream's batch was written, epoch milliseconds: how far its reader is behind.
OLDEST_RECORD = "observe.oldest_record_unix_ms"

# --- Of carriers ------------------------------------------------------------------------------

# https://opentelemetry.io/docs/specs/semconv/object-stores/s3/
AWS_S3_BUCKET = "aws.s3.bucket"
AWS_S3_KEY = "aws.s3.key"

# https://opentelemetry.io/docs/specs/semconv/database/database-spans/
DB_COLLECTION_NAME = "db.collection.name"
DB_OPERATION_NAME = "db.operation.name"
DB_SYSTEM_NAME = "db.system.name"

# --- Of subscribers ---------------------------------------------------------------------------

# Ours: no standard name exists.
#: What a subscription filter extracted from the event, an object.
AWS_LOG_EXTRACTED_FIELDS = "aws.log.extracted_fields"
#: On spans of a service whose clock may be off: by how many milliseconds.
CLOCK_SKEW_MS = "observe.clock_skew_ms"
#: On a platform's span: the IDs of the layer's spans that it stands for.
STANDS_FOR = "observe.stands_for"
#: On a platform's span whose trace nothing but X-Ray told: `xray`.
TRACE_FROM = "observe.trace_from"
