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
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memmove, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from memcloud.resp._parser_c cimport Parser
from memcloud.store._entries cimport deadline_of, key_of, object_bytes, object_of, value_of
from memcloud.store._hashing cimport fill_crc16, sip_hash, slot_of
from memcloud.store._spaces cimport (
    Content,
    Place,
    count_deadline_again,
    fetch_ahead,
    note_access,
    space_find_live,
    space_find_live_at,
    space_insert,
    space_remove,
    space_replace,
)
from memcloud.store._store_c cimport Keyspace, Store
from memcloud.store._structs cimport (
    CACHE,
    DEADLINE,
    INLINE_BYTES_MAX,
    OBJECT,
    PINNED,
    SLOTS,
    Entry,
    Space,
    State,
)

from ._calls_c cimport (
    FRAME_HEAD_BYTES,
    RECORD_HEAD_BYTES,
    Call,
    Calls,
    ReplyQueue,
    put_frame_head,
    put_number_le,
)
from ._output cimport Output, put, put_nil, put_number, put_string, reserve
from ._requests cimport (
    ARGUMENTS_MAX,
    INCOMPLETE,
    UNUSUAL,
    Argument,
    parse_integer,
    read_integer,
    read_request,
    read_word,
    write_integer,
)

from memcloud.link.frames import Kind

fill_crc16()

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

    LARGE_BYTES = 65536  # of replies; joining them would cost more than it saves
    LANDING_BYTES_MAX = 262144  # at once, so that a large value does not delay the others
    OBJECT_OVERHEAD_BYTES = 64

# What `Engine.run` has come to; the values are those in fast.py.
cdef enum:
    WAITING = 0  # nothing more can be done before more bytes are here
    COMMAND = 1  # the next command is none for us
    TURN_OVER = 2

# Far beyond any deadline that makes sense, and far from the ends of 64 bits.
cdef int64_t AMOUNT_MAX = 1000000000000

cdef enum Number:
    GET
    SET
    MGET
    MSET
    DEL
    UNLINK
    EXISTS
    TOUCH
    INCR
    DECR
    INCRBY
    DECRBY
    APPEND
    STRLEN
    GETRANGE
    SUBSTR
    SETRANGE
    SETNX
    SETEX
    PSETEX
    GETSET
    GETDEL
    GETEX
    TYPE
    TTL
    PTTL
    EXPIRETIME
    PEXPIRETIME
    EXPIRE
    PEXPIRE
    EXPIREAT
    PEXPIREAT
    PERSIST
    PING
    ECHO

HOT_COMMANDS = (
    "get", "set", "mget", "mset", "del", "unlink", "exists", "touch", "incr", "decr", "incrby",
    "decrby", "append", "strlen", "getrange", "substr", "setrange", "setnx", "setex", "psetex",
    "getset", "getdel", "getex", "type", "ttl", "pttl", "expiretime", "pexpiretime", "expire",
    "pexpire", "expireat", "pexpireat", "persist", "ping", "echo",
)


cdef inline uint8_t _cell(const uint64_t* word) noexcept nogil:
    return <uint8_t>(((word[0] ^ word[1]) * 0x9E3779B97F4A7C15ULL) >> 56)


cdef inline int64_t _monotonic_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef inline bint _is(const Argument* argument, const char* word, size_t size) noexcept nogil:
    """Whether an argument is that word of small letters, in any case."""
    cdef size_t i
    if argument.size != size:
        return False
    for i in range(size):
        if argument.data[i] | 0x20 != word[i]:
            return False
    return True


