"""Gives the native parser its bytes as native sessions do, which Python cannot.

What is lent lies in a block of exactly its size, which is gone afterwards: a sanitizer sees a read
beside it or after it.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from memcloud.resp._parser_c cimport Parser


cdef class Lender:
    """The native side of a connection, without what a session does with the commands."""

    cdef Parser parser

    def __cinit__(self, Parser parser):
        self.parser = parser

    def arrive(self, bytes data, list commands):
        """Let bytes arrive; add the commands that are whole by now."""
        cdef const char* start = data
        cdef Py_ssize_t left = len(data)
        cdef Py_ssize_t size = 0
        cdef char* place
        while left:
            place = self.parser.landing(&size)
            if place == NULL:
                self.lend(start, left, commands)
                return
            size = min(size, left)
            memcpy(place, start, size)
            self.parser.landed(size)
            start += size
            left -= size
        self.take(commands)

    cdef int lend(self, const char* data, Py_ssize_t size, list commands) except -1:
        cdef char* lent = <char*>malloc(size)
        memcpy(lent, data, size)
        try:
            self.parser.lend(lent, size)
            self.take(commands)
            self.parser.keep()
        finally:
            free(lent)
        return 0

    cdef int take(self, list commands) except -1:
        cdef list command = self.parser.take_command()
        while command is not None:
            commands.append(command)
            command = self.parser.take_command()
        return 0

    def is_between(self):
        """Return whether no command has begun."""
        return self.parser.is_between()

    def landing_bytes(self):
        """Return how many bytes may be written to where a large argument goes; 0: nowhere."""
        cdef Py_ssize_t size = 0
        self.parser.landing(&size)
        return size
