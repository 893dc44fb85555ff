"""Where structlog's lines go here: one line of JSON each."""

import structlog

from shop.settings import FOLDER

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
        }
    },
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": str(FOLDER / "seen"),
            "formatter": "json",
        }
    },
    "loggers": {
        "django_structlog": {"handlers": ["file"], "level": "INFO"},
        "shop": {"handlers": ["file"], "level": "INFO"},
    },
}
