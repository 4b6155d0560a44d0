"""The native parser: in behaviour what `_parser_py.Parser` is, which says what it does.

Bytes are kept in one piece, where the caller has them or in a buffer that is gone when it is empty,
so that an idle connection costs nothing. A large argument is received into the bytes object that
it becomes, which grows with what has arrived: never by more than that much again, or 8 KiB.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memchr, memcpy, memmove

from .errors import ProtocolError
from .inline import split_inline
from .limits import Limits

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject** string, Py_ssize_t size) except -1
    void Py_CLEAR(PyObject*)

cdef extern from "<assert.h>":
    void check "assert"(bint condition) noexcept nogil

cdef enum:
    LARGE_BYTES = 65536
    FIRST_BYTES = 8192
    LARGE_STEP_BYTES = 1048576
    DIGITS_MAX = 19

cdef Py_ssize_t NO_END = -1


cdef inline bint parse_integer(const char* text, Py_ssize_t size, long long* number) noexcept nogil:
    """The 64-bit integer that the text is the one spelling of; False if it is none."""
    cdef unsigned long long total = 0
    cdef bint is_negative = size > 0 and text[0] == c"-"
    cdef Py_ssize_t i = 1 if is_negative else 0
    cdef unsigned long long largest = 0x7FFFFFFFFFFFFFFFULL + (1 if is_negative else 0)
    if size == i or size - i > DIGITS_MAX or (text[i] == c"0" and size > 1):
        return False
    for i in range(i, size):
        if not c"0" <= text[i] <= c"9":
            return False
        total = total * 10 + <unsigned long long>(text[i] - c"0")
    if total > largest:
        return False
    number[0] = <long long>(0 - total) if is_negative else <long long>total
    return True


cdef PyObject* new_reference(object value) noexcept:
    """A pointer that owns the object, too."""
    Py_INCREF(value)
    return <PyObject*>value


cdef class Parser:
    """See `memcloud.resp._parser_py.Parser`."""

    def __cinit__(self, limits=None):
        self.argument_bytes = -1
        self._limits = Limits() if limits is None else limits
        self.refresh()

    def __dealloc__(self):
        PyMem_Free(self.own)
        Py_CLEAR(self.large)

    @property
    def limits(self):
        """Bounds on what is believed; may be changed, or replaced, between two commands."""
        return self._limits

    @limits.setter
    def limits(self, limits):
        self._limits = limits
        self.refresh()

    @property
    def buffered_bytes(self):
        """How many bytes are held for commands that have not been taken."""
        return self.end - self.position + self.begun_bytes + self.large_filled

    def feed(self, data):
        """Add received bytes; see `_parser_py.Parser.feed`."""
        cdef const unsigned char[::1] view
        if len(data):
            view = data
            self.lend(<const char*>&view[0], view.shape[0])
            self.keep()

    def take(self):
        """The next command; see `_parser_py.Parser.take`."""
        return self.take_command()

    cdef bint is_between(self) noexcept:
        """Whether no command has begun, so that the next byte is the first of a request."""
        return self.arguments is None and self.failure is None

    cdef int lend(self, const char* data, Py_ssize_t size) except -1:
        """Add bytes that stay the caller's until `keep`; nothing is copied unless some are unread."""
        cdef Py_ssize_t missing
        if self.failure is not None:
            return 0
        if self.large != NULL:
            missing = min(size, self.argument_bytes - self.large_filled)
            self.fill_large(data, missing)
            data += missing
            size -= missing
        if self.position < self.end:
            self.append(data, size)
        else:
            self.data = data
            self.position = 0
            self.end = size
        return 0

    cdef int keep(self) except -1:
        """Copy what is unread of lent bytes, if any are."""
        cdef const char* data = self.data + self.position
        cdef Py_ssize_t size = self.end - self.position
        if self.position == self.end:
            self.forget()
        elif self.data != self.own:
            self.data = NULL
            self.position = self.end = 0
            self.append(data, size)
        return 0

    cdef int forget(self) except -1:
        """Let go of the buffer."""
        PyMem_Free(self.own)
        self.own = NULL
        self.own_room = 0
        self.data = NULL
        self.position = self.end = 0
        return 0

    cdef int append(self, const char* data, Py_ssize_t size) except -1:
        """Add bytes to the own buffer, after what is unread."""
        cdef Py_ssize_t unread = self.end - self.position
        cdef Py_ssize_t room
        cdef char* grown
        if self.data == self.own and self.end + size <= self.own_room:
            memcpy(self.own + self.end, data, size)
            self.end += size
            return 0
        if self.data == self.own and self.position >= unread and unread + size <= self.own_room:
            memmove(self.own, self.own + self.position, unread)
        else:
            room = max(unread + size, min(2 * unread, unread + LARGE_STEP_BYTES))
            grown = <char*>PyMem_Malloc(room)
            if grown == NULL:
                raise MemoryError("no memory for a request")
            if unread:
                memcpy(grown, self.data + self.position, unread)
            PyMem_Free(self.own)
            self.own = grown
            self.own_room = room
        memcpy(self.own + unread, data, size)
        self.data = self.own
        self.position = 0
        self.end = unread + size
        return 0

    cdef list take_command(self):
        """The next command; None until more bytes are here."""
        cdef list command
        if self.failure is not None:
            raise ProtocolError(self.failure)
        self.refresh()
        try:
            if self.arguments is None and not self.begin():
                return None
            if not self.fill():
                return None
        except ProtocolError as error:
            self.forget()
            self.arguments = None
            self.begun_bytes = self.large_filled = 0
            Py_CLEAR(self.large)
            self.failure = str(error)
            raise
        command, self.arguments = self.arguments, None
        self.begun_bytes = 0
        return command

    cdef int refresh(self) except -1:
        """Look at the limits again."""
        self.bulk_bytes_max = self._limits.bulk_bytes_max
        self.arguments_max = self._limits.arguments_max
        self.line_bytes_max = self._limits.inline_bytes_max
        return 0

    cdef int begin(self) except -1:
        """Begin a command, or read an inline one; 0 until more bytes are here."""
        cdef long long count = 0
        cdef list words
        while self.position < self.end:
            if self.data[self.position] == c"*":
                if not self.read_count(&count):
                    return 0
                if count > 0:
                    self.arguments_missing = count
                    self.arguments = []
                    return 1
            else:
                words = self.read_words()
                if words is None:
                    return 0
                if words:
                    self.arguments_missing = 0
                    self.arguments = words
                    return 1
        return 0

    cdef bint fill(self) except -1:
        """Add to the arguments what is here of them; whether that is all."""
        cdef bytes argument
        while self.arguments_missing:
            argument = self.read_argument()
            if argument is None:
                return False
            self.arguments.append(argument)
            self.arguments_missing -= 1
            self.begun_bytes += len(argument)
        return True

    cdef bytes read_argument(self):
        """The next argument of the command that has begun; None until it is whole."""
        cdef Py_ssize_t unread
        cdef bytes argument
        if self.argument_bytes < 0 and not self.read_length():
            return None
        if self.large != NULL:
            return self.take_large()
        unread = self.end - self.position
        if unread < self.argument_bytes + 2:
            if self.argument_bytes >= LARGE_BYTES:
                self.begin_large()
                return self.take_large()
            return None
        argument = PyBytes_FromStringAndSize(self.data + self.position, self.argument_bytes)
        self.position += self.argument_bytes + 2
        self.argument_bytes = -1
        return argument

    # Large arguments

    cdef int begin_large(self) except -1:
        """Move what is here of the next argument to where the rest of it will arrive."""
        cdef Py_ssize_t arrived = min(self.end - self.position, self.argument_bytes)
        cdef Py_ssize_t size = min(self.argument_bytes, max(2 * arrived, FIRST_BYTES))
        cdef bytes large = PyBytes_FromStringAndSize(NULL, size)
        memcpy(PyBytes_AS_STRING(large), self.data + self.position, arrived)
        self.position += arrived
        self.large_filled = arrived
        self.large = new_reference(large)
        return 0

    cdef int grow_large(self, Py_ssize_t arrived) except -1:
        """Make room for so many bytes of the large argument; more at once, up to as many again."""
        cdef Py_ssize_t room = len(<object>self.large)
        if arrived > room:
            room = min(self.argument_bytes, max(arrived, 2 * room))
            # For blocks as large as these it is the page table that is changed, not the bytes.
            _PyBytes_Resize(&self.large, room)
        return 0

    cdef int fill_large(self, const char* data, Py_ssize_t size) except -1:
        """Add bytes to the large argument."""
        self.grow_large(self.large_filled + size)
        memcpy(PyBytes_AS_STRING(<object>self.large) + self.large_filled, data, size)
        self.large_filled += size
        return 0

    cdef bytes take_large(self):
        """The large argument; None until it is whole, and the two bytes behind it are here."""
        cdef bytes argument
        if self.large_filled < self.argument_bytes or self.end - self.position < 2:
            return None
        self.position += 2
        argument = <bytes>self.large
        Py_CLEAR(self.large)
        self.large_filled = 0
        self.argument_bytes = -1
        return argument

    cdef char* landing(self, Py_ssize_t* size) except? NULL:
        """Where the next bytes may be written directly, and how many; NULL: not now."""
        cdef Py_ssize_t room
        if self.large == NULL or self.large_filled == self.argument_bytes:
            return NULL
        if self.large_filled == len(<object>self.large):
            self.grow_large(self.large_filled + 1)
        size[0] = len(<object>self.large) - self.large_filled
        return PyBytes_AS_STRING(<object>self.large) + self.large_filled

    cdef int landed(self, Py_ssize_t size) except -1:
        """So many bytes were written there."""
        check(self.large_filled + size <= len(<object>self.large))
        self.large_filled += size
        return 0

    # Lines

    cdef Py_ssize_t find_line_end(self, char end_byte, Py_ssize_t behind, str too_big) except -2:
        """Where the line ends, with so many bytes behind that; -1 until it is here.

        A NUL hides what follows. Raises `ProtocolError` with the text ``too_big`` when there is
        more than a line's worth.
        """
        cdef Py_ssize_t unread = self.end - self.position
        cdef Py_ssize_t reach = min(unread, self.line_bytes_max + 1 - behind)
        cdef const char* start = self.data + self.position
        cdef const char* found = NULL
        if reach > 0:
            found = <const char*>memchr(start, end_byte, reach)
        if found != NULL and found - start + behind < unread:
            if memchr(start, 0, found - start) == NULL:
                return found - self.data
        if unread > self.line_bytes_max:
            raise ProtocolError(too_big)
        return NO_END

    cdef int read_count(self, long long* count) except -1:
        """How many arguments a request claims to have, maybe a negative number; 0: not here yet."""
        cdef Py_ssize_t start = self.position
        cdef Py_ssize_t end
        end = self.find_line_end(c"\r", 1, "Protocol error: too big mbulk count string")
        if end == NO_END:
            return 0
        self.position = end + 2
        if not parse_integer(self.data + start + 1, end - start - 1, count):
            raise ProtocolError("Protocol error: invalid multibulk length")
        if count[0] > self.arguments_max:
            raise self._limits.too_many_arguments(count[0])
        return 1

    cdef int read_length(self) except -1:
        """How many bytes an argument claims to have; 0: not here yet."""
        cdef Py_ssize_t start = self.position
        cdef long long length = 0
        cdef Py_ssize_t end
        end = self.find_line_end(c"\r", 1, "Protocol error: too big bulk count string")
        if end == NO_END:
            return 0
        self.position = end + 2
        if end == start or self.data[start] != c"$":
            # Without a first byte, that byte is the CR which ended the header.
            found = self.data[start:start + 1].decode("utf-8", "surrogateescape")
            raise ProtocolError(f"Protocol error: expected '$', got '{found}'")
        if not parse_integer(self.data + start + 1, end - start - 1, &length) or length < 0:
            raise ProtocolError("Protocol error: invalid bulk length")
        if length > self.bulk_bytes_max:
            raise self._limits.too_long_argument(length)
        self.argument_bytes = length
        return 1

    cdef list read_words(self):
        """The words of an inline request; None until its line is whole."""
        cdef Py_ssize_t start = self.position
        cdef Py_ssize_t end
        end = self.find_line_end(c"\n", 0, "Protocol error: too big inline request")
        if end == NO_END:
            return None
        self.position = end + 1
        if end > start and self.data[end - 1] == c"\r":
            end -= 1
        return split_inline(self.data[start:end])
