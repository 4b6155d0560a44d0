cdef class Parser:
    cdef public object limits
    cdef const char* data
    cdef Py_ssize_t position
    cdef Py_ssize_t end
    cdef Py_ssize_t bulk_bytes_max, arguments_max
    cdef object pure
    cdef bytes own

    cdef bint is_between(self) noexcept
    cdef int lend(self, const char* data, Py_ssize_t size) except -1
    cdef int keep(self) except -1
    cdef list take_command(self)
    cdef char* landing(self, Py_ssize_t* size) noexcept
    cdef int landed(self, Py_ssize_t size) except -1
