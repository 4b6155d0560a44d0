"""The native sessions, as other native modules see them."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from memcloud.resp._parser_c cimport Parser
from memcloud.store._spaces cimport Place
from memcloud.store._store_c cimport Keyspace, Store
from memcloud.store._structs cimport Space, State

from ._calls_c cimport Call, Calls, ReplyQueue
from ._output cimport Output
from ._requests cimport ARGUMENTS_MAX, Argument
from ._socket_c cimport Socket

cdef enum:
    COMMANDS_MAX = 64
    AHEAD_MAX = 32  # requests that are read before the first of them is run
    PLACES_MAX = 64


cdef struct Hot:
    # A command that is run here, as the command table has it.
    uint64_t word[2]
    int64_t arity
    uint8_t number
    uint8_t needs_memory
    uint8_t leave  # what `Engine.direct` must be at least to run it at once


cdef struct Request:
    # A request that was read where it arrived.
    Hot* hot  # NULL: it is not run here
    Argument* arguments
    const char* behind
    int count  # of its arguments, its name included
    int first_key  # which argument it is
    int key_step  # from one key to the next
    int key_count
    Place* places  # slots and hashes of its first keys
    int place_count
    # Of another member, see link/batch.py
    uint32_t call_id
    uint32_t word


cdef class Engine:
    cdef Store store
    cdef object clock
    cdef object stats
    cdef tuple names
    cdef Hot hot[256]  # by a hash of the name
    cdef Request* request  # the one that is run
    cdef Argument* arguments  # its own
    cdef Request ahead[AHEAD_MAX]
    cdef Argument arguments_read[ARGUMENTS_MAX]
    cdef Place places_read[PLACES_MAX]
    cdef const uint8_t* direct  # by slot: what may be done at once, see `own`
    cdef bytearray direct_kept
    cdef tuple stamps  # by slot: of its writes where others have copies, else None
    cdef object tags
    cdef public int64_t lease_until_ms
    cdef Calls calls_to_others
    cdef dict sessions
    cdef dict sockets  # of the members that this node calls
    cdef public int64_t batches_sent
    cdef public int64_t batches_received
    cdef tuple owners
    cdef bint has_forwarded
    cdef int64_t forwarded_out
    cdef int64_t forwarded_in
    cdef public bint is_alone
    cdef public bint is_paused
    cdef object limits
    cdef bytes empty
    cdef Output output
    cdef list pieces
    cdef int64_t calls[COMMANDS_MAX]
    cdef int64_t duration_ns[COMMANDS_MAX]
    cdef int64_t bytes_received
    cdef int64_t bytes_sent

    cdef bint may_run(self, const Request* request) noexcept
    cdef bint may_forward(self, const Request* request, Py_ssize_t size) noexcept
    cdef bint run_one(self, Request* request, Keyspace keyspace, int protocol) except -1
    cdef Hot* find(self, const Argument* name) noexcept
    cdef int run(self, Session session) except -1
    cdef int note_activity(self, Session session) except -1
    cdef int read_ahead(
        self, const char* start, const char* end, int64_t bulk_bytes_max, Space* space
    ) noexcept
    cdef void prepare(self, Request* request, int count, const State* state) noexcept
    cdef int put_object(self, object value) except -1
    cdef int timed  # the command whose time is counted; -1: none
    cdef int64_t timed_since_ns
    cdef bint is_serving  # another member, which large values go to by another way

    cdef object take_output(self)
    cdef int time_from_now(self, int number) noexcept
    cdef dict send_all_answers(self, bint can_write)
    cdef int begin_results(self) except -1
    cdef bint prepare_call(
        self, Request* request, uint32_t call_id, uint32_t word, const char* text, size_t size,
        Argument* arguments, Place* places,
    ) noexcept
    cdef bint serve_call(self, Request* request) except -1
    cdef bint end_results(self, int served) except -1
    cdef int forward(
        self, Session session, const Request* request, const char* text, size_t size
    ) except -1
    cdef bytes add_tag(self, Call call, const char* text, size_t size)
    cdef int queue_output(self, Session session) except -1


cdef class Session:
    cdef Engine engine
    cdef readonly Parser parser
    cdef readonly ReplyQueue replies
    cdef int64_t number
    cdef Socket socket  # to the client; None if there is none, or no more
    cdef public bint is_plain
    cdef public bint is_closing
    cdef public int protocol
    cdef public int database
    cdef public int64_t last_active_ms
    cdef public int64_t commands_processed
    cdef public int64_t bytes_received
    cdef public int64_t bytes_sent
    cdef public object last_command

    cdef int send(self, list replies) except -1
    cdef int send_output(self) except -1
