"""What waits for other members, natively: see replies.py and cluster/calls.py, which say what holds.

A command that a native session forwards is one object from its request to its reply: a call to the
owner, and a place among the replies of its session. So the reply is put there without a detour.
"""

from collections import deque

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from memcloud.link.batch import encode_batch
from memcloud.link.frames import VERSION, Kind, LinkError

cdef enum:
    WAITING_MAX = 1024
    WAITING_BYTES_MAX = 8388608
    WAITING_FIRST = 8

    WINDOW_BYTES = 16777216
    FRAME_BYTES = 1048576
    QUEUE_CALLS_MAX = 100000
    CALL_TIMEOUT_MS = 30000
    BULK_BYTES_PER_MS = 1000

    RECORDS_MAX = 512
    LARGE_BYTES = 65536  # some of it is large, perhaps, and had better not be copied
    DONE = 0
    NOT_OWNER = 1

cdef uint8_t FRAME_VERSION = VERSION
cdef uint8_t CALLS_KIND = int(Kind.CALLS)


cdef void put_frame_head(char* place, uint8_t kind, int64_t payload_bytes) noexcept nogil:
    """The head of a batch, as frames.py has it; its length is big-endian."""
    cdef int64_t length = payload_bytes + 6
    cdef int i
    for i in range(4):
        place[i] = <char>(length >> (8 * (3 - i)))
    place[4] = kind
    place[5] = FRAME_VERSION
    for i in range(6, 10):
        place[i] = 0


cdef class Waiting:
    """See `memcloud.replies.Waiting`."""

    def __init__(self, data=None, *, is_silent=False, size_bytes=0):
        self.data, self.is_silent, self.size_bytes = data, is_silent, size_bytes


