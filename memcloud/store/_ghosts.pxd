"""Keys that were evicted lately, as marks in a table that forgets by being written over.

A mark is half of the hash of a key; the other half says where it stands. Whoever comes to the same
place later takes it, so ghosts do not leave in the order in which they came, but a mark lasts for
about as many evictions as there are places, which are one to two for each key in the cache.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ._structs cimport Ghosts

cdef enum:
    GHOSTS_MIN = 1024


cdef inline void ghost_add(Ghosts* ghosts, uint64_t hash, uint64_t capacity) noexcept nogil:
    """Remember a key, and about ``capacity`` altogether; none if there is no memory for it."""
    cdef uint64_t size = ghosts.size
    if capacity > size or (capacity * 8 < size and size > GHOSTS_MIN):
        size = GHOSTS_MIN
        while size < capacity:
            size *= 2
        free(ghosts.marks)
        ghosts.marks = <uint32_t*>calloc(size, sizeof(uint32_t))
        ghosts.size = size if ghosts.marks != NULL else 0
    if ghosts.size:
        ghosts.marks[hash & (ghosts.size - 1)] = <uint32_t>(hash >> 32) | 1


cdef inline void ghosts_forget(Ghosts* ghosts) noexcept nogil:
    free(ghosts.marks)
    ghosts.marks = NULL
    ghosts.size = 0


cdef inline bint ghost_take(Ghosts* ghosts, uint64_t hash) noexcept nogil:
    """Whether a key is remembered; it is not any more."""
    cdef uint32_t* mark
    if ghosts.size == 0:
        return False
    mark = ghosts.marks + (hash & (ghosts.size - 1))
    if mark[0] != <uint32_t>(hash >> 32) | 1:
        return False
    mark[0] = 0
    return True
