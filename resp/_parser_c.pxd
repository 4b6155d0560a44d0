"""The native parser, as other native modules see it: beside the commands, the bytes themselves."""

from cpython.object cimport PyObject


cdef class Parser:
    cdef object _limits
    # Copies of the limits, made when those are assigned and before a command is read.
    cdef Py_ssize_t bulk_bytes_max
    cdef Py_ssize_t arguments_max
    cdef Py_ssize_t line_bytes_max

    # What is here and unread is data[position:end]. It is in ``own``, in ``lender``, which is kept
    # for that, or (from `lend` until `keep`) in memory of the caller's.
    cdef const char* data
    cdef Py_ssize_t position
    cdef Py_ssize_t end
    cdef char* own
    cdef Py_ssize_t own_room
    cdef bytes lender

    # The multibulk command that has begun and is not whole yet.
    cdef list arguments
    cdef Py_ssize_t arguments_missing
    cdef Py_ssize_t argument_bytes  # of the next argument; -1: its header has not been read
    cdef Py_ssize_t begun_bytes
    # Its next argument, if it is large and not whole: bytes of which so many are filled.
    cdef PyObject* large
    cdef Py_ssize_t large_filled

    cdef str failure

    # For native sessions
    cdef bint is_between(self) noexcept
    cdef int lend(self, const char* data, Py_ssize_t size) except -1
    cdef int keep(self) except -1
    cdef list take_command(self)
    cdef char* landing(self, Py_ssize_t* size) except? NULL
    cdef int landed(self, Py_ssize_t size) except -1

    # Inner matters
    cdef int refresh(self) except -1
    cdef int append(self, const char* data, Py_ssize_t size) except -1
    cdef int settle(self) except -1
    cdef void forget(self) noexcept
    cdef void fail(self, str text) noexcept
    cdef int begin(self) except -1
    cdef bint fill(self) except -1
    cdef bytes read_argument(self)
    cdef bytes take_large(self)
    cdef int begin_large(self) except -1
    cdef int grow_large(self, Py_ssize_t arrived) except -1
    cdef int fill_large(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t find_line_end(self, char end_byte, Py_ssize_t behind, str too_big) except -2
    cdef int read_count(self, long long* count) except -1
    cdef int read_length(self) except -1
    cdef list read_words(self)
