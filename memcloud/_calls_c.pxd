"""What waits for other members, as other native modules see it."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cdef enum:
    # Of the layout in link/frames.py and link/batch.py
    FRAME_HEAD_BYTES = 10
    RECORD_HEAD_BYTES = 12


cdef inline void put_number_le(char* place, uint32_t number) noexcept nogil:
    cdef int i
    for i in range(4):
        place[i] = <char>(number >> (8 * i))


cdef inline uint32_t take_number(const char* place) noexcept nogil:
    cdef uint32_t number = 0
    cdef int i
    for i in range(4):
        number |= <uint32_t><uint8_t>place[i] << (8 * i)
    return number


cdef void put_frame_head(char* place, uint8_t kind, int64_t payload_bytes) noexcept nogil


cdef class Waiting:
    cdef public bytes data
    cdef public bint is_silent
    cdef public int64_t size_bytes


cdef class ReplyQueue:
    cdef public list output
    cdef public object waiting
    cdef public int64_t waiting_bytes
    cdef public int64_t waiting_max

    cdef bint has_no_room(self) except -1
    cdef int add_answer(self, bytes data) except -1
    cdef int fill_place(self, Waiting place, bytes data) except -1


cdef class Call(Waiting):
    cdef public object member
    cdef public uint32_t word
    cdef public bytes request
    cdef public object sink
    cdef public uint32_t id
    cdef public int64_t deadline_ms
    cdef public bint was_sent
    # Of a command that a native session has forwarded; it has no sink.
    cdef ReplyQueue queue
    cdef public int64_t session
    cdef public int64_t counter
    cdef public object stamp


cdef class Outbox:
    cdef object queued
    cdef dict sent
    cdef int64_t bytes_in_flight
    cdef uint32_t last_id

    cdef uint32_t next_id(self) except? 0


cdef class Calls:
    cdef public object tags  # `memcloud.tags.Tags`, of what native sessions forward
    cdef dict outboxes
    cdef dict dirty_members
    cdef public bint is_flush_due  # `Forwarding.flush` is planned for the end of this turn
    cdef dict answered_sessions  # number -> whether it had no room before

    cdef int add_call(self, Call call, int64_t now_ms) except -1
    cdef Call take_from(self, Outbox box, member, call_id)
    cdef list take_results_from(self, member, const char* place, const char* end)
    cdef int answer(self, Call call, bytes reply) except -1
