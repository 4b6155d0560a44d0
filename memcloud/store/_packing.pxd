"""Packing: tables that have shrunk are laid side by side.

Where large tables were, the allocator keeps pages with small ones here and there, and no page comes
free. So when much has shrunk and no more does, all tables are copied, a few slots at a time, into
segments, and what they leave behind is whole pages. A packed table that changes its size goes back to the allocator; a
segment whose last table has gone is freed.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from ._segments cimport open_bytes, segment_free, segment_new
from ._structs cimport LOGS, SEGMENT_BYTES, SLOTS, Segment, Space, State, Table
from ._tables cimport hash_in, replace_table, slot_next, table_bytes, table_release

cdef enum:
    SHRUNK_BYTES_MIN = 1048576  # before it is worth it
    SHRUNK_BYTES_MAX = 67108864  # without waiting for calm
    CALM_MS = 500
    PACKED_SLOTS = 256  # in one step


cdef inline bint has_to_pack(const State* state) noexcept nogil:
    if state.is_packing or state.shrunk_bytes >= SHRUNK_BYTES_MAX:
        return True
    return state.shrunk_bytes >= SHRUNK_BYTES_MIN and state.now_ms - state.shrunk_ms >= CALM_MS


cdef inline void _free_empty(State* state) noexcept nogil:
    """Free the packs without tables."""
    cdef Segment** link = &state.packs
    cdef Segment* pack
    while link[0] != NULL:
        pack = link[0]
        if pack.live_bytes == 0 and pack != state.pack:
            link[0] = pack.older
            segment_free(state, pack)
        else:
            link = &pack.older


cdef inline bint _pack(State* state, Space* space, uint32_t slot, Table* table) noexcept nogil:
    """Copy a table behind the last one; False without memory."""
    cdef size_t size = table_bytes(table)
    cdef Segment* pack = state.pack
    cdef Table* fresh
    if size > SEGMENT_BYTES // 4:
        return True
    if pack == NULL or pack.used_bytes + size > SEGMENT_BYTES:
        pack = segment_new(state, 0)
        if pack == NULL:
            return False
        pack.older = state.packs
        state.packs = state.pack = pack
    fresh = <Table*>(<char*>pack + pack.used_bytes)
    open_bytes(fresh, size)
    memcpy(fresh, table, size)
    fresh.is_packed = True
    pack.used_bytes += size
    pack.live_bytes += size
    replace_table(space, slot, hash_in(space, slot, table), fresh)
    table_release(table)
    return True


cdef inline bint pack_some(State* state) noexcept nogil:
    """Pack the tables of some slots, if that is due; whether there is more."""
    cdef Space* space
    cdef Table* table = NULL
    cdef uint32_t part
    cdef uint32_t stop
    if not has_to_pack(state):
        return False
    if not state.is_packing:
        state.is_packing = True
        state.shrunk_bytes = 0
        state.pack_log = 0
        state.pack_slot = 0
    space = state.logs[state.pack_log].space
    stop = min(state.pack_slot + PACKED_SLOTS, SLOTS)
    if space.tables == NULL:
        stop = state.pack_slot = SLOTS
    while state.pack_slot < stop:
        part = 0
        while slot_next(space, state.pack_slot, &part, &table):
            if not _pack(state, space, state.pack_slot, table):
                break
        state.pack_slot += 1
    if stop == SLOTS:
        state.pack_slot = 0
        state.pack_log += LOGS
        if state.pack_log >= state.log_count:
            state.is_packing = False
            state.has_packed = True
            state.pack = NULL
            _free_empty(state)
    return state.is_packing
