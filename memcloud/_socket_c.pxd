"""The way out of a connection, as other native modules see it."""


cdef class Socket:
    cdef int descriptor  # -1: nothing goes but by the transport
    cdef object transport
    cdef bint is_queueing  # the transport may hold bytes that have to go first

    cdef int open(self, object transport) except -1
    cdef void shut(self) noexcept
    cdef int send(self, const char* data, size_t size) except -1
    cdef int send_pieces(self, list pieces) except -1
    cdef bint is_direct(self) except -1
