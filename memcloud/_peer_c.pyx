"""Where the bytes of a link between nodes arrive, natively.

Batches of hot calls and the results that native sessions wait for are dealt with where they were
received; no frame, record or argument becomes a Python object. Everything else (greetings,
heartbeats, large frames, commands that are not hot, whatever is malformed) is handed on as it came,
to `memcloud.cluster.mesh`, which could also do the rest.
"""

from cpython.buffer cimport PyBUF_WRITE
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memmove

from memcloud.store._spaces cimport fetch_ahead
from memcloud.store._store_c cimport Keyspace

from ._calls_c cimport FRAME_HEAD_BYTES, RECORD_HEAD_BYTES, take_number
from ._requests cimport Argument
from ._session_c cimport AHEAD_MAX, PLACES_MAX, Engine, Request
from ._socket_c cimport Socket

from memcloud.link.batch import RECORDS_MAX as BATCH_RECORDS_MAX
from memcloud.link.batch import WORD_OF_CALL_MAX
from memcloud.link.frames import VERSION, Kind, LinkError

cdef enum:
    LENGTH_BYTES = 4  # of the head of a frame
    BUFFER_BYTES = 262144
    RESULTS_BYTES_MAX = 1048576  # of one frame, before the others have their turn
    # Calls that are read before the first is run, so that their entries are fetched together
    CALLS_AHEAD = 16

cdef uint8_t CALLS_KIND = int(Kind.CALLS)
cdef uint8_t RESULTS_KIND = int(Kind.RESULTS)
cdef uint8_t FRAME_VERSION = VERSION
cdef uint32_t WORD_MAX = WORD_OF_CALL_MAX
cdef int RECORDS_MAX = BATCH_RECORDS_MAX


