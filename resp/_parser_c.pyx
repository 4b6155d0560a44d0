"""The native parser: in behaviour what `_parser_py.Parser` is, which says what it does.

Bytes are read where they are: in the caller's memory, in a bytes object that was fed, or in a
buffer of one piece, which holds what the others leave unread and is gone when it is empty. So an
idle connection costs nothing, and what arrives whole is copied once, into its arguments.

A large argument that is not whole is received into the bytes object that it becomes. The object
grows with what has arrived, never beyond twice that or `GROWN_BYTES_MIN`, and beyond
`FIRST_BYTES` only once some of it is here: what is only claimed takes no memory. For blocks of
this size `realloc` moves pages, not bytes.

Lengths are of 64 bits, read with a check at each digit, and below their limits before anything is
computed from them; so no sum of them can overflow.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memchr, memcpy, memmove

from .errors import ProtocolError
from .inline import split_inline
from .limits import Limits

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject** string, Py_ssize_t size) except -1
    void Py_CLEAR(PyObject*)

cdef extern from *:
    """
    #if defined(__linux__)
    #include <stdint.h>
    #include <sys/mman.h>

    /* Fresh memory comes in pages of 2 MiB instead of 4 KiB then, where the system has them. */
    static void memcloud_want_huge_pages(char* data, size_t size) {
        uintptr_t page = 4096;
        uintptr_t first = ((uintptr_t)data + page - 1) & ~(page - 1);
        uintptr_t last = ((uintptr_t)data + size) & ~(page - 1);
        if (last > first)
            madvise((void*)first, last - first, MADV_HUGEPAGE);
    }
    #else
    static void memcloud_want_huge_pages(char* data, size_t size) { (void)data; (void)size; }
    #endif
    """
    void want_huge_pages "memcloud_want_huge_pages"(char* data, size_t size) noexcept nogil

cdef extern from "<assert.h>":
    void check "assert"(bint condition) noexcept nogil

cdef enum:
    LARGE_BYTES = 65536
    FIRST_BYTES = 8192
    PROVEN_BYTES = 16384
    GROWN_BYTES_MIN = 1048576
    RESERVE = 64
    LARGE_STEP_BYTES = 1048576
    HUGE_BYTES = 8388608  # from which on it pays to ask for large pages
    DIGITS_MAX = 19

cdef Py_ssize_t NO_END = -1
cdef str NO_MEMORY = "Protocol error: no memory for a request"


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


cdef inline Py_ssize_t room_for(Py_ssize_t arrived) noexcept nogil:
    """How many bytes a large argument may take of which so many have arrived.

    They are addresses; memory they become only as they are written to. To change their number is
    dear where it means to copy, and where it breaks large pages.
    """
    if arrived >= GROWN_BYTES_MIN:
        return RESERVE * arrived
    return max(2 * arrived, FIRST_BYTES if arrived < PROVEN_BYTES else GROWN_BYTES_MIN)


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
        """How many bytes have come of commands that have not been taken."""
        return self.end - self.position + self.begun_bytes + self.large_filled

    def feed(self, data):
        """Add received bytes; see `_parser_py.Parser.feed`."""
        cdef Py_buffer view
        if type(data) is bytes:
            self.lend(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            if self.position < self.end and self.data != self.own:
                self.lender = <bytes>data
            return
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.lend(<const char*>view.buf, view.len)
            self.keep()
        finally:
            PyBuffer_Release(&view)

    def take(self):
        """The next command; see `_parser_py.Parser.take`."""
        cdef list command = self.take_command()
        if command is None:
            self.settle()
        return command

    cdef bint is_between(self) noexcept:
        """Whether no command has begun, so that the next byte is the first of a request."""
        return self.arguments is None and self.failure is None

    cdef int lend(self, const char* data, Py_ssize_t size) except -1:
        """Add bytes that stay the caller's until `keep`; nothing is copied unless some are unread."""
        cdef Py_ssize_t missing
        if self.failure is not None or not size:
            return 0
        if self.large != NULL:
            missing = min(size, self.argument_bytes - self.large_filled)
            self.fill_large(data, missing)
            data += missing
            size -= missing
        if self.position < self.end:
            self.append(data, size)
        elif size:  # all of it may have gone into the large argument
            self.lender = None
            self.data = data
            self.position = 0
            self.end = size
        return 0

    cdef int keep(self) except -1:
        """Copy what is unread of lent bytes, if any are; let go of an empty buffer."""
        check(0 <= self.position <= self.end)
        if self.position == self.end:
            self.forget()
        elif self.data != self.own:
            self.append(NULL, 0)
        return 0

    cdef int settle(self) except -1:
        """Hold no more memory than twice what is unread, now that more bytes have to come."""
        cdef Py_ssize_t unread = self.end - self.position
        if not unread:
            self.forget()
        elif self.data == self.own:
            if self.own_room > max(2 * unread, FIRST_BYTES):
                self.append(NULL, 0)
        elif self.lender is None or PyBytes_GET_SIZE(self.lender) > 2 * unread:
            self.append(NULL, 0)
        return 0

    cdef void forget(self) noexcept:
        """Let go of all that is unread, and of the buffer."""
        PyMem_Free(self.own)
        self.own = NULL
        self.own_room = 0
        self.lender = None
        self.data = NULL
        self.position = self.end = 0

    cdef void fail(self, str text) noexcept:
        """Remember the error, and let go of everything else."""
        self.forget()
        self.arguments = None
        self.begun_bytes = self.large_filled = 0
        Py_CLEAR(self.large)
        self.failure = text

    cdef int append(self, const char* data, Py_ssize_t size) except -1:
        """Have what is unread in the own buffer, with these bytes behind it.

        Without any, that buffer becomes as small as it can be.
        """
        cdef Py_ssize_t unread = self.end - self.position
        cdef Py_ssize_t room
        cdef char* grown
        if size and self.data == self.own and size <= self.own_room - self.end:
            memcpy(self.own + self.end, data, size)
            self.end += size
            return 0
        if (
            size
            and self.data == self.own
            and self.position >= unread
            and size <= self.own_room - unread
        ):
            memmove(self.own, self.own + self.position, unread)
        else:
            room = unread + size
            if size:
                room = max(room, min(2 * unread, unread + LARGE_STEP_BYTES))
            grown = <char*>PyMem_Malloc(room)
            if grown == NULL:
                self.fail(NO_MEMORY)
                raise MemoryError(NO_MEMORY)
            if unread:
                memcpy(grown, self.data + self.position, unread)
            PyMem_Free(self.own)
            self.own = grown
            self.own_room = room
        if size:
            memcpy(self.own + unread, data, size)
        self.lender = None
        self.data = self.own
        self.position = 0
        self.end = unread + size
        check(self.end <= self.own_room)
        return 0

    cdef list take_command(self):
        """The next command; None until more bytes are here."""
        cdef list command
        if self.failure is not None:
            raise ProtocolError(self.failure)
        if self.arguments is None and self.position == self.end:
            return None
        self.refresh()
        try:
            if self.arguments is None and not self.begin():
                return None
            if not self.fill():
                return None
        except ProtocolError as error:
            self.fail(str(error))
            raise
        except MemoryError:
            # Something may have been read and lost, and with it the place in the stream.
            self.fail(NO_MEMORY)
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
            self.begun_bytes += PyBytes_GET_SIZE(argument) + 2
        return True

    cdef bytes read_argument(self):
        """The next argument of the command that has begun; None until it is whole."""
        cdef bytes argument
        if self.large != NULL:
            return self.take_large()
        if self.argument_bytes < 0 and not self.read_length():
            return None
        # No sum: the length may be anything up to its limit.
        if self.end - self.position - 2 < self.argument_bytes:
            if self.argument_bytes >= LARGE_BYTES:
                self.begin_large()
                return self.take_large()
            return None
        argument = PyBytes_FromStringAndSize(self.data + self.position, self.argument_bytes)
        self.position += self.argument_bytes + 2
        self.argument_bytes = -1
        check(self.position <= self.end)
        return argument

    # Large arguments

    cdef int begin_large(self) except -1:
        """Move what is here of the next argument to where the rest of it will arrive."""
        cdef Py_ssize_t arrived = min(self.end - self.position, self.argument_bytes)
        cdef Py_ssize_t size = min(self.argument_bytes, room_for(arrived))
        cdef bytes large = PyBytes_FromStringAndSize(NULL, size)
        memcpy(PyBytes_AS_STRING(large), self.data + self.position, arrived)
        self.position += arrived
        self.large_filled = arrived
        self.large = new_reference(large)
        return 0

    cdef int grow_large(self, Py_ssize_t arrived) except -1:
        """Make room for so many bytes of the large argument; and for as many again."""
        cdef Py_ssize_t size
        if arrived <= PyBytes_GET_SIZE(<object>self.large):
            return 0
        try:
            size = min(self.argument_bytes, room_for(arrived))
            _PyBytes_Resize(&self.large, size)
            if size >= HUGE_BYTES:
                want_huge_pages(PyBytes_AS_STRING(<object>self.large), size)
        except MemoryError:
            self.fail(NO_MEMORY)  # what had arrived is gone
            raise
        return 0

    cdef int fill_large(self, const char* data, Py_ssize_t size) except -1:
        """Add bytes to the large argument."""
        self.grow_large(self.large_filled + size)
        check(self.large_filled + size <= PyBytes_GET_SIZE(<object>self.large))
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
        check(PyBytes_GET_SIZE(argument) == self.argument_bytes)
        Py_CLEAR(self.large)
        self.large_filled = 0
        self.argument_bytes = -1
        return argument

    cdef char* landing(self, Py_ssize_t* size) except? NULL:
        """Where the next bytes may be written directly, and how many at most; NULL: nowhere."""
        if self.large == NULL or self.large_filled == self.argument_bytes:
            return NULL
        self.grow_large(self.large_filled + 1)
        size[0] = PyBytes_GET_SIZE(<object>self.large) - self.large_filled
        return PyBytes_AS_STRING(<object>self.large) + self.large_filled

    cdef int landed(self, Py_ssize_t size) except -1:
        """So many bytes were written there."""
        check(self.large != NULL and size >= 0)
        check(self.large_filled + size <= PyBytes_GET_SIZE(<object>self.large))
        self.large_filled += size
        return 0

    # Lines

    cdef Py_ssize_t find_line_end(self, char end_byte, Py_ssize_t behind, str too_big) except -2:
        """Where the line ends, with so many bytes behind that; -1 until it is here.

        A NUL hides what follows. Raises `ProtocolError` with the text ``too_big`` when there is
        more than a line's worth.
        """
        cdef Py_ssize_t unread = self.end - self.position
        cdef Py_ssize_t reach = min(unread - 1 + behind, self.line_bytes_max) + 1 - behind
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
        if count[0] > 0:
            self.begun_bytes = self.position - start
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
        self.begun_bytes += self.position - start
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
