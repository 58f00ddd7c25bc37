# The client library this plug-in needs: any one of the headers, and how to link.
sqlite_HEADERS = sqlite3.h
sqlite_CFLAGS ?= $(shell pkg-config --cflags sqlite3 2>/dev/null)
sqlite_LIBS ?= $(or $(shell pkg-config --libs sqlite3 2>/dev/null),-lsqlite3)
sqlite_DEBIAN = libsqlite3-dev
