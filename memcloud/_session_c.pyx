"""The hot commands, from the bytes that were received to the bytes of the replies.

A session whose client has asked for nothing special runs them here, with no Python object for an
argument: read the request where it arrived, look whether this node owns the slot, find the entry,
write the reply behind the one before. Whatever is not usual (another command, an error to be told,
a key of another node, memory that is short) is left untouched for the Python side, which knows it
all: `memcloud.clients` goes on from there, and comes back here after it. So nothing is decided
twice, and each command here must do exactly what its handler in `memcloud.commands` does.

Time spent is counted per command by looking at the clock where one command is followed by another,
so a run of equal commands costs two looks.
"""

from cpython.buffer cimport PyBUF_WRITE
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from memcloud.resp._parser_c cimport Parser
from memcloud.store._hashing cimport fill_crc16, sip_hash, slot_of
from memcloud.store._spaces cimport Place, fetch_ahead
from memcloud.store._store_c cimport Keyspace, Store
from memcloud.store._structs cimport SLOTS, Space, State

from ._calls_c cimport (
    FRAME_HEAD_BYTES,
    RECORD_HEAD_BYTES,
    Call,
    Calls,
    ReplyQueue,
    put_frame_head,
    put_number_le,
)
from ._hot cimport MSET, MSETNX, OBJECT_ENCODING, is_word, key_count, run_hot
from ._output cimport Output, put, put_number, reserve
from ._requests cimport (
    ARGUMENTS_MAX,
    INCOMPLETE,
    UNUSUAL,
    Argument,
    read_request,
    read_word,
)

from ._socket_c cimport Socket

from memcloud.link.frames import Kind
from memcloud.protocol import serving

fill_crc16()

cdef uint8_t READABLE = serving.READABLE
cdef uint8_t DIRECT = serving.DIRECT

cdef uint8_t RESULTS_KIND = int(Kind.RESULTS)

cdef enum:
    # What one client may do before its neighbours have their turn.
    TURN_COMMANDS = 2048
    TURN_BYTES = 1048576

    PLACES_AHEAD = 32  # enough to hide how long memory takes
    PLACES_PER_REQUEST = 32

    OUTPUT_BYTES_KEPT = 2097152
    RECEIVE_BYTES = 131072
    TLS_RECORD = 0x16
    FORWARDED_BYTES_MAX = 65536  # what is larger costs too much for its path to matter
    RECORDS_MAX = 512
    FRAME_BYTES = 1048576
    BULK_BYTES_MAX = 0x40000000
    # Bits of the word of a call; see link/batch.py.
    RESP3 = 0x100
    NO_TOUCH = 0x200
    TAGGED = 0x400
    TAG_BYTES = 16

    LANDING_BYTES_MAX = 262144  # at once, so that a large value does not delay the others

# What `Engine.run` has come to; the values are those in fast.py.
cdef enum:
    WAITING = 0  # nothing more can be done before more bytes are here
    COMMAND = 1  # the next command is none for us
    TURN_OVER = 2

# In the order of their numbers in _hot.pxd.
HOT_COMMANDS = (
    "get", "set", "mget", "mset", "del", "unlink", "exists", "touch", "incr", "decr", "incrby",
    "decrby", "append", "strlen", "getrange", "substr", "setrange", "setnx", "setex", "psetex",
    "getset", "getdel", "getex", "type", "ttl", "pttl", "expiretime", "pexpiretime", "expire",
    "pexpire", "expireat", "pexpireat", "persist", "ping", "echo", "object|encoding", "incrbyfloat",
    "msetnx", "copy", "rename", "renamenx", "dbsize", "randomkey", "scan",
)


cdef inline uint8_t _cell(const uint64_t* word) noexcept nogil:
    return <uint8_t>(((word[0] ^ word[1]) * 0x9E3779B97F4A7C15ULL) >> 56)


cdef inline void put_long_le(char* place, uint64_t number) noexcept nogil:
    put_number_le(place, <uint32_t>number)
    put_number_le(place + 4, <uint32_t>(number >> 32))


