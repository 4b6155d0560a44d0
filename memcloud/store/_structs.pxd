"""How the native store lies in memory. What it does with that is in the files beside this one.

An *entry* is a header, the key and the value, one behind the other, in a *segment*: 256 KiB that
are filled from one end to the other. Nothing is ever freed inside a segment; entries in it die, and
a segment that holds too little is emptied by moving what lives (log-structured memory; Rumble,
Kejriwal and Ousterhout, FAST 2014). So allocation is an addition, memory goes back to the system
by whole segments, and the segments in their order *are* the queues of the eviction policies.

A *table* maps the keys of a slot to entries. A *space* is a database: 16384 slots and three logs.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    typedef __int128 memcloud_int128;
    """
    ctypedef long long int128 "memcloud_int128"

cdef enum:
    SLOTS = 16384
    GROUPS = 128  # of 128 slots each, whose sums make a random slot quick to find
    SEGMENT_BYTES = 262144
    INLINE_BYTES_MAX = 16384  # a longer value is a Python object that the entry refers to
    OBJECT_BYTES = 16  # in the place of the value: the pointer, and what is accounted for it

    # Bits of Entry.flags
    DEADLINE = 1
    OBJECT = 2
    DEAD = 4
    PINNED = 8
    CACHE = 16

    # What is accounted beside the bytes of the entry itself
    BUCKET_BYTES = 10
    DUE_BYTES = 12

    # Logs of a space
    UNTRACKED = 0  # entries that may not be evicted (and lag behind when that changes)
    SMALL = 1
    MAIN = 2
    LOGS = 3

    # Kinds of policies, by what an access notes and how the next to go is found
    BY_LRU = 0
    BY_LFU = 1
    BY_CHANCE = 2
    BY_DEADLINE = 3
    BY_S3FIFO = 4

    # Whom the policy may evict beside cache entries
    NONE_MAY_GO = 0
    VOLATILE_MAY_GO = 1
    ALL_MAY_GO = 2


cdef struct Entry:
    uint32_t accessed  # in units of 16 ms, modulo 2**32
    uint32_t key_bytes
    uint16_t value_bytes  # inline; OBJECT_BYTES for an object
    uint8_t counter
    uint8_t flags
    # then, if DEADLINE: int64_t; the key; the value


cdef struct Segment:
    Segment* older
    Segment* younger
    Log* log
    size_t size_bytes  # of the mapping
    size_t used_bytes  # this header included; the next entry comes behind
    size_t live_bytes
    size_t objects  # entries that refer to one


cdef struct Log:
    Segment* oldest
    Segment* youngest  # entries are added here
    Segment* survivors  # what lived in cleaned segments of the present sweep
    Segment* cursor  # of the sweep; NULL: at the beginning
    Space* space
    size_t hand  # offset in the oldest: eviction has passed what is before
    uint64_t accounted_bytes  # of the live entries


cdef struct Due:
    uint32_t volatile_count  # entries of the table with a deadline
    uint32_t count  # items, stale ones included
    uint32_t room
    uint64_t items[1]  # a heap of deadline << 16 | tag


cdef struct Table:
    uint32_t homes  # buckets that a tag can map to
    uint32_t room  # all buckets; the last is always empty
    uint32_t count
    uint8_t depth  # low bits of the hash that all its keys share
    bint is_packed  # it lies in a segment with others
    Due* due  # NULL: no entry has a deadline
    uint64_t buckets[1]  # tag << 48 | pointer to the entry; 0: empty


cdef struct Directory:
    uint32_t depth
    Table* tables[1]  # 2**depth, by the low bits of the hash


cdef struct Ghosts:
    uint32_t* marks
    uint64_t size  # a power of two, or 0


cdef struct Space:
    State* state
    # A Table, or a Directory if the lowest bit is set.
    size_t* tables
    uint32_t* counts
    uint32_t* volatile_counts
    int64_t* next_due_ms  # per slot, none is due before
    uint64_t groups[GROUPS]
    uint64_t volatile_groups[GROUPS]
    Log logs[LOGS]
    Ghosts ghosts
    uint64_t count
    uint64_t volatile_count  # of those, with a deadline
    uint64_t policy_count  # entries whose retention is left to the policy, without a deadline
    uint64_t policy_volatile_count  # the same, with a deadline
    uint64_t cache_count
    int128 deadline_sum_ms
    uint64_t used_bytes
    uint8_t retention  # PINNED or 0: of entries that ask for none
    int index  # among the databases now, or what stands for the blocks and the like


cdef struct Garbage:
    size_t* tables
    uint32_t slot
    Segment* segments
    size_t hand  # offset in the first of them: objects before are let go of


cdef struct State:
    int64_t now_ms
    uint64_t secret_0
    uint64_t secret_1
    uint64_t random
    uint8_t kind
    uint8_t may_go
    uint32_t lfu_log_factor
    uint32_t lfu_decay_minutes
    int64_t used_bytes
    int64_t peak_bytes
    uint64_t hits
    uint64_t misses
    uint64_t expired_keys
    uint64_t evicted_keys
    PyObject* removed  # the list of Store.removed; NULL: nobody asks
    # Memory of all logs
    uint64_t live_bytes
    uint64_t dead_bytes
    uint64_t segment_bytes  # of all that logs and garbage have
    Segment** free_clean  # no pages behind them
    size_t free_clean_count
    size_t free_clean_room
    Segment* free_dirty[16]
    size_t free_dirty_count
    void** regions
    size_t region_count
    char* region_next
    char* region_end
    Log** logs
    size_t log_count
    size_t sweep  # the log that is being cleaned
    Garbage* garbage
    size_t garbage_count
    size_t garbage_room
    # Packing of tables
    Segment* packs  # by `older`
    Segment* pack  # tables are added here
    uint64_t shrunk_bytes  # that were freed by shrinking since the last time
    int64_t shrunk_ms  # when it was last more
    size_t pack_log
    uint32_t pack_slot
    bint is_packing
    bint has_packed  # since somebody has last asked