cdef class ReplyQueue:
    """See `memcloud.replies.ReplyQueue`."""

    def __cinit__(self):
        self.output = []
        self.waiting = deque()
        self.waiting_max = WAITING_FIRST

    @property
    def is_full(self):
        """See `replies.ReplyQueue.is_full`."""
        return self.has_no_room()

    cdef bint has_no_room(self) except -1:
        return self.waiting_bytes >= WAITING_BYTES_MAX or len(self.waiting) >= self.waiting_max

    def answer(self, bytes data):
        """See `replies.ReplyQueue.answer`."""
        self.add_answer(data)

    cdef int add_answer(self, bytes data) except -1:
        cdef Waiting place
        if not self.waiting:
            self.output.append(data)
            return 0
        place = Waiting.__new__(Waiting)
        place.data = data
        place.size_bytes = PyBytes_GET_SIZE(data)
        self.waiting.append(place)
        self.waiting_bytes += place.size_bytes
        return 0

    def hold_place(self, size_bytes, *, is_silent):
        """See `replies.ReplyQueue.hold_place`."""
        place = Waiting(is_silent=is_silent, size_bytes=size_bytes)
        self.waiting.append(place)
        self.waiting_bytes += size_bytes
        return place

    def deliver(self, Waiting place, bytes data):
        """See `replies.ReplyQueue.deliver`."""
        self.fill_place(place, data)

    cdef int fill_place(self, Waiting place, bytes data) except -1:
        cdef int64_t size = PyBytes_GET_SIZE(data)
        cdef Waiting first
        if not self.waiting:  # given up meanwhile
            return 0
        if self.waiting_max:
            self.waiting_max = min(
                self.waiting_max + 1, max(1, WAITING_BYTES_MAX // max(1, size)), WAITING_MAX
            )
        self.waiting_bytes += size - place.size_bytes
        place.data, place.size_bytes = data, size
        while self.waiting:
            first = self.waiting[0]
            if first.data is None:
                break
            self.waiting.popleft()
            self.waiting_bytes -= first.size_bytes
            if not first.is_silent:
                self.output.append(first.data)
        if not self.waiting and not self.waiting_max:
            self.waiting_max = WAITING_FIRST
        return 0

    def drain(self):
        """See `replies.ReplyQueue.drain`."""
        if self.waiting:
            self.waiting_max = 0

    def forget_waiting(self):
        """See `replies.ReplyQueue.forget_waiting`."""
        self.waiting.clear()
        self.waiting_bytes = 0


cdef class Call(Waiting):
    """See `memcloud.cluster.calls.Call`; without a sink, a session waits for it itself."""

    def __init__(self, member, word, request, sink):
        self.member, self.word, self.request, self.sink = member, word, request, sink

    @property
    def place(self):
        """The place of the reply in the session that made the call."""
        return None if self.queue is None else self


cdef class Outbox:
    """The calls to one member."""

    def __cinit__(self):
        self.queued = deque()
        self.sent = {}

    cdef uint32_t next_id(self) except? 0:
        """An id that none of the calls on their way has."""
        self.last_id += 1
        while self.last_id in self.sent:
            self.last_id += 1
        return self.last_id


cdef class Calls:
    """See `memcloud.cluster.calls.Calls`."""

    def __cinit__(self):
        self.outboxes = {}
        self.dirty_members = {}
        self.answered_sessions = {}

    @property
    def in_flight(self):
        """See `calls.Calls.in_flight`."""
        cdef Outbox box
        return sum([len(box.sent) + len(box.queued) for box in self.outboxes.values()])

    @property
    def dirty(self):
        """See `calls.Calls.dirty`."""
        return list(self.dirty_members)

    @property
    def is_dirty(self):
        """See `calls.Calls.is_dirty`."""
        return bool(self.dirty_members)

    def is_full(self, member):
        """See `calls.Calls.is_full`."""
        cdef Outbox box = self.outboxes.get(member)
        return box is not None and len(box.queued) >= QUEUE_CALLS_MAX

    def add(self, Call call, int64_t now_ms):
        """See `calls.Calls.add`."""
        self.add_call(call, now_ms)

    cdef int add_call(self, Call call, int64_t now_ms) except -1:
        cdef Outbox box = self.outboxes.get(call.member)
        call.deadline_ms = now_ms + CALL_TIMEOUT_MS
        call.deadline_ms += PyBytes_GET_SIZE(call.request) // BULK_BYTES_PER_MS
        if box is None:
            box = self.outboxes[call.member] = Outbox.__new__(Outbox)
        if not box.queued:
            self.dirty_members[call.member] = None
        box.queued.append(call)
        return 0

    def take_frame(self, member):
        """See `calls.Calls.take_frame`."""
        cdef Outbox box = self.outboxes.get(member)
        cdef list leaving = []
        cdef Call call
        cdef int64_t size = 0
        cdef int64_t length
        cdef bytes frame
        cdef char* place
        while box is not None and box.queued and len(leaving) < RECORDS_MAX and size < FRAME_BYTES:
            call = box.queued[0]
            length = PyBytes_GET_SIZE(call.request)
            # A call larger than the window goes alone.
            if box.bytes_in_flight and box.bytes_in_flight + length > WINDOW_BYTES:
                break
            if leaving and size + length > FRAME_BYTES:
                break
            box.queued.popleft()
            call.id = box.next_id()
            call.was_sent = True
            box.sent[call.id] = call
            box.bytes_in_flight += length
            size += length
            leaving.append(call)
        if not leaving:
            self.dirty_members.pop(member, None)
            return None
        if size >= LARGE_BYTES:
            return encode_batch(Kind.CALLS, [(each.id, each.word, each.request) for each in leaving])
        size += len(leaving) * RECORD_HEAD_BYTES
        frame = PyBytes_FromStringAndSize(NULL, FRAME_HEAD_BYTES + size)
        place = PyBytes_AS_STRING(frame)
        put_frame_head(place, CALLS_KIND, size)
        place += FRAME_HEAD_BYTES
        for call in leaving:
            length = PyBytes_GET_SIZE(call.request)
            put_number_le(place, call.id)
            put_number_le(place + 4, call.word)
            put_number_le(place + 8, <uint32_t>length)
            memcpy(place + RECORD_HEAD_BYTES, PyBytes_AS_STRING(call.request), length)
            place += RECORD_HEAD_BYTES + length
        return [frame]

    def take(self, member, call_id):
        """See `calls.Calls.take`."""
        cdef Outbox box = self.outboxes.get(member)
        return None if box is None else self.take_from(box, member, call_id)

    cdef Call take_from(self, Outbox box, member, call_id):
        cdef Call call = box.sent.pop(call_id, None)
        if call is not None:
            box.bytes_in_flight -= PyBytes_GET_SIZE(call.request)
            if box.queued:
                self.dirty_members[member] = None
        return call

    def take_results(self, member, frame):
        """See `calls.Calls.take_results`."""
        cdef bytes payload = frame.payload
        return self.take_results_from(
            member, PyBytes_AS_STRING(payload), PyBytes_AS_STRING(payload) + PyBytes_GET_SIZE(payload)
        )

    cdef list take_results_from(self, member, const char* place, const char* end):
        cdef Outbox box = self.outboxes.get(member)
        cdef list others = []
        cdef Call call
        cdef uint32_t length, status
        cdef bytes reply
        check_records(place, end)
        while place < end:
            length = take_number(place + 8)
            status = take_number(place + 4)
            call = None if box is None else self.take_from(box, member, take_number(place))
            place += RECORD_HEAD_BYTES
            if call is not None:  # else it is answered after its time
                reply = PyBytes_FromStringAndSize(place, length)
                if call.queue is None or status != DONE:
                    others.append((call, status, reply))
                else:
                    self.answer(call, reply)
            place += length
        return others

    cdef int answer(self, Call call, bytes reply) except -1:
        """Give a native session its reply."""
        if call.counter:
            self.tags.release(call.counter)
        had_no_room = call.queue.has_no_room()
        call.queue.fill_place(call, reply)
        if had_no_room or call.session not in self.answered_sessions:
            self.answered_sessions[call.session] = had_no_room
        return 0

    def answer_native(self, Call call, bytes reply):
        """Answer the call of a native session with another reply than the owner's."""
        self.answer(call, reply)

    def take_answered(self):
        """Return the numbers of sessions that had replies, with whether they had no room before."""
        answered, self.answered_sessions = self.answered_sessions, {}
        return answered

    def take_all(self, member):
        """See `calls.Calls.take_all`."""
        cdef Outbox box = self.outboxes.pop(member, None)
        self.dirty_members.pop(member, None)
        return [] if box is None else [*box.sent.values(), *box.queued]

    def take_overdue(self, now_ms):
        """See `calls.Calls.take_overdue`."""
        cdef Outbox box
        cdef list overdue = []
        for member, box in self.outboxes.items():
            for call in [call for call in box.sent.values() if call.deadline_ms <= now_ms]:
                overdue.append(call)
                self.take_from(box, member, call.id)
            while box.queued and box.queued[0].deadline_ms <= now_ms:
                overdue.append(box.queued.popleft())
        return overdue


cdef int check_records(const char* place, const char* end) except -1:
    """Raise `LinkError` unless whole records of results fill the payload."""
    cdef uint32_t status
    cdef int count = 0
    while place < end:
        if end - place < RECORD_HEAD_BYTES:
            raise LinkError("batch that ends within the head of a record")
        if count == RECORDS_MAX:
            raise LinkError("too many records in a batch")
        if <int64_t>take_number(place + 8) > end - place - RECORD_HEAD_BYTES:
            raise LinkError("record that goes on behind its batch")
        status = take_number(place + 4)
        if status != DONE and (status != NOT_OWNER or take_number(place + 8)):
            raise LinkError("result with an unknown status")
        place += RECORD_HEAD_BYTES + take_number(place + 8)
        count += 1
    return 0
