"""The native store, as other native modules see it."""

from libc.stdint cimport int64_t, uint32_t

from ._spaces cimport Place
from ._structs cimport Entry, Space, State


cdef class Shared:
    cdef State state
    cdef object now_ms
    cdef list removed  # owns State.removed
    cdef int clock_id

    cdef int look_at_clock(self) except -1


cdef class Keyspace:
    cdef Space space
    cdef Shared shared
    cdef readonly int number

    cdef int put(
        self, bytes key, object value, object deadline_ms, int retention, bint keeps
    ) except -1
    cdef int64_t scan_slot(
        self, uint32_t slot, uint32_t low_hash, int64_t wanted, list found
    ) except -2
    cdef list names(self, int slot, int64_t count, bint with_expired)
    cdef Entry* find(self, bytes key) except? NULL
    cdef Entry* locate(self, bytes key, Place* place) except? NULL
    cdef int expire(self, Place* place) noexcept
    cdef int64_t expire_due(self, int64_t limit) except -1
    cdef int64_t expire_in_slot(self, uint32_t slot, int64_t limit) except -1
    cdef int detach(self) except -1


cdef class Store:
    cdef Shared shared
    cdef list _all
    cdef public list databases
    cdef readonly Keyspace blocks
    cdef readonly Keyspace held
    cdef int64_t limit_now
    cdef object _limit_bytes
    cdef object _ceiling_bytes
    cdef int64_t _reserved_bytes
    cdef object _policy
    cdef readonly object lfu_tuning

    cdef int put_limit(self) except -1
    cdef bint keep_limit(self, int64_t limit_bytes) noexcept
    cdef bint evict(self) noexcept
