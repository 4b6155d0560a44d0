"""The way out of a connection: to the kernel at once while nothing waits in its transport.

A transport of an event loop takes bytes to write them at the end of the loop's turn, which for a
short reply costs as much as all else that Python does for it. So what is ready is sent from here,
and what the kernel does not take goes to the transport, which waits until it does.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

cdef extern from *:
    """
    #include <sys/types.h>
    #include <sys/socket.h>

    #ifndef MSG_NOSIGNAL  /* Python ignores SIGPIPE anyway */
    #define MSG_NOSIGNAL 0
    #endif
    """
    enum:
        MSG_DONTWAIT
        MSG_NOSIGNAL
    ssize_t c_send "send"(int descriptor, const void* data, size_t size, int flags) nogil

cdef enum:
    LARGE_BYTES = 65536  # joining them would cost more than it saves


cdef class Socket:
    """A connection with a transport of the event loop."""

    def __cinit__(self):
        self.descriptor = -1

    cdef int open(self, object transport) except -1:
        """Begin to send; the descriptor is the transport's until the connection is lost."""
        self.transport = transport
        handle = transport.get_extra_info("socket")
        if handle is not None and transport.get_extra_info("ssl_object") is None:
            self.descriptor = handle.fileno()
        return 0

    cdef void shut(self) noexcept:
        """Send nothing more."""
        self.descriptor = -1
        self.transport = None

    def write(self, bytes data):
        """Send bytes; nothing happens if the connection is closing."""
        if self.transport is not None and not self.transport.is_closing():
            self.is_queueing = True
            self.transport.write(data)

    def write_all(self, list pieces):
        """Send a list of bytes, in order; nothing happens if the connection is closing."""
        self.send_pieces(pieces)

    cdef bint is_direct(self) except -1:
        """Whether what is sent now may overtake the transport, which has nothing to send."""
        if self.descriptor < 0:
            return False
        if self.is_queueing:
            self.is_queueing = self.transport.get_write_buffer_size() != 0
        return not self.is_queueing

    cdef int send(self, const char* data, size_t size) except -1:
        """Send bytes."""
        cdef ssize_t sent = 0
        if self.transport is None:
            return 0
        if self.is_direct():
            sent = c_send(self.descriptor, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
            if sent == <ssize_t>size:
                return 0
            # A full buffer, or an error: the transport will meet it too, and knows what to do.
            sent = max(sent, 0)
        self.write(PyBytes_FromStringAndSize(data + sent, size - sent))
        return 0

    cdef int send_pieces(self, list pieces) except -1:
        """Send a list of bytes, in order."""
        cdef Py_ssize_t size = 0
        cdef bytes piece
        for piece in pieces:
            size += PyBytes_GET_SIZE(piece)
        if self.transport is None or not size:
            return 0
        if size < LARGE_BYTES:
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self.send(PyBytes_AS_STRING(piece), size)
        elif not self.transport.is_closing():
            self.is_queueing = True
            self.transport.writelines(pieces)
        return 0
