# The client library this plug-in needs: any one of the headers (Debian keeps it in a folder), and how to link.
postgresql_HEADERS = libpq-fe.h postgresql/libpq-fe.h
postgresql_CFLAGS ?= $(shell pkg-config --cflags libpq 2>/dev/null)
postgresql_LIBS ?= $(or $(shell pkg-config --libs libpq 2>/dev/null),-lpq) -pthread -ldl
postgresql_DEBIAN = libpq-dev
