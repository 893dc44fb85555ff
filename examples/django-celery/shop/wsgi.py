import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")


# The gateway ends TLS without saying so in a header. Django compares the scheme with the browser's
# Origin, so every form would be refused without this.
def application(environ, start_response, site=get_wsgi_application()):
    return site(environ | {"wsgi.url_scheme": os.environ.get("URL_SCHEME", "https")}, start_response)