cdef inline int64_t _monotonic_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef class Engine:
    """What the native sessions of a node share: its store, and where each slot is."""

    def __cinit__(self, commands, store, clock, calls, limits, tags):
        cdef Argument name
        cdef uint64_t word[2]
        cdef uint8_t cell
        cdef int number
        self.store = store
        self.clock = clock
        self.calls_to_others = calls
        self.calls_to_others.tags = self.tags = tags
        self.names = HOT_COMMANDS
        self.sessions = {}
        self.sockets = {}
        self.pieces = []
        self.is_alone = True
        self.timed = -1
        self.limits = limits
        self.empty = b""
        self.own([None] * SLOTS, None, bytearray(SLOTS), [None] * SLOTS)
        for number in range(len(HOT_COMMANDS)):
            container, _, word_behind = HOT_COMMANDS[number].partition("|")
            command = commands.find(container.encode())
            if word_behind:
                command = command.subcommands[word_behind]
            text = container.encode()
            name.data, name.size = PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)
            read_word(&name, word)
            cell = _cell(word)
            while self.hot[cell].arity:
                cell += 1
            self.hot[cell].word[0] = word[0]
            self.hot[cell].word[1] = word[1]
            self.hot[cell].arity = command.arity
            self.hot[cell].number = number
            self.hot[cell].needs_memory = command.needs_memory
            self.hot[cell].leave = DIRECT if command.is_write else READABLE

    def __dealloc__(self):
        free(self.output.data)

    def own(self, owners, me, bytearray direct, stamps):
        """See `fast.Engine.own`."""
        assert len(direct) == len(stamps) == SLOTS
        self.stamps = tuple(stamps)
        self.owners = tuple([None if owner == me else owner for owner in owners])
        self.direct_kept = direct  # whose bytes change, but not its place, as its length is fixed
        self.direct = <const uint8_t*>PyByteArray_AS_STRING(direct)

    def drain(self, stats):
        """Add what was counted since the last time to the statistics of the node."""
        cdef int number
        for number in range(len(self.names)):
            if self.calls[number]:
                counters = stats.command(self.names[number])
                counters.calls += self.calls[number]
                counters.duration_ns += self.duration_ns[number]
                stats.commands_processed += self.calls[number]
                self.calls[number] = self.duration_ns[number] = 0
        stats.bytes_received += self.bytes_received
        stats.bytes_sent += self.bytes_sent
        stats.forwarded_out += self.forwarded_out
        stats.forwarded_in += self.forwarded_in
        self.bytes_received = self.bytes_sent = self.forwarded_out = self.forwarded_in = 0

    def open(self, number, Parser parser, ReplyQueue replies):
        """Return the session of that number, whose commands this parser reads."""
        session = Session(self, number, parser, replies)
        self.sessions[number] = session
        return session

    def close(self, number):
        """Forget a session."""
        self.sessions.pop(number, None)

    def flush(self):
        """See `fast.Engine.flush`."""
        cdef bint is_done = True
        self.calls_to_others.is_flush_due = False
        for member in self.calls_to_others.dirty:
            socket = self.sockets.get(member)
            if socket is None:
                is_done = False
                continue
            while (frame := self.calls_to_others.take_frame(member)) is not None:
                (<Socket>socket).send_pieces(frame)
                self.batches_sent += 1
        return is_done

    def send_answers(self, bint can_write):
        """See `fast.Engine.send_answers`."""
        return self.send_all_answers(can_write)

    cdef dict send_all_answers(self, bint can_write):
        cdef Session session
        cdef dict left = {}
        for number, had_no_room in self.calls_to_others.take_answered().items():
            session = self.sessions.get(number)
            if (
                not can_write
                or session is None
                or had_no_room
                or session.socket is None
                or not session.is_plain
            ):
                left[number] = had_no_room
            elif session.replies.output:
                replies, session.replies.output = session.replies.output, []
                session.send(replies)
        return left

    cdef Hot* find(self, const Argument* name) noexcept:
        cdef uint64_t word[2]
        cdef uint8_t cell
        if not read_word(name, word):
            return NULL
        cell = _cell(word)
        while self.hot[cell].arity:
            if self.hot[cell].word[0] == word[0] and self.hot[cell].word[1] == word[1]:
                return &self.hot[cell]
            cell += 1
        return NULL

    cdef int run(self, Session session) except -1:
        """Run commands of a session from its parser; the replies are in the output."""
        cdef Parser parser = session.parser
        cdef Keyspace keyspace = <Keyspace>self.store.databases[session.database]
        cdef Request* request
        cdef int read = 0
        cdef int next_read = 0
        cdef int status = TURN_OVER
        cdef int done = 0
        cdef int last = -1
        cdef Py_ssize_t size
        cdef bint is_queueing = len(session.replies.waiting) > 0
        self.note_activity(session)
        if self.store.shared.state.now_ms >= self.lease_until_ms:
            return COMMAND
        while done < TURN_COMMANDS and self.output.size < TURN_BYTES:
            if next_read == read:
                read = self.read_ahead(
                    parser.data + parser.position,
                    parser.data + parser.end,
                    parser.bulk_bytes_max,
                    &keyspace.space,
                )
                next_read = 0
                if read <= 0:
                    status = WAITING if read == INCOMPLETE else COMMAND
                    break
            request = &self.ahead[next_read]
            next_read += 1
            if request.hot == NULL:
                status = COMMAND
                break
            if is_queueing and session.replies.has_no_room():
                status = COMMAND  # which will find that the session is stalled
                break
            size = request.behind - parser.data - parser.position
            if (
                not self.is_alone
                and request.key_count == 1
                and not self.may_run(request)
            ):
                if not self.may_forward(request, size):
                    status = COMMAND
                    break
                self.forward(session, request, parser.data + parser.position, size)
                is_queueing = True
            else:
                self.time_from_now(request.hot.number)
                if not self.run_one(request, keyspace, session.protocol):
                    status = COMMAND
                    break
                self.calls[request.hot.number] += 1
                if is_queueing:
                    self.queue_output(session)
            parser.position += size
            done += 1
            last = request.hot.number
        self.time_from_now(-1)
        if last >= 0:
            session.last_command = <object>self.names[last]
        session.commands_processed += done
        return status

    cdef bint may_run(self, const Request* request) noexcept:
        """Whether a command with one key may run here at once."""
        return self.direct[request.places[0].slot] >= request.hot.leave

    cdef bint may_forward(self, const Request* request, Py_ssize_t size) noexcept:
        """Whether such a command, with so many bytes, can be sent to its owner just so."""
        return self.owners[request.places[0].slot] is not None and size <= FORWARDED_BYTES_MAX

    cdef bint run_one(self, Request* request, Keyspace keyspace, int protocol) except -1:
        """Run a command here; False, and nothing has been answered, if Python has to."""
        cdef size_t started = self.output.size
        if not run_hot(self, request, keyspace, protocol):
            return False
        if request.key_count != 1 or self.direct[request.places[0].slot] == DIRECT:
            return True
        # What has expired or was evicted here is to be told to the copies before it is seen.
        if not self.store.shared.removed:
            return True
        self.output.size = started
        return False

    cdef int note_activity(self, Session session) except -1:
        """Note that the client of a session has sent something now."""
        self.store.shared.look_at_clock()
        session.last_active_ms = self.store.shared.state.now_ms
        return 0

    cdef int read_ahead(
        self, const char* start, const char* end, int64_t bulk_bytes_max, Space* space
    ) noexcept:
        """Read some of the next requests, and have what they will look for fetched.

        How many there are, or why there is none. Only the last may be none of the hot commands.
        """
        cdef Request* request
        cdef Argument* arguments = self.arguments_read
        cdef Place* places = self.places_read
        cdef int count
        cdef int read = 0
        while read < AHEAD_MAX:
            request = &self.ahead[read]
            count = read_request(
                start,
                end,
                bulk_bytes_max,
                arguments,
                self.arguments_read + ARGUMENTS_MAX - arguments,
                &request.behind,
            )
            if count <= 0:
                break
            read += 1
            request.arguments = arguments
            request.places = places
            self.prepare(request, count, space.state)
            arguments += count
            places += request.place_count
            start = request.behind
            if request.hot == NULL or places > self.places_read + PLACES_AHEAD:
                break
        if places - self.places_read > 1:
            fetch_ahead(space, self.places_read, places - self.places_read)
        return read if read else count

    cdef void prepare(self, Request* request, int count, const State* state) noexcept:
        """Find out what a request of so many arguments asks for."""
        cdef Hot* hot = self.find(&request.arguments[0])
        cdef Argument* key
        request.count = count
        request.key_count = request.place_count = 0
        request.hot = NULL
        if hot == NULL or not (count == hot.arity or count >= -hot.arity > 0):
            return
        if hot.number == OBJECT_ENCODING and not is_word(&request.arguments[1], b"encoding", 8):
            return
        request.hot = hot
        request.first_key = 2 if hot.number == OBJECT_ENCODING else 1
        request.key_step = 2 if hot.number in (MSET, MSETNX) else 1
        request.key_count = key_count(hot.number, count)
        while request.place_count < min(request.key_count, PLACES_PER_REQUEST):
            key = &request.arguments[request.first_key + request.place_count * request.key_step]
            request.places[request.place_count].slot = slot_of(key.data, key.size)
            request.places[request.place_count].hash = sip_hash(
                key.data, key.size, state.secret_0, state.secret_1
            )
            request.place_count += 1

    cdef int forward(
        self, Session session, const Request* request, const char* text, size_t size
    ) except -1:
        """Send a request to the owner of its slot, and keep the place of its reply."""
        cdef Call call = Call.__new__(Call)
        cdef uint32_t slot = request.places[0].slot
        if self.output.size or self.pieces:
            self.queue_output(session)
        call.member = self.owners[slot]
        call.word = session.database | (RESP3 if session.protocol == 3 else 0)
        call.stamp = self.stamps[slot] if request.hot.leave == DIRECT else None
        if call.stamp is None:
            call.request = PyBytes_FromStringAndSize(text, size)
        else:
            call.word |= TAGGED
            call.request = self.add_tag(call, text, size)
        call.size_bytes = size
        call.queue = session.replies
        call.session = session.number
        session.replies.waiting.append(call)
        session.replies.waiting_bytes += size
        self.calls_to_others.add_call(call, self.store.shared.state.now_ms)
        self.forwarded_out += 1
        self.has_forwarded = True
        return 0

    cdef bytes add_tag(self, Call call, const char* text, size_t size):
        """Return a request with a new tag in front of it, as `link.batch.add_tag` does."""
        cdef bytes tagged = PyBytes_FromStringAndSize(NULL, TAG_BYTES + size)
        cdef char* place = PyBytes_AS_STRING(tagged)
        call.counter = self.tags.take()
        put_long_le(place, call.counter)
        put_long_le(place + 8, self.tags.tag(call.counter)[1])
        memcpy(place + TAG_BYTES, text, size)
        return tagged

    cdef int queue_output(self, Session session) except -1:
        """Put what was replied so far behind the replies that are still to come."""
        cdef list pieces = as_list(self.take_output())
        if session.replies.waiting:
            # They are one reply, which has one place.
            session.replies.add_answer(pieces[0] if len(pieces) == 1 else b"".join(pieces))
            return 0
        for piece in pieces:
            session.replies.add_answer(piece)
        self.calls_to_others.answered_sessions.setdefault(session.number, False)
        return 0

    def serve(self, backlog):
        """See `fast.Engine.serve`."""
        cdef tuple record
        cdef bytes text
        cdef int served = 0
        self.begin_results()
        while backlog and served < RECORDS_MAX and self.output.size < FRAME_BYTES:
            record = backlog[0]
            text = record[2]
            if not self.prepare_call(
                &self.ahead[0],
                <uint32_t>record[0],
                <uint32_t>record[1],
                PyBytes_AS_STRING(text),
                PyBytes_GET_SIZE(text),
                self.arguments_read,
                self.places_read,
            ):
                break
            if not self.serve_call(&self.ahead[0]):
                break
            backlog.popleft()
            served += 1
        if not self.end_results(served):
            return None
        frame = PyBytes_FromStringAndSize(self.output.data, self.output.size)
        self.output.size = 0
        return frame

    cdef int begin_results(self) except -1:
        """Begin a frame of results in the output, which is empty between events."""
        self.store.shared.look_at_clock()
        reserve(&self.output, FRAME_HEAD_BYTES)
        self.output.size = FRAME_HEAD_BYTES
        self.is_serving = True
        return 0

    cdef bint prepare_call(
        self, Request* request, uint32_t call_id, uint32_t word, const char* text, size_t size,
        Argument* arguments, Place* places,
    ) noexcept:
        """Read a call of another member; False if it is not one hot command with one key."""
        cdef int count
        if word & (NO_TOUCH | TAGGED) or (word & 0xFF) >= <uint32_t>len(self.store.databases):
            return False
        count = read_request(
            text,
            text + size,
            BULK_BYTES_MAX,
            arguments,
            self.arguments_read + ARGUMENTS_MAX - arguments,
            &request.behind,
        )
        if count <= 0 or request.behind != text + size:
            return False
        request.arguments = arguments
        request.places = places
        request.call_id = call_id
        request.word = word
        self.prepare(request, count, &self.store.shared.state)
        return request.hot != NULL and request.key_count == 1

    cdef bint serve_call(self, Request* request) except -1:
        """Run a call and add its result to the frame; False if Python has to run it."""
        cdef Output* output = &self.output
        cdef size_t started = output.size
        cdef Keyspace keyspace = <Keyspace>self.store.databases[request.word & 0xFF]
        cdef size_t size
        if self.store.shared.state.now_ms >= self.lease_until_ms:
            return False
        self.time_from_now(request.hot.number)
        reserve(output, RECORD_HEAD_BYTES)
        output.size += RECORD_HEAD_BYTES
        if not self.run_one(request, keyspace, 3 if request.word & RESP3 else 2):
            output.size = started
            return False
        size = output.size - started - RECORD_HEAD_BYTES
        put_number_le(output.data + started, request.call_id)
        put_number_le(output.data + started + 4, 0)
        put_number_le(output.data + started + 8, <uint32_t>size)
        self.calls[request.hot.number] += 1
        return True

    cdef bint end_results(self, int served) except -1:
        """Complete the frame in the output, of so many results; False if there is none."""
        self.is_serving = False
        self.time_from_now(-1)
        self.forwarded_in += served
        if self.output.has_failed:
            self.output.has_failed = False
            self.output.size = 0
            raise MemoryError("no memory for results")
        if not served:
            self.output.size = 0
            return False
        put_frame_head(self.output.data, RESULTS_KIND, self.output.size - FRAME_HEAD_BYTES)
        return True

    cdef int time_from_now(self, int number) noexcept:
        """Count the time from now on for this command (-1: none), and that until now for the last."""
        cdef int64_t now_ns
        if number == self.timed:
            return 0
        now_ns = _monotonic_ns()
        if self.timed >= 0:
            self.duration_ns[self.timed] += now_ns - self.timed_since_ns
        self.timed = number
        self.timed_since_ns = now_ns
        return 0

    cdef object take_output(self):
        """The replies since the last time: bytes, a list of them, or None."""
        cdef object taken = None
        if self.output.size:
            taken = PyBytes_FromStringAndSize(self.output.data, self.output.size)
            self.output.size = 0
            if self.output.room > OUTPUT_BYTES_KEPT:
                free(self.output.data)
                self.output.data = NULL
                self.output.room = 0
        if self.output.has_failed:
            self.output.has_failed = False
            raise MemoryError("no memory for replies")
        if not self.pieces:
            return taken
        pieces, self.pieces = self.pieces, []
        if taken is not None:
            pieces.append(taken)
        return pieces

    cdef int put_object(self, object value) except -1:
        """Reply with a large string, by reference."""
        put_number(&self.output, c"$", PyBytes_GET_SIZE(value))
        self.pieces.append(PyBytes_FromStringAndSize(self.output.data, self.output.size))
        self.output.size = 0
        self.pieces.append(value)
        put(&self.output, b"\r\n", 2)
        return 0


