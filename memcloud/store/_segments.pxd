"""Segments: memory from the system and back to it."""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport realloc
from libc.string cimport memset

from ._structs cimport SEGMENT_BYTES, Segment, State

cdef extern from *:
    """
    #include <assert.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <sys/mman.h>

    #ifndef MAP_NORESERVE
    #define MAP_NORESERVE 0
    #endif

    /* Address space is taken in pieces of this; pages come as they are touched. */
    #define MEMCLOUD_REGION_BYTES ((size_t)64 << 20)

    static void *memcloud_map(size_t size, size_t alignment) {
        char *start = mmap(NULL, size + alignment, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED)
            return NULL;
        char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
        if (aligned != start)
            munmap(start, (size_t)(aligned - start));
        size_t behind = (size_t)((start + size + alignment) - (aligned + size));
        if (behind)
            munmap(aligned + size, behind);
        return aligned;
    }

    #ifdef NDEBUG
    #define MEMCLOUD_ASSERT(condition) ((void)(condition)) /* without a warning of unused names */
    #else
    #define MEMCLOUD_ASSERT(condition) assert(condition)
    #endif

    /* Under AddressSanitizer, what lies behind the last entry of a segment may not be touched. */
    #ifdef __SANITIZE_ADDRESS__
    #include <sanitizer/asan_interface.h>
    #define MEMCLOUD_CLOSE(start, size) __asan_poison_memory_region(start, size)
    #define MEMCLOUD_OPEN(start, size) __asan_unpoison_memory_region(start, size)
    #else
    #define MEMCLOUD_CLOSE(start, size) ((void)(start), (void)(size))
    #define MEMCLOUD_OPEN(start, size) ((void)(start), (void)(size))
    #endif
    """
    size_t REGION_BYTES "MEMCLOUD_REGION_BYTES"
    void* map_memory "memcloud_map"(size_t size, size_t alignment) noexcept nogil
    int munmap(void* start, size_t size) noexcept nogil
    int madvise(void* start, size_t size, int advice) noexcept nogil
    int MADV_DONTNEED
    void check "MEMCLOUD_ASSERT"(bint condition) noexcept nogil
    void close_bytes "MEMCLOUD_CLOSE"(void* start, size_t size) noexcept nogil
    void open_bytes "MEMCLOUD_OPEN"(void* start, size_t size) noexcept nogil

cdef enum:
    FREE_DIRTY_MAX = 16


cdef inline Segment* segment_of(const void* inside) noexcept nogil:
    return <Segment*>(<uintptr_t>inside & ~<uintptr_t>(SEGMENT_BYTES - 1))


cdef inline bint has_room(const Segment* segment, size_t entry_bytes) noexcept nogil:
    """Whether an entry of this size fits behind the others. One that is alone stays alone.

    For `segment_of` finds those that begin in the first `SEGMENT_BYTES` only.
    """
    if segment.size_bytes != SEGMENT_BYTES and segment.used_bytes != sizeof(Segment):
        return False
    return segment.used_bytes + entry_bytes <= segment.size_bytes


cdef inline void segment_clear(Segment* segment) noexcept nogil:
    """Begin anew with a segment in which nothing lives."""
    segment.used_bytes = sizeof(Segment)
    close_bytes(<char*>segment + sizeof(Segment), segment.size_bytes - sizeof(Segment))


cdef inline char* _carve(State* state) noexcept nogil:
    """A segment of address space that was never used, NULL if there is none to be had."""
    cdef void* grown
    cdef char* carved
    if state.region_next == state.region_end:
        grown = realloc(state.regions, (state.region_count + 1) * sizeof(void*))
        if grown == NULL:
            return NULL
        state.regions = <void**>grown
        carved = <char*>map_memory(REGION_BYTES, SEGMENT_BYTES)
        if carved == NULL:
            return NULL
        state.regions[state.region_count] = carved
        state.region_count += 1
        state.region_next = carved
        state.region_end = carved + REGION_BYTES
    carved = state.region_next
    state.region_next += SEGMENT_BYTES
    return carved


cdef inline Segment* segment_new(State* state, size_t entry_bytes) noexcept nogil:
    """An empty segment with room for an entry of this size, NULL without memory.

    One that is too large for a usual segment gets one of its own.
    """
    cdef Segment* segment
    cdef size_t size = SEGMENT_BYTES
    if entry_bytes > SEGMENT_BYTES // 4:
        size = (sizeof(Segment) + entry_bytes + 4095) & ~<size_t>4095
        if size == SEGMENT_BYTES:  # which is how usual ones are told
            size += 4096
        segment = <Segment*>map_memory(size, SEGMENT_BYTES)
    elif state.free_dirty_count:
        state.free_dirty_count -= 1
        segment = state.free_dirty[state.free_dirty_count]
    elif state.free_clean_count:
        state.free_clean_count -= 1
        segment = state.free_clean[state.free_clean_count]
    else:
        segment = <Segment*>_carve(state)
    if segment == NULL:
        return NULL
    open_bytes(segment, sizeof(Segment))
    memset(segment, 0, sizeof(Segment))
    segment.size_bytes = size
    segment_clear(segment)
    state.segment_bytes += size
    return segment


cdef inline void _purge(State* state, Segment* segment) noexcept nogil:
    """Give the pages of a free segment back, and keep its addresses."""
    cdef void* grown
    if state.free_clean_count == state.free_clean_room:
        grown = realloc(state.free_clean, (state.free_clean_room * 2 + 64) * sizeof(Segment*))
        if grown == NULL:
            open_bytes(segment, SEGMENT_BYTES)
            munmap(segment, SEGMENT_BYTES)  # the addresses are lost, the memory is not
            return
        state.free_clean = <Segment**>grown
        state.free_clean_room = state.free_clean_room * 2 + 64
    madvise(segment, SEGMENT_BYTES, MADV_DONTNEED)
    state.free_clean[state.free_clean_count] = segment
    state.free_clean_count += 1


cdef inline void segment_free(State* state, Segment* segment) noexcept nogil:
    """Take back a segment that no log has."""
    cdef size_t size = segment.size_bytes
    state.segment_bytes -= size
    if size != SEGMENT_BYTES:
        open_bytes(segment, size)
        munmap(segment, size)
        return
    close_bytes(segment, size)
    if state.free_dirty_count < FREE_DIRTY_MAX:
        state.free_dirty[state.free_dirty_count] = segment
        state.free_dirty_count += 1
    else:
        _purge(state, segment)


cdef inline void purge_free(State* state) noexcept nogil:
    """Give back what was kept for the next segment, too."""
    while state.free_dirty_count:
        state.free_dirty_count -= 1
        _purge(state, state.free_dirty[state.free_dirty_count])
