from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from ._parser_py import Parser as Pure
from .limits import Limits
cdef class Parser:
    def __init__(self, limits=None):
        self.pure = Pure(limits)
        self.limits = self.pure.limits
        self.bulk_bytes_max = self.limits.bulk_bytes_max
        self.own = b""
    cdef bint is_between(self) noexcept:
        return self.pure.buffered_bytes == 0 and self.pure._arguments is None and self.pure._failure is None
    cdef int lend(self, const char* data, Py_ssize_t size) except -1:
        if self.position < self.end:
            self.own = self.data[self.position:self.end] + data[:size]
            self.data = PyBytes_AS_STRING(self.own)
            self.position = 0
            self.end = PyBytes_GET_SIZE(self.own)
        else:
            self.data = data; self.position = 0; self.end = size
        return 0
    cdef int keep(self) except -1:
        if self.position < self.end:
            self.own = self.data[self.position:self.end]
            self.data = PyBytes_AS_STRING(self.own)
            self.position = 0
            self.end = PyBytes_GET_SIZE(self.own)
        else:
            self.own = b""
            self.data = NULL
            self.position = self.end = 0
        return 0
    @property
    def buffered_bytes(self):
        return self.end - self.position + self.pure.buffered_bytes
    def feed(self, data):
        data = bytes(data)
        self.lend(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.keep()
    def take(self):
        return self.take_command()
    cdef list take_command(self):
        self.pure.limits = self.limits
        if self.position < self.end:
            self.pure.feed(self.data[self.position:self.end])
            self.position = self.end = 0
        return self.pure.take()
    cdef char* landing(self, Py_ssize_t* size) noexcept:
        return NULL
    cdef int landed(self, Py_ssize_t size) except -1:
        return 0
