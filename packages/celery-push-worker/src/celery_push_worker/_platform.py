"""What the platform allows and sends, and the page that says so.

``observed`` marks what no page says, and what real requests have shown. The stack's own
name for its queue is here, too.
"""

from __future__ import annotations

QUEUE = "default"
"""The name of the stack's one queue in Celery: its key in ``predefined_queues``."""

MAX_REQUEST_BYTES = MAX_RESPONSE_BYTES = 3_670_016
"""3.5 MB, headers included.
https://yandex.cloud/en/docs/serverless-containers/concepts/limits"""

MAX_MESSAGE_BYTES = 230_000
"""The largest message that a trigger delivers: 230 KB, where a queue takes 256 KB.
The page does not say whether a KB has 1,000 or 1,024 bytes: 1,000 is safe.
https://yandex.cloud/en/docs/serverless-containers/concepts/limits"""

MAX_LOG_LINE_BYTES = 64_000
"""Of a line that is read as JSON: 64 KB. A longer one is split, and each part is text.
https://yandex.cloud/en/docs/serverless-containers/concepts/logs"""

MAX_DELAY_SECONDS = 900
"""The longest ``DelaySeconds`` of a message.
https://yandex.cloud/en/docs/message-queue/concepts/limits"""

MAX_CRON_CHARACTERS = 100
"""Of a timer's expression.
https://github.com/yandex-cloud/cloudapi/blob/master/yandex/cloud/serverless/triggers/v1/trigger.proto"""

MAX_PAYLOAD_CHARACTERS = 4_096
"""Of the text that a timer holds. The same file."""

SHUTDOWN_SECONDS = 600
"""Between SIGTERM and SIGKILL, while a long-lived container processes a request.
https://yandex.cloud/en/docs/serverless-containers/concepts/termination-notifications"""

GATEWAY_HEADERS = (
    "HTTP_X_SERVERLESS_GATEWAY_ID",
    "HTTP_X_SERVERLESS_CERTIFICATE_IDS",
    "HTTP_X_YC_APIGATEWAY_OPERATION_CONTEXT",
)
"""What an API gateway adds to a request; a trigger sends none of them. Observed; the
last: https://yandex.cloud/en/docs/api-gateway/concepts/extensions/containers"""

GATEWAY_HOSTS = (".apigw.yandexcloud.net",)
"""Where every gateway answers, whatever other domains it has.
https://yandex.cloud/en/docs/api-gateway/concepts/"""

CONTAINER_HOSTS = (".containers.yandexcloud.net",)
"""Where a container answers itself, with IAM in front.
https://yandex.cloud/en/docs/serverless-containers/concepts/invoke"""
