"""What an entry says about itself."""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from ._structs cimport (
    BUCKET_BYTES, DEADLINE, DUE_BYTES, OBJECT, OBJECT_BYTES, Entry,
)


cdef inline size_t footprint(size_t key_bytes, size_t value_bytes, bint has_deadline) noexcept nogil:
    """Bytes that such an entry takes in its segment."""
    cdef size_t size = sizeof(Entry) + key_bytes + value_bytes
    if has_deadline:
        size += sizeof(int64_t)
    return (size + 3) & ~<size_t>3


cdef inline size_t entry_bytes(const Entry* entry) noexcept nogil:
    return footprint(entry.key_bytes, entry.value_bytes, entry.flags & DEADLINE)


cdef inline char* key_of(const Entry* entry) noexcept nogil:
    cdef char* behind = <char*>entry + sizeof(Entry)
    return behind + sizeof(int64_t) if entry.flags & DEADLINE else behind


cdef inline char* value_of(const Entry* entry) noexcept nogil:
    return key_of(entry) + entry.key_bytes


cdef inline int64_t deadline_of(const Entry* entry) noexcept nogil:
    """The deadline of an entry that has one."""
    cdef int64_t deadline_ms
    memcpy(&deadline_ms, <char*>entry + sizeof(Entry), sizeof(int64_t))
    return deadline_ms


cdef inline void put_deadline(Entry* entry, int64_t deadline_ms) noexcept nogil:
    memcpy(<char*>entry + sizeof(Entry), &deadline_ms, sizeof(int64_t))


cdef inline bint is_live(const Entry* entry, int64_t now_ms) noexcept nogil:
    return not entry.flags & DEADLINE or now_ms <= deadline_of(entry)


cdef inline PyObject* object_of(const Entry* entry) noexcept nogil:
    """The object that is the value, borrowed."""
    cdef PyObject* value
    memcpy(&value, value_of(entry), sizeof(value))
    return value


cdef inline size_t object_bytes(const Entry* entry) noexcept nogil:
    """What is accounted for the object that is the value."""
    cdef size_t size
    memcpy(&size, value_of(entry) + sizeof(PyObject*), sizeof(size))
    return size


cdef inline void put_object(Entry* entry, PyObject* value, size_t size) noexcept nogil:
    memcpy(value_of(entry), &value, sizeof(value))
    memcpy(value_of(entry) + sizeof(value), &size, sizeof(size))


cdef inline size_t accounted_bytes(const Entry* entry) noexcept nogil:
    """What the entry is accounted for, all in all."""
    cdef size_t size = entry_bytes(entry) + BUCKET_BYTES
    if entry.flags & DEADLINE:
        size += DUE_BYTES
    if entry.flags & OBJECT:
        size += object_bytes(entry)
    return size


cdef inline uint32_t access_unit(int64_t now_ms) noexcept nogil:
    return <uint32_t>(now_ms >> 4)