cdef class PeerPort(Socket):
    """The part of a buffered asyncio protocol of a link that is hot.

    ``has_heard``: something came since it was last set to False. ``is_paused``: the other side is
    slow to read, so none of its calls is run.
    """

    cdef Engine engine  # None: everything goes to Python
    cdef object member
    cdef object backlog  # of calls that Python has and has not run
    cdef char* buffer
    cdef Py_ssize_t filled
    cdef bint is_outgoing
    cdef bint is_within  # Python has the beginning of a frame
    cdef public bint has_heard
    cdef public bint is_paused

    def __cinit__(self):
        self.buffer = <char*>malloc(BUFFER_BYTES)
        if self.buffer == NULL:
            raise MemoryError("no memory for a link")

    def __dealloc__(self):
        free(self.buffer)

    def attach(self, transport):
        """Begin to send."""
        self.open(transport)

    def greeted(self, Engine engine, link):
        """Take the batches of the member of a link: its calls, or its results if it was dialled."""
        self.engine, self.member, self.backlog = engine, link.member, link.backlog
        self.is_outgoing = link.is_outgoing
        if self.is_outgoing:
            engine.sockets[self.member] = self

    def detach(self):
        """Take and send nothing more."""
        if self.engine is not None and self.engine.sockets.get(self.member) is self:
            del self.engine.sockets[self.member]
        self.engine = None
        self.shut()

    def received(self, data):
        """Let Python take bytes; return whether it has the beginning of a frame; to be overridden."""
        raise NotImplementedError

    def left_over(self, list records):
        """Let Python run calls; to be overridden."""
        raise NotImplementedError

    def finished(self, list others, dict left):
        """Let Python end other calls, and go on with sessions; to be overridden."""
        raise NotImplementedError

    def get_buffer(self, hint):
        """Return where the next bytes are to be written."""
        return PyMemoryView_FromMemory(
            self.buffer + self.filled, BUFFER_BYTES - self.filled, PyBUF_WRITE
        )

    def buffer_updated(self, Py_ssize_t size):
        """Take so many bytes."""
        cdef const char* position = self.buffer
        cdef const char* others = position  # whole frames from there on are for Python
        cdef const char* end
        cdef Py_ssize_t frame_bytes
        self.has_heard = True
        self.filled += size
        end = self.buffer + self.filled
        while position < end:
            frame_bytes = self.whole_frame(position, end)
            if frame_bytes > 0 and not is_batch(position):
                position += frame_bytes
                continue
            if others < position:
                self.hand_on(others, position - others)
                others = position
                continue  # what it has changed counts for what is behind it
            if frame_bytes == 0:
                break
            if frame_bytes < 0:
                frame_bytes = end - position
                self.hand_on(position, frame_bytes)
            elif not self.take_frame(position, position + frame_bytes):
                self.hand_on(position, frame_bytes)
            position += frame_bytes
            others = position
        if others < position:
            self.hand_on(others, position - others)
        self.filled = end - position
        memmove(self.buffer, position, self.filled)

    cdef Py_ssize_t whole_frame(self, const char* position, const char* end) noexcept:
        """The size of the frame that begins there; 0: it is not whole; -1: it is not for us."""
        cdef int64_t size = LENGTH_BYTES
        cdef int i
        if self.engine is None or self.is_within:
            return -1
        if end - position < LENGTH_BYTES:
            return 0
        for i in range(LENGTH_BYTES):
            size += <int64_t><uint8_t>position[i] << (8 * (3 - i))
        if size < FRAME_HEAD_BYTES or size > BUFFER_BYTES:
            return -1
        if end - position < FRAME_HEAD_BYTES:
            return 0
        if end - position >= size:
            return size
        # Garbage is refused by its head, without waiting for what its length promises.
        return 0 if is_batch(position) else -1

    cdef int hand_on(self, const char* position, Py_ssize_t size) except -1:
        self.is_within = self.received(PyBytes_FromStringAndSize(position, size))
        return 0

    cdef bint take_frame(self, const char* position, const char* end) except -1:
        """Deal with a whole frame; False if Python has to."""
        cdef uint8_t kind = <uint8_t>position[4]
        if not is_batch(position):
            return False
        position += FRAME_HEAD_BYTES
        if kind == RESULTS_KIND and self.is_outgoing:
            return self.take_results(position, end)
        if kind == CALLS_KIND and not self.is_outgoing:
            return not self.is_paused and not self.backlog and self.take_calls(position, end)
        return False

    cdef bint take_results(self, const char* position, const char* end) except -1:
        cdef Engine engine = self.engine
        cdef list others
        cdef dict left
        try:
            others = engine.calls_to_others.take_results_from(self.member, position, end)
        except LinkError:
            return False  # Python will find the same, and break the link off
        left = engine.send_all_answers(True)
        engine.batches_received += 1
        if others or left or engine.calls_to_others.dirty_members:
            self.finished(others, left)
        return True

    cdef bint take_calls(self, const char* position, const char* end) except -1:
        """Run the calls of a frame and send the results, in a frame too."""
        cdef Engine engine = self.engine
        cdef int served = 0
        cdef int read = 1
        cdef int i
        cdef const char* behind
        if not are_calls(position, end):
            return False
        engine.begin_results()
        engine.batches_received += 1
        while position < end and read > 0 and engine.output.size < RESULTS_BYTES_MAX:
            read = self.read_calls(position, end)
            for i in range(read):
                behind = engine.ahead[i].behind
                if not engine.serve_call(&engine.ahead[i]):
                    read = 0
                    break
                served += 1
                position = behind
        if engine.end_results(served):
            self.send(engine.output.data, engine.output.size)
            engine.output.size = 0
            engine.batches_sent += 1
        if position < end:
            self.left_over(records_of(position, end))
        return True

    cdef int read_calls(self, const char* position, const char* end) except -1:
        """Read some calls ahead, and have what they look for fetched; how many."""
        cdef Engine engine = self.engine
        cdef Argument* arguments = engine.arguments_read
        cdef int read = 0
        cdef uint32_t size
        cdef Keyspace keyspace
        while position < end and read < CALLS_AHEAD:
            size = take_number(position + 8)
            if not engine.prepare_call(
                &engine.ahead[read],
                take_number(position),
                take_number(position + 4),
                position + RECORD_HEAD_BYTES,
                size,
                arguments,
                &engine.places_read[read],
            ):
                break
            arguments += engine.ahead[read].count
            position += RECORD_HEAD_BYTES + size
            read += 1
        if read > 1:
            keyspace = <Keyspace>engine.store.databases[engine.ahead[0].word & 0xFF]
            fetch_ahead(&keyspace.space, engine.places_read, read)
        return read


cdef bint is_batch(const char* head) noexcept:
    """Whether the head of a frame is that of a batch."""
    return (
        <uint8_t>head[4] in (CALLS_KIND, RESULTS_KIND)
        and <uint8_t>head[5] == FRAME_VERSION
        and take_number(head + 6) == 0
    )


cdef bint are_calls(const char* position, const char* end) noexcept:
    """Whether the payload is made of whole calls, as `link.batch.decode_calls` wants them."""
    cdef int count = 0
    while position < end:
        if end - position < RECORD_HEAD_BYTES or count == RECORDS_MAX:
            return False
        if take_number(position + 4) > WORD_MAX:
            return False
        if <int64_t>take_number(position + 8) > end - position - RECORD_HEAD_BYTES:
            return False
        position += RECORD_HEAD_BYTES + take_number(position + 8)
        count += 1
    return True


cdef list records_of(const char* position, const char* end):
    """The records as `link.batch.decode_calls` returns them."""
    cdef list records = []
    cdef uint32_t size
    while position < end:
        size = take_number(position + 8)
        records.append((
            take_number(position),
            take_number(position + 4),
            PyBytes_FromStringAndSize(position + RECORD_HEAD_BYTES, size),
        ))
        position += RECORD_HEAD_BYTES + size
    return records
