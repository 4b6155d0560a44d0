"""Logs: entries one behind the other in segments, from the oldest to the youngest."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF

from ._entries cimport accounted_bytes, entry_bytes, object_of
from ._segments cimport (
    check, has_room, open_bytes, segment_clear, segment_free, segment_new, segment_of,
)
from ._structs cimport DEAD, OBJECT, SEGMENT_BYTES, Entry, Log, Segment, State


cdef inline void log_unlink(Log* log, Segment* segment) noexcept nogil:
    if segment.older != NULL:
        segment.older.younger = segment.younger
    else:
        log.oldest = segment.younger
        log.hand = sizeof(Segment)
    if segment.younger != NULL:
        segment.younger.older = segment.older
    else:
        log.youngest = segment.older
    if log.survivors == segment:
        log.survivors = NULL
    if log.cursor == segment:
        log.cursor = segment.younger
        if log.cursor == NULL:  # the sweep is at its end, and the next one begins anew
            log.survivors = NULL


cdef inline void log_drop(State* state, Segment* segment) noexcept nogil:
    """Free a segment in which nothing lives."""
    check(segment.live_bytes == 0 and segment.objects == 0)
    state.dead_bytes -= segment.used_bytes - sizeof(Segment)
    log_unlink(segment.log, segment)
    segment_free(state, segment)


cdef inline void log_insert(Log* log, Segment* segment, Segment* younger) noexcept nogil:
    """Put a segment in front of a younger one, or (NULL) at the young end."""
    cdef Segment* older = log.youngest if younger == NULL else younger.older
    segment.log = log
    segment.older = older
    segment.younger = younger
    if older != NULL:
        older.younger = segment
    else:
        log.oldest = segment
        log.hand = sizeof(Segment)
    if younger != NULL:
        younger.older = segment
    else:
        log.youngest = segment


cdef inline Entry* segment_append(State* state, Segment* segment, size_t size) noexcept nogil:
    """Room for an entry in a segment that has it."""
    cdef Entry* entry = <Entry*>(<char*>segment + segment.used_bytes)
    check(has_room(segment, size))
    open_bytes(entry, size)
    segment.used_bytes += size
    segment.live_bytes += size
    state.live_bytes += size
    return entry


cdef inline Entry* log_append(State* state, Log* log, size_t size) noexcept nogil:
    """Room for an entry of this size at the young end; NULL without memory."""
    cdef Segment* segment = log.youngest
    cdef Segment* full
    if segment == NULL or not has_room(segment, size):
        full = segment
        segment = segment_new(state, size)
        if segment == NULL:
            return NULL
        log_insert(log, segment, NULL)
        if full != NULL and full.live_bytes == 0 and full != log.survivors:
            log_drop(state, full)
    return segment_append(state, segment, size)


cdef inline void log_added(Log* log, const Entry* entry) noexcept:
    """Count an entry whose content is complete."""
    log.accounted_bytes += accounted_bytes(entry)
    if entry.flags & OBJECT:
        segment_of(entry).objects += 1


cdef inline void log_kill(State* state, Entry* entry, bint lets_go) noexcept:
    """An entry is not used any more; ``lets_go`` of its object, unless another entry has it now."""
    cdef Segment* segment = segment_of(entry)
    cdef Log* log = segment.log
    cdef size_t size = entry_bytes(entry)
    check(not entry.flags & DEAD and segment.live_bytes >= size)
    log.accounted_bytes -= accounted_bytes(entry)
    entry.flags |= DEAD
    segment.live_bytes -= size
    state.live_bytes -= size
    state.dead_bytes += size
    if entry.flags & OBJECT:
        segment.objects -= 1
        if lets_go:
            Py_DECREF(<object>object_of(entry))
    if segment.live_bytes == 0 and segment != log.survivors:
        if segment != log.youngest or segment.size_bytes != SEGMENT_BYTES:
            log_drop(state, segment)
        else:
            state.dead_bytes -= segment.used_bytes - sizeof(Segment)
            segment_clear(segment)
            if log.oldest == segment:
                log.hand = sizeof(Segment)
