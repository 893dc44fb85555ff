"""WSGI applications as the standard allows them, and as frameworks no longer write them."""


def lazy(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"la"
    yield b"zy"


def late(environ, start_response):
    def parts():
        start_response("201 Created", [("Content-Type", "text/plain")])
        yield b"late"

    return parts()


def written(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"writ")
    write(b"ten ")
    return [b"and returned"]


def replaced(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raise ValueError("too late")
    except ValueError:
        import sys

        start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"replaced"]


def application(environ, start_response):
    return globals()[environ["PATH_INFO"].strip("/")](environ, start_response)