cdef class Engine:
    """What the native sessions of a node share: its store, and where each slot is."""

    def __cinit__(self, commands, store, clock, calls):
        cdef Argument name
        cdef uint64_t word[2]
        cdef uint8_t cell
        cdef int number
        self.store = store
        self.clock = clock
        self.calls_to_others = calls
        self.names = HOT_COMMANDS
        self.sessions = {}
        self.pieces = []
        self.is_alone = True
        self.timed = -1
        self.string_bytes_max = INLINE_BYTES_MAX
        memset(self.mine, 1, sizeof(self.mine))
        for number in range(len(HOT_COMMANDS)):
            command = commands.find(HOT_COMMANDS[number].encode())
            text = command.name.encode()
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

    def __dealloc__(self):
        free(self.output.data)

    def own(self, owners, me):
        """Take note of who owns each slot."""
        cdef int slot
        self.owners = tuple(owners)
        for slot in range(SLOTS):
            self.mine[slot] = owners[slot] == me

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

    def send_answers(self, bint can_write):
        """Write the replies that have come from other members to the clients that wait for them.

        Not if there are effects that have not been carried out, which may be earlier replies.
        Return the numbers of the sessions that have more to do than that, with whether they had no
        room for more commands before.
        """
        cdef Session session
        cdef dict left = {}
        for number, had_no_room in self.calls_to_others.take_answered().items():
            session = self.sessions.get(number)
            if (
                not can_write
                or session is None
                or had_no_room
                or session.write is None
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
        self.store.shared.look_at_clock()
        session.last_active_ms = self.store.shared.state.now_ms
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
            if not self.is_alone and request.has_one_key and not self.mine[request.places[0].slot]:
                if self.owners[request.places[0].slot] is None or size > FORWARDED_BYTES_MAX:
                    status = COMMAND
                    break
                self.forward(
                    session, request.places[0].slot, parser.data + parser.position, size
                )
                is_queueing = True
            else:
                self.time_from_now(request.hot.number)
                if not self.execute(request, keyspace, session.protocol):
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
        cdef int keys = 0
        request.count = count
        request.place_count = 0
        request.hot = NULL
        if hot == NULL or not (count == hot.arity or count >= -hot.arity > 0):
            return
        request.hot = hot
        request.step = 2 if hot.number == MSET else 1
        if hot.number in (MGET, MSET, DEL, UNLINK, EXISTS, TOUCH):
            keys = min((count - 1) // request.step, PLACES_PER_REQUEST)
        elif hot.number not in (PING, ECHO):
            keys = 1
        request.has_one_key = has_one_key(hot.number, count)
        while request.place_count < keys:
            key = &request.arguments[1 + request.place_count * request.step]
            request.places[request.place_count].slot = slot_of(key.data, key.size)
            request.places[request.place_count].hash = sip_hash(
                key.data, key.size, state.secret_0, state.secret_1
            )
            request.place_count += 1

    cdef int forward(self, Session session, uint32_t slot, const char* request, size_t size) except -1:
        """Send a request to the owner of its slot, and keep the place of its reply."""
        cdef Call call = Call.__new__(Call)
        if self.output.size or self.pieces:
            self.queue_output(session)
        call.member = self.owners[slot]
        call.word = session.database | (RESP3 if session.protocol == 3 else 0)
        call.request = PyBytes_FromStringAndSize(request, size)
        call.size_bytes = size
        call.queue = session.replies
        call.session = session.number
        session.replies.waiting.append(call)
        session.replies.waiting_bytes += size
        self.calls_to_others.add_call(call, self.store.shared.state.now_ms)
        self.forwarded_out += 1
        self.has_forwarded = True
        return 0

    cdef int queue_output(self, Session session) except -1:
        """Put what was replied so far behind the replies that are still to come."""
        for piece in as_list(self.take_output()):
            session.replies.add_answer(piece)
        if not session.replies.waiting:
            self.calls_to_others.answered_sessions.setdefault(session.number, False)
        return 0

    def serve(self, backlog):
        """Run hot calls of another member from the front of a backlog.

        Return a frame with the results of some of them, None if the first one is not hot.
        """
        cdef Output* output = &self.output
        cdef tuple record
        cdef bytes text
        cdef const char* end
        cdef Request* request = &self.ahead[0]
        cdef Keyspace keyspace
        cdef int64_t word
        cdef int64_t started
        cdef int64_t size
        cdef int served = 0
        cdef bint is_done
        self.store.shared.look_at_clock()
        reserve(output, FRAME_HEAD_BYTES)
        output.size = FRAME_HEAD_BYTES
        self.is_serving = True
        while backlog and served < RECORDS_MAX and output.size < FRAME_BYTES:
            record = backlog[0]
            word = record[1]
            text = record[2]
            end = PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
            if word & NO_TOUCH or (word & 0xFF) >= len(self.store.databases):
                break
            keyspace = <Keyspace>self.store.databases[word & 0xFF]
            if self.read_ahead(PyBytes_AS_STRING(text), end, BULK_BYTES_MAX, &keyspace.space) <= 0:
                break
            if request.hot == NULL or not request.has_one_key or request.behind != end:
                break
            self.time_from_now(request.hot.number)
            started = output.size
            reserve(output, RECORD_HEAD_BYTES)
            output.size += RECORD_HEAD_BYTES
            is_done = self.execute(request, keyspace, 3 if word & RESP3 else 2)
            if not is_done:
                output.size = started
                break
            backlog.popleft()
            size = output.size - started - RECORD_HEAD_BYTES
            put_number_le(output.data + started, <uint32_t>record[0])
            put_number_le(output.data + started + 4, 0)
            put_number_le(output.data + started + 8, <uint32_t>size)
            self.calls[request.hot.number] += 1
            served += 1
        self.is_serving = False
        self.time_from_now(-1)
        if served:
            put_frame_head(output.data, RESULTS_KIND, output.size - FRAME_HEAD_BYTES)
            frame = PyBytes_FromStringAndSize(output.data, output.size)
            self.forwarded_in += served
        else:
            frame = None
        output.size = 0
        return frame

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

    cdef bint execute(self, Request* request, Keyspace keyspace, int protocol) except -1:
        """Run one command; False, and nothing has happened, if it is none for us."""
        cdef int number = request.hot.number
        cdef int count = request.count
        cdef Space* space = &keyspace.space
        cdef Output* output = &self.output
        cdef Argument* key = &request.arguments[1]
        self.request = request
        self.arguments = request.arguments
        if request.hot.needs_memory and not self.store.keep_limit(self.store.limit_now):
            return False
        if number == PING:
            if count > 2:
                return False
            if count == 2:
                put_string(output, key.data, key.size)
            else:
                put(output, b"+PONG\r\n", 7)
            return True
        if number == ECHO:
            put_string(output, key.data, key.size)
            return True
        if not self.is_alone and number in (MGET, MSET, DEL, UNLINK, EXISTS, TOUCH):
            if not owns_all(self, number, count):
                return False
        elif not self.mine[request.places[0].slot]:
            return False
        if number == GET:
            return run_get(self, space, protocol)
        if number == SET:
            return run_set(self, space, count, protocol)
        if number in (INCR, DECR, INCRBY, DECRBY):
            return run_add(self, space, number)
        if number == MGET:
            return run_mget(self, space, count, protocol)
        if number == MSET:
            return run_mset(self, space, count)
        if number in (DEL, UNLINK, EXISTS, TOUCH):
            return run_counted(self, space, number, count)
        if number in (GETSET, GETDEL, GETEX):
            return count == (3 if number == GETSET else 2) and run_get_and(
                self, space, number, protocol
            )
        if number in (SETNX, SETEX, PSETEX):
            return run_set_kin(self, space, number)
        if number in (APPEND, SETRANGE):
            return run_change(self, space, number)
        if number in (STRLEN, GETRANGE, SUBSTR):
            return run_part(self, space, number)
        if number in (TTL, PTTL, EXPIRETIME, PEXPIRETIME):
            return run_remaining(self, space, number)
        if number in (EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT):
            return count == 3 and run_expire(self, space, number)
        if number == PERSIST:
            return run_persist(self, space)
        if number == TYPE:
            return run_type(self, space)
        return False


cdef inline bint has_one_key(int number, int count) noexcept nogil:
    """Whether a command of so many arguments has just one key, its first argument."""
    if number in (MGET, DEL, UNLINK, EXISTS, TOUCH):
        return count == 2
    return count == 3 if number == MSET else number not in (PING, ECHO)


cdef bint owns_all(Engine engine, int number, int count) noexcept:
    """Whether all keys of a command live here."""
    cdef int i
    for i in range(1, count, 2 if number == MSET else 1):
        if not engine.mine[slot_of(engine.arguments[i].data, engine.arguments[i].size)]:
            return False
    return True


cdef inline Entry* find_key(Engine engine, Space* space, int number, Place* place) noexcept:
    """The live entry of a key of the command that is run, by its number from 0."""
    cdef Request* request = engine.request
    cdef Argument* key = &engine.arguments[1 + number * request.step]
    if number < request.place_count:
        place.slot = request.places[number].slot
        place.hash = request.places[number].hash
        return space_find_live_at(space, key.data, key.size, place)
    return space_find_live(space, key.data, key.size, place)


cdef inline bint is_string(const Entry* entry) noexcept:
    return not entry.flags & OBJECT or type(<object>object_of(entry)) is bytes


cdef inline bint is_served(Engine engine, const Entry* entry) noexcept:
    """Whether a value can be the reply: a string, and for another member not a large one."""
    if not entry.flags & OBJECT:
        return True
    return not engine.is_serving and type(<object>object_of(entry)) is bytes


cdef inline size_t string_bytes(const Entry* entry) noexcept:
    """The length of a value that is a string."""
    if entry.flags & OBJECT:
        return PyBytes_GET_SIZE(<object>object_of(entry))
    return entry.value_bytes


cdef inline const char* string_data(const Entry* entry) noexcept:
    if entry.flags & OBJECT:
        return PyBytes_AS_STRING(<object>object_of(entry))
    return value_of(entry)


cdef inline int put_value(Engine engine, const Entry* entry) except -1:
    if entry.flags & OBJECT:
        engine.put_object(<object>object_of(entry))
    else:
        put_string(&engine.output, value_of(entry), entry.value_bytes)
    return 0


cdef inline void count_access(State* state, Entry* entry) noexcept:
    """What `Keyspace.get` does to statistics and to the entry."""
    if entry == NULL:
        state.misses += 1
    else:
        state.hits += 1
        note_access(state, entry)


cdef inline int store_value(
    Space* space, const Argument* key, Place* place, Entry* entry, const Argument* value,
    uint8_t flags, int64_t deadline_ms,
) except -1:
    """What `Keyspace.set` does, to the entry that was found (or not)."""
    cdef Content content
    cdef object large
    content.flags = flags
    content.deadline_ms = deadline_ms
    content.value = value.data
    content.value_bytes = value.size
    content.object = NULL
    content.object_bytes = 0
    if value.size > INLINE_BYTES_MAX:
        large = PyBytes_FromStringAndSize(value.data, value.size)
        content.value_bytes = 0
        content.object = <PyObject*>large
        content.object_bytes = value.size + OBJECT_OVERHEAD_BYTES
    if entry == NULL:
        entry = space_insert(space, key.data, key.size, place, &content)
    else:
        note_access(space.state, entry)
        entry = space_replace(space, key.data, key.size, place, &content)
    if entry == NULL:
        raise MemoryError("no memory for a key")
    return 0


cdef inline uint8_t kept_flags(const Space* space, const Entry* entry) noexcept:
    """The flags that an entry has for `Keyspace.replace`."""
    return space.retention if entry == NULL else entry.flags & (DEADLINE | PINNED | CACHE)


cdef inline int64_t kept_deadline(const Entry* entry) noexcept:
    return deadline_of(entry) if entry != NULL and entry.flags & DEADLINE else 0


cdef bint run_get(Engine engine, Space* space, int protocol) except -1:
    cdef Place place
    cdef Entry* entry
    entry = find_key(engine, space, 0, &place)
    if entry != NULL and not is_served(engine, entry):
        return False
    count_access(space.state, entry)
    if entry == NULL:
        put_nil(&engine.output, protocol)
    else:
        put_value(engine, entry)
    return True


cdef bint run_set(Engine engine, Space* space, int count, int protocol) except -1:
    cdef Argument* arguments = engine.arguments
    cdef Argument* option
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    cdef int64_t deadline_ms = 0
    cdef bint is_new_only = False
    cdef bint is_old_only = False
    cdef bint has_deadline = False
    cdef int i = 3
    while i < count:
        option = &arguments[i]
        if _is(option, b"nx", 2) and not is_old_only:
            is_new_only = True
        elif _is(option, b"xx", 2) and not is_new_only:
            is_old_only = True
        elif not has_deadline and i + 1 < count and (_is(option, b"ex", 2) or _is(option, b"px", 2)):
            if not read_integer(&arguments[i + 1], &amount) or not 0 < amount < AMOUNT_MAX:
                return False
            has_deadline = True
            deadline_ms = space.state.now_ms + (
                amount * 1000 if option.data[0] | 0x20 == c"e" else amount
            )
            i += 1
        else:
            return False
        i += 1
    entry = find_key(engine, space, 0, &place)
    if (is_new_only and entry != NULL) or (is_old_only and entry == NULL):
        put_nil(&engine.output, protocol)
        return True
    store_value(
        space, &arguments[1], &place, entry, &arguments[2],
        space.retention | (DEADLINE if has_deadline else 0), deadline_ms,
    )
    put(&engine.output, b"+OK\r\n", 5)
    return True


cdef bint run_add(Engine engine, Space* space, int number) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Argument text
    cdef char digits[24]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 1
    cdef int64_t total = 0
    if number in (INCRBY, DECRBY) and not read_integer(&engine.arguments[2], &amount):
        return False
    if number in (DECR, DECRBY):
        if amount == -0x7FFFFFFFFFFFFFFF - 1:
            return False
        amount = -amount
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if entry.flags & OBJECT or not parse_integer(value_of(entry), entry.value_bytes, &total):
            return False
    if amount > 0 and total > 0x7FFFFFFFFFFFFFFF - amount:
        return False
    if amount < 0 and total < -0x7FFFFFFFFFFFFFFF - 1 - amount:
        return False
    total += amount
    text.data = digits
    text.size = write_integer(digits, total)
    store_value(space, key, &place, entry, &text, kept_flags(space, entry), kept_deadline(entry))
    put_number(&engine.output, c":", total)
    return True


cdef bint run_mget(Engine engine, Space* space, int count, int protocol) except -1:
    cdef Place place
    cdef Entry* entry
    cdef int i
    if engine.is_serving:
        return False
    put_number(&engine.output, c"*", count - 1)
    for i in range(count - 1):
        entry = find_key(engine, space, i, &place)
        count_access(space.state, entry)
        if entry != NULL and is_string(entry):
            put_value(engine, entry)
        else:
            put_nil(&engine.output, protocol)
    return True


cdef bint run_mset(Engine engine, Space* space, int count) except -1:
    cdef Argument* key
    cdef Place place
    cdef Entry* entry
    cdef int i
    if count % 2 == 0:
        return False
    for i in range(count // 2):
        key = &engine.arguments[1 + 2 * i]
        entry = find_key(engine, space, i, &place)
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    put(&engine.output, b"+OK\r\n", 5)
    return True


cdef bint run_counted(Engine engine, Space* space, int number, int count) except -1:
    cdef Place place
    cdef Entry* entry
    cdef int found = 0
    cdef int i
    for i in range(count - 1):
        entry = find_key(engine, space, i, &place)
        if number == TOUCH:
            count_access(space.state, entry)
        if entry != NULL:
            found += 1
            if number in (DEL, UNLINK):
                space_remove(space, &place)
    put_number(&engine.output, c":", found)
    return True


cdef bint run_get_and(Engine engine, Space* space, int number, int protocol) except -1:
    """GETSET, GETDEL, and GETEX without options."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    if entry != NULL and not is_served(engine, entry):
        return False
    count_access(space.state, entry)
    if entry == NULL:
        put_nil(&engine.output, protocol)
    else:
        put_value(engine, entry)
    if number == GETSET:
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    elif number == GETDEL and entry != NULL:
        space_remove(space, &place)
    return True


cdef bint run_set_kin(Engine engine, Space* space, int number) except -1:
    """SETNX, SETEX, PSETEX."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    if number != SETNX:
        if not read_integer(key + 1, &amount) or not 0 < amount < AMOUNT_MAX:
            return False
        entry = find_key(engine, space, 0, &place)
        amount = space.state.now_ms + (amount * 1000 if number == SETEX else amount)
        store_value(space, key, &place, entry, key + 2, space.retention | DEADLINE, amount)
        put(&engine.output, b"+OK\r\n", 5)
        return True
    entry = find_key(engine, space, 0, &place)
    if entry == NULL:
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    put_number(&engine.output, c":", entry == NULL)
    return True


cdef bint run_change(Engine engine, Space* space, int number) except -1:
    """APPEND and SETRANGE, as long as the result is kept inline."""
    cdef Argument* key = &engine.arguments[1]
    cdef Argument* patch = key + (1 if number == APPEND else 2)
    cdef Argument text
    cdef char scratch[INLINE_BYTES_MAX]
    cdef Place place
    cdef Entry* entry
    cdef int64_t offset = 0
    cdef int64_t size = 0
    cdef int64_t before
    if number == SETRANGE and (not read_integer(key + 1, &offset) or offset < 0 or not patch.size):
        return False
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if entry.flags & OBJECT:
            return False
        size = entry.value_bytes
    if number == APPEND:
        offset = size
    if offset > INLINE_BYTES_MAX or offset + <int64_t>patch.size > INLINE_BYTES_MAX:
        return False
    before = size
    if before:
        memcpy(scratch, value_of(entry), before)
    if offset > before:
        memset(scratch + before, 0, offset - before)
    memcpy(scratch + offset, patch.data, patch.size)
    size = max(size, offset + <int64_t>patch.size)
    text.data = scratch
    text.size = size
    store_value(space, key, &place, entry, &text, kept_flags(space, entry), kept_deadline(entry))
    put_number(&engine.output, c":", size)
    return True


cdef bint run_part(Engine engine, Space* space, int number) except -1:
    """STRLEN, GETRANGE, SUBSTR."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t first = 0
    cdef int64_t last = 0
    cdef int64_t size = 0
    if number != STRLEN and not (read_integer(key + 1, &first) and read_integer(key + 2, &last)):
        return False
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if not (is_string(entry) if number == STRLEN else is_served(engine, entry)):
            return False
        size = string_bytes(entry)
    count_access(space.state, entry)
    if number == STRLEN:
        put_number(&engine.output, c":", size)
        return True
    if first < 0 and last < 0 and first > last:
        put(&engine.output, b"$0\r\n\r\n", 6)
        return True
    first = max(0, first + size if first < 0 else first)
    last = min(size - 1, max(0, last + size if last < 0 else last))
    if first > last:
        put(&engine.output, b"$0\r\n\r\n", 6)
    else:
        put_string(&engine.output, string_data(entry) + first, last - first + 1)
    return True


cdef bint run_remaining(Engine engine, Space* space, int number) except -1:
    """TTL, PTTL, EXPIRETIME, PEXPIRETIME."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef int64_t shown_ms
    if entry == NULL:
        put_number(&engine.output, c":", -2)
    elif not entry.flags & DEADLINE:
        put_number(&engine.output, c":", -1)
    else:
        if number in (TTL, PTTL):
            shown_ms = deadline_of(entry) - space.state.now_ms
        else:
            shown_ms = deadline_of(entry) + <int64_t>engine.clock.unix_offset_ms()
        shown_ms = max(0, shown_ms)
        if number in (TTL, EXPIRETIME):
            shown_ms = shown_ms // 1000 + (shown_ms % 1000 >= 500)
        put_number(&engine.output, c":", shown_ms)
    return True


cdef bint run_expire(Engine engine, Space* space, int number) except -1:
    """EXPIRE and its kin, without conditions."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    cdef int64_t deadline_ms
    if not read_integer(key + 1, &amount) or not -AMOUNT_MAX < amount < AMOUNT_MAX:
        return False
    deadline_ms = amount * 1000 if number in (EXPIRE, EXPIREAT) else amount
    if number in (EXPIRE, PEXPIRE):
        deadline_ms += space.state.now_ms
    else:
        deadline_ms -= <int64_t>engine.clock.unix_offset_ms()
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if deadline_ms <= space.state.now_ms:
            space_remove(space, &place)
        else:
            put_deadline(space, &place, entry, deadline_ms, True)
    put_number(&engine.output, c":", entry != NULL)
    return True


cdef bint run_persist(Engine engine, Space* space) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef bint has_deadline = entry != NULL and entry.flags & DEADLINE != 0
    if has_deadline:
        put_deadline(space, &place, entry, 0, False)
    put_number(&engine.output, c":", has_deadline)
    return True


cdef int put_deadline(
    Space* space, Place* place, Entry* entry, int64_t deadline_ms, bint has_deadline
) except -1:
    """What `Keyspace.set_deadline` does to an entry that was found."""
    cdef Content content
    if has_deadline and entry.flags & DEADLINE:
        if not count_deadline_again(space, place, entry, deadline_ms):
            raise MemoryError("no memory for a deadline")
        return 0
    memset(&content, 0, sizeof(Content))
    content.flags = entry.flags & (PINNED | CACHE)
    if has_deadline:
        content.flags |= DEADLINE
        content.deadline_ms = deadline_ms
    if entry.flags & OBJECT:
        content.object = object_of(entry)
        content.object_bytes = object_bytes(entry)
    else:
        content.value = value_of(entry)
        content.value_bytes = entry.value_bytes
    if space_replace(space, key_of(entry), entry.key_bytes, place, &content) == NULL:
        raise MemoryError("no memory for a deadline")
    return 0


cdef bint run_type(Engine engine, Space* space) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    if entry == NULL:
        put(&engine.output, b"+none\r\n", 7)
    elif is_string(entry):
        put(&engine.output, b"+string\r\n", 9)
    else:
        return False
    return True


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
        if len(replies) == 1:
            self.write(replies[0])
        elif size < LARGE_BYTES:
            self.write(b"".join(replies))
        else:
            self.write_all(replies)
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


cdef class Port:
    """Where the bytes of a connection arrive: the part of a buffered asyncio protocol that is hot.

    Small requests arrive in a buffer that all connections share, since they are read before the
    loop turns to the next one. A large argument is received where it stays.
    """

    cdef Session session
    cdef bint is_landing

    def attach(self, Session session, write, write_all):
        """Begin to take what the client sends."""
        self.session = session
        session.write, session.write_all = write, write_all

    def detach(self):
        """Take nothing more."""
        if self.session is not None:
            self.session.write = self.session.write_all = None
        self.session = None

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
        cdef object replies = None
        if session is None:
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
                return
        else:
            parser.lend(PyByteArray_AS_STRING(SHARED), size)
        if session.is_plain and not engine.is_paused and parser.is_between():
            status = engine.run(session)
            replies = engine.take_output()
        parser.keep()
        if status != WAITING:
            engine.has_forwarded = False
            self.go_on(as_list(replies), status == TURN_OVER)
            return
        if engine.has_forwarded:
            engine.has_forwarded = False
            if not engine.calls_to_others.is_flush_due:
                engine.calls_to_others.is_flush_due = True
                self.has_forwarded()
        if replies is not None:
            session.send(as_list(replies))
