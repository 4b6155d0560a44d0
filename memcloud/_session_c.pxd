"""The native sessions, as other native modules see them."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from memcloud.resp._parser_c cimport Parser
from memcloud.store._store_c cimport Keyspace, Store

from ._calls_c cimport Calls, ReplyQueue
from ._output cimport Output
from ._requests cimport Argument

cdef enum:
    COMMANDS_MAX = 64


cdef struct Hot:
    # A command that is run here, as the command table has it.
    uint64_t word[2]
    int64_t arity
    uint8_t number
    uint8_t needs_memory


cdef class Engine:
    cdef Store store
    cdef object clock
    cdef object stats
    cdef tuple names
    cdef Hot hot[256]  # by a hash of the name
    cdef Argument arguments[1024]
    cdef uint8_t mine[16384]
    cdef Calls calls_to_others
    cdef dict sessions
    cdef tuple owners
    cdef bint has_forwarded
    cdef int64_t forwarded_out
    cdef int64_t forwarded_in
    cdef public bint is_alone
    cdef public bint is_paused
    cdef public int64_t string_bytes_max
    cdef Output output
    cdef list pieces
    cdef int64_t calls[COMMANDS_MAX]
    cdef int64_t duration_ns[COMMANDS_MAX]
    cdef int64_t bytes_received
    cdef int64_t bytes_sent

    cdef Hot* find(self, const Argument* name) noexcept
    cdef int run(self, Session session) except -1
    cdef bint execute(self, int number, int count, Keyspace keyspace, int protocol) except -1
    cdef int put_object(self, object value) except -1
    cdef int timed  # the command whose time is counted; -1: none
    cdef int64_t timed_since_ns
    cdef bint is_serving  # another member, which large values go to by another way

    cdef object take_output(self)
    cdef int time_from_now(self, int number) noexcept
    cdef int forward(self, Session session, uint32_t slot, const char* request, size_t size) except -1
    cdef int queue_output(self, Session session) except -1


cdef class Session:
    cdef Engine engine
    cdef readonly Parser parser
    cdef readonly ReplyQueue replies
    cdef int64_t number
    cdef object write  # to the client; None if there is no socket, or no more
    cdef object write_all
    cdef public bint is_plain
    cdef public int protocol
    cdef public int database
    cdef public int64_t last_active_ms
    cdef public int64_t commands_processed
    cdef public int64_t bytes_received
    cdef public int64_t bytes_sent
    cdef public object last_command

    cdef int send(self, list replies) except -1
