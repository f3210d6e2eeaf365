"""Settings, all from the environment. Names and defaults are the table in README.md.

Salon choices (opening, fees, time zone, language) are not here: they are rows of `SalonSettings`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from environs import Env

from config import env as read
from config.hosts import STANDBY, parse_database
from config.logs import logging_settings
from config.wiring import (  # noqa: F401  settings by name
    AFFECTED_BOOKINGS,
    CONFIRM_BY_REPLY,
    EDGE_ERROR_FORMATS,
    FIRST_PAGE_TODAY,
    HANDLERS,
    PERIODIC,
    READ_NUMBERS_AGAIN,
    SETUP_LINES,
    WEBHOOK_EVENTS,
)
from staff.storage.replica import REPLICA

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- This process ------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
DATA_DIR = Path(env.str("DATA_DIR", "") or BASE_DIR / "var").resolve()
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
PUBLIC_URL = read.base_address("PUBLIC_URL", env.str("PUBLIC_URL", "") or read.own_address(HOST, PORT))
PUBLIC_URL_IS_HTTPS = PUBLIC_URL.startswith("https://")
FRONTEND_ORIGINS = read.unique(
    [
        read.origin_of(PUBLIC_URL),
        *read.origins("FRONTEND_ORIGINS", env.str("FRONTEND_ORIGINS", "")),
    ]
)
ALLOWED_HOSTS = read.listed(env.str("ALLOWED_HOSTS", "")) or read.allowed_hosts(PUBLIC_URL)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
SECRET_KEY = (
    env.str("SECRET_KEY", "")
    or read.kept_secret(DATA_DIR / "secret_key")
    or ("only-for-debugging-" * 3 if DEBUG else "")
)
SECRET_KEY_FALLBACKS = read.listed(env.str("SECRET_KEY_FALLBACKS", ""))
DEMO = env.bool("DEMO", False)
ADMIN_EMAIL = env.str("ADMIN_EMAIL", "")
ADMIN_PASSWORD = env.str("ADMIN_PASSWORD", "")

# --- What this project reads itself ------------------------------------------------------------

FIRST_TIME_ZONE = read.time_zone("TIME_ZONE", env.str("TIME_ZONE", "UTC"))
UPDATE_MAIL_DELAY_SECONDS = env.int("UPDATE_MAIL_DELAY_SECONDS", 1800)
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", 120)
STRIPE_API_KEY = env.str("STRIPE_API_KEY", "")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "")
CHANNEL_KEY = env.str("CHANNEL_KEY", "")
SEVEN_API_BASE = env.str("SEVEN_API_BASE", "")
TWILIO_API_BASE = env.str("TWILIO_API_BASE", "")
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", False)

# --- Django ------------------------------------------------------------------------------------

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "staff.Staff"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "staff.apps.SalonAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "axes",
    "config.apps.WiringConfig",
    "staff",
    "clients",
    "notifications",
    "bookings",
]

MIDDLEWARE = [
    "config.metrics.CountRequests",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "staff.wire.middleware.JsonEdgeMiddleware",
    "staff.wire.page_middleware.WhiteNoiseMiddleware",
    "staff.wire.page_middleware.SessionMiddleware",
    "staff.wire.page_middleware.LocaleMiddleware",
    "staff.wire.page_middleware.CommonMiddleware",
    "staff.wire.page_middleware.CsrfViewMiddleware",
    "staff.wire.page_middleware.AuthenticationMiddleware",
    "staff.admin.reader.AdminReaderMiddleware",
    "staff.wire.page_middleware.MessageMiddleware",
    "staff.wire.page_middleware.XFrameOptionsMiddleware",
    "staff.wire.page_middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps' own: admin/base_site.html adds to admin's.
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database, cache, files --------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", "")
if not DATABASE_URL:
    DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
DATABASES = {
    "default": read.database_settings(
        parse_database("DATABASE_URL", DATABASE_URL)
        if DATABASE_URL
        else {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "bookings.sqlite3"}
    )
}

DATABASE_REPLICA_URL = env.str("DATABASE_REPLICA_URL", "")
if DATABASE_REPLICA_URL:
    DATABASES[REPLICA] = read.replica_settings(
        parse_database("DATABASE_REPLICA_URL", DATABASE_REPLICA_URL, among_several=STANDBY)
    )
    DATABASE_ROUTERS = ["staff.storage.may_lag.ReplicaRouter"]

_broker = env.str("BROKER_URL", "") or "filesystem://"
CACHES = {"default": read.cache_settings(env.str("CACHE_URL", ""), _broker)}
# Celery finds it under this name too.
BROKER_URL = read.broker_url(_broker)

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- Who is asking -----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(hours=8),
}
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_USERNAME_FORM_FIELD = "username"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "staff.access.accounts.account_name"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=2).total_seconds())
# The limit for an address is a throttle of the login endpoint; here one account is protected.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

# --- Language and time -------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("nl", "Nederlands"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "bookings" / "locale"]

# --- Mail --------------------------------------------------------------------------------------

EMAIL_URL = env.str("EMAIL_URL", "")
_mail_server = read.mail_server(EMAIL_URL)
EMAIL_BACKEND = _mail_server.backend
EMAIL_HOST = _mail_server.host
EMAIL_PORT = _mail_server.port
EMAIL_HOST_USER = _mail_server.user
EMAIL_HOST_PASSWORD = _mail_server.password
EMAIL_USE_TLS = _mail_server.starttls
EMAIL_USE_SSL = _mail_server.tls
EMAIL_TIMEOUT = _mail_server.timeout
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "") or read.default_sender(PUBLIC_URL)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Security ----------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = PUBLIC_URL_IS_HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PUBLIC_URL_IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = read.origins("CSRF_TRUSTED_ORIGINS", env.str("CSRF_TRUSTED_ORIGINS", "")) or [
    read.origin_of(PUBLIC_URL)
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if PUBLIC_URL_IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

CORS_ALLOWED_ORIGINS = FRONTEND_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
]
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "Idempotency-Replayed"]

# --- The API -----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_PARSER_CLASSES": ["staff.wire.gate.GateParser"],
    "DEFAULT_RENDERER_CLASSES": ["staff.wire.renderer.OrjsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "staff.wire.renderer.AlwaysJson",
    "EXCEPTION_HANDLER": "staff.wire.errors.exception_handler",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "staff.access.auth.ApiKeyAuthentication",
        "staff.access.auth.StaffTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["staff.access.auth.IsLoggedIn"],
    "DEFAULT_THROTTLE_CLASSES": ["staff.access.throttles.NativeKeyThrottle"],
    "DEFAULT_SCHEMA_CLASS": "staff.wire.schema.NativeSchema",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Bookings REST API",
    "VERSION": "0.2.0",
    "DESCRIPTION": "Times are the salon's wall clock, `YYYY-MM-DD HH:MM:SS`. How to use it: docs/api.md.",
    "SCHEMA_PATH_PREFIX": "/api/",
    "TAGS": [
        {"name": name} for name in ("auth", "bookings", "availability", "clients", "waitlist", "reviews")
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "staff.wire.schema.require_bodies",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CalendarFeedScopeEnum": ["own", "location", "all"],
        "CalendarFeedDetailEnum": ["initials", "full", "busy"],
        "BookingStatusEnum": ["scheduled", "provisional", "completed", "cancelled", "no-show"],
        "MessageStateEnum": ["waiting", "sent", "delivered", "kept", "not_sent", "uncertain"],
        "FeeStateEnum": ["due", "paid", "not_charged", "void", "waived", "refunded"],
        "ModeEnum": ["read", "write", "read_write"],
        "PoolerModeEnum": ["none", "session", "transaction", "statement"],
        "RequestStateEnum": ["waiting", "mailed"],
    },
}

# --- Celery: executor and clock. The broker carries wake-ups that may all be lost ---------------

WAKE_UP_EXPIRES_SECONDS = 10
CELERY_BROKER_URL = BROKER_URL
# Its command takes the variable BROKER_URL as it was written, but asks these first.
CELERY_BROKER_READ_URL = CELERY_BROKER_WRITE_URL = BROKER_URL
CELERY_BROKER_TRANSPORT = "config.folder_broker:Transport" if BROKER_URL.startswith("filesystem") else None
CELERY_BROKER_TRANSPORT_OPTIONS = read.broker_options(_broker, DATA_DIR / "broker")
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_REDIS_SOCKET_TIMEOUT = 0.5
CELERY_REDIS_SOCKET_CONNECT_TIMEOUT = 0.5
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# One process per worker: what it hands over, it hands over one at a time (`notifications/execution.py`).
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not BROKER_URL.startswith("filesystem")
# In memory: every entry is a plain interval, so there is no schedule file to go stale.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "drain": {
        "task": "notifications.tasks.drain",
        "schedule": 3.0,
        "options": {"expires": WAKE_UP_EXPIRES_SECONDS},
    },
    "sweep": {
        "task": "notifications.tasks.sweep",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
}

# --- Logs --------------------------------------------------------------------------------------

LOGGING = logging_settings(for_people=DEBUG or DEMO)