cdef list as_list(object replies):
    if replies is None:
        return []
    return [replies] if type(replies) is bytes else replies


cdef class Session:
    """The native side of one client's session: where its bytes are, and what was counted.

    ``is_plain`` says that hot commands may be run; whoever changes what that depends on keeps it
    up to date (`memcloud.session.Session.refresh`).
    """

    def __cinit__(self, Engine engine, int64_t number, Parser parser, ReplyQueue replies):
        self.engine = engine
        self.number = number
        self.parser = parser
        self.replies = replies
        self.protocol = 2
        self.last_command = "NULL"

    cdef int send(self, list replies) except -1:
        """Write replies to the client."""
        cdef Py_ssize_t size = 0
        for reply in replies:
            size += PyBytes_GET_SIZE(reply)
        self.bytes_sent += size
        self.engine.bytes_sent += size
        self.socket.send_pieces(replies)
        return 0

    cdef int send_output(self) except -1:
        """Write the replies of the engine to the client."""
        cdef Output* output = &self.engine.output
        if self.engine.pieces or output.has_failed or output.room > OUTPUT_BYTES_KEPT:
            self.send(as_list(self.engine.take_output()))
        elif output.size:
            self.bytes_sent += output.size
            self.engine.bytes_sent += output.size
            self.socket.send(output.data, output.size)
            output.size = 0
        return 0

    def run(self):
        """Run hot commands from the bytes that the parser has, as one turn.

        Return what it has come to (see fast.py) and the replies, a list of
        bytes.
        """
        cdef int status = WAITING
        if not self.parser.is_between():
            return COMMAND, []
        status = self.engine.run(self)
        return status, as_list(self.engine.take_output())


