"""Replies, written one behind the other into one buffer."""

from libc.stdint cimport int64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy

from ._requests cimport write_integer


cdef struct Output:
    char* data
    size_t size
    size_t room
    bint has_failed  # no memory: what was written since is lost


cdef inline char* reserve(Output* output, size_t size) noexcept nogil:
    """Room for so many bytes more; NULL without memory."""
    cdef size_t room = output.room
    cdef char* data
    if output.size + size > room:
        while output.size + size > room:
            room = room * 2 if room else 65536
        data = <char*>realloc(output.data, room)
        if data == NULL:
            output.has_failed = True
            return NULL
        output.data = data
        output.room = room
    return output.data + output.size


cdef inline void put(Output* output, const char* data, size_t size) noexcept nogil:
    cdef char* place = reserve(output, size)
    if place != NULL:
        memcpy(place, data, size)
        output.size += size


cdef inline void put_number(Output* output, char kind, int64_t number) noexcept nogil:
    """A line of a kind and a number: an integer, or the header of a string or an array."""
    cdef char* place = reserve(output, 24)
    cdef int size
    if place != NULL:
        place[0] = kind
        size = 1 + write_integer(place + 1, number)
        place[size] = c"\r"
        place[size + 1] = c"\n"
        output.size += size + 2


cdef inline void put_string(Output* output, const char* data, size_t size) noexcept nogil:
    cdef char* place = reserve(output, size + 26)
    cdef int header
    if place != NULL:
        place[0] = c"$"
        header = 1 + write_integer(place + 1, size)
        place[header] = c"\r"
        place[header + 1] = c"\n"
        memcpy(place + header + 2, data, size)
        place[header + 2 + size] = c"\r"
        place[header + 3 + size] = c"\n"
        output.size += header + 4 + size


cdef inline void put_nil(Output* output, int protocol) noexcept nogil:
    if protocol == 3:
        put(output, b"_\r\n", 3)
    else:
        put(output, b"$-1\r\n", 5)