cdef bytearray SHARED = bytearray(RECEIVE_BYTES)
cdef object SHARED_VIEW = memoryview(SHARED)


cdef class Port(Socket):
    """Where the bytes of a connection arrive: the part of a buffered asyncio protocol that is hot.

    Small requests arrive in a buffer that all connections share, since they are read before the
    loop turns to the next one. A large argument is received where it stays.
    """

    cdef Session session
    cdef bint is_landing

    def attach(self, transport):
        """Begin to send."""
        self.open(transport)

    def begin(self, Session session):
        """Begin to take what the client sends."""
        self.session = session
        session.socket = self

    def detach(self):
        """Take and send nothing more."""
        if self.session is not None:
            self.session.socket = None
        self.session = None
        self.shut()

    def go_on(self, list replies, bint is_turn_over):
        """Let Python do what is left of what was received; to be overridden."""
        raise NotImplementedError

    def received(self, data):
        """Let Python take what was received; to be overridden."""
        raise NotImplementedError

    def has_forwarded(self):
        """Let Python send what was forwarded at the end of this turn; to be overridden."""
        raise NotImplementedError

    def get_buffer(self, hint):
        """Return where the next bytes are to be written."""
        cdef char* place = NULL
        cdef Py_ssize_t size = 0
        if self.session is not None:
            place = self.session.parser.landing(&size)
        self.is_landing = place != NULL
        if place == NULL:
            return SHARED_VIEW
        return PyMemoryView_FromMemory(place, min(size, LANDING_BYTES_MAX), PyBUF_WRITE)

    def buffer_updated(self, Py_ssize_t size):
        """Take so many bytes."""
        cdef Session session = self.session
        cdef Engine engine
        cdef Parser parser
        cdef int status = COMMAND
        cdef Py_ssize_t left = 0
        if session is None or session.is_closing:
            return
        engine, parser = session.engine, session.parser
        if not session.bytes_received and SHARED[0] == TLS_RECORD:
            self.received(SHARED_VIEW[:size])  # which looks closer
            return
        session.bytes_received += size
        engine.bytes_received += size
        if self.is_landing:
            parser.landed(size)
            if parser.landing(&left) != NULL:
                engine.note_activity(session)
                return
        else:
            parser.lend(PyByteArray_AS_STRING(SHARED), size)
        if session.is_plain and not engine.is_paused and parser.is_between():
            status = engine.run(session)
        parser.keep()
        if status != WAITING:
            engine.has_forwarded = False
            self.go_on(as_list(engine.take_output()), status == TURN_OVER)
            return
        if engine.has_forwarded:
            engine.has_forwarded = False
            if not engine.calls_to_others.is_flush_due:
                engine.calls_to_others.is_flush_due = True
                self.has_forwarded()
        session.send_output()
