"""The two hashes of a key: its slot, which all nodes agree on, and one that nobody can foresee.

The slot is CRC16 (XMODEM) of the key or of its {tag}, as in Redis Cluster, so anybody can aim keys
at one slot. Inside a slot keys are found by SipHash-1-3 (Aumasson and Bernstein, 2012) under a
secret of the process, so nobody can aim them at one bucket.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

cdef extern from *:
    """
    static uint16_t memcloud_crc16[256];
    static uint32_t memcloud_crc32[256];

    static void memcloud_fill_crc16(void) {
        for (int byte = 0; byte < 256; byte++) {
            uint16_t crc = (uint16_t)(byte << 8);
            for (int bit = 0; bit < 8; bit++)
                crc = (uint16_t)((crc << 1) ^ ((crc & 0x8000) ? 0x1021 : 0));
            memcloud_crc16[byte] = crc;
        }
    }

    static void memcloud_fill_crc32(void) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = byte;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0);
            memcloud_crc32[byte] = crc;
        }
    }

    #define MEMCLOUD_ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

    #define MEMCLOUD_SIP_ROUND(v0, v1, v2, v3) \\
        v0 += v1; v1 = MEMCLOUD_ROTATE(v1, 13); v1 ^= v0; v0 = MEMCLOUD_ROTATE(v0, 32); \\
        v2 += v3; v3 = MEMCLOUD_ROTATE(v3, 16); v3 ^= v2; \\
        v0 += v3; v3 = MEMCLOUD_ROTATE(v3, 21); v3 ^= v0; \\
        v2 += v1; v1 = MEMCLOUD_ROTATE(v1, 17); v1 ^= v2; v2 = MEMCLOUD_ROTATE(v2, 32);
    """
    const uint16_t* memcloud_crc16
    const uint32_t* memcloud_crc32
    void fill_crc16 "memcloud_fill_crc16"() noexcept nogil
    void fill_crc32 "memcloud_fill_crc32"() noexcept nogil
    void sip_round "MEMCLOUD_SIP_ROUND"(uint64_t, uint64_t, uint64_t, uint64_t) noexcept nogil


cdef inline unsigned int slot_of(const char* key, size_t length) noexcept nogil:
    """The slot, from 0 to 16383; `fill_crc16` must have been called once."""
    cdef const char* opened = <const char*>memchr(key, b"{", length)
    cdef const char* closed
    cdef uint16_t crc = 0
    cdef size_t i
    if opened != NULL:
        closed = <const char*>memchr(opened + 1, b"}", key + length - opened - 1)
        if closed != NULL and closed != opened + 1:
            length = closed - opened - 1
            key = opened + 1
    for i in range(length):
        crc = (crc << 8) ^ memcloud_crc16[((crc >> 8) ^ <uint8_t>key[i]) & 0xFF]
    return crc & 0x3FFF


cdef inline uint32_t crc32_of(const char* key, size_t length) noexcept nogil:
    """The CRC32 that zlib gives; `fill_crc32` must have been called once."""
    cdef uint32_t crc = 0xFFFFFFFF
    cdef size_t i
    for i in range(length):
        crc = (crc >> 8) ^ memcloud_crc32[(crc ^ <uint8_t>key[i]) & 0xFF]
    return ~crc


cdef inline uint64_t sip_hash(
    const char* key, size_t length, uint64_t secret_0, uint64_t secret_1
) noexcept nogil:
    """SipHash-1-3 of the key."""
    cdef uint64_t v0 = secret_0 ^ 0x736F6D6570736575ULL
    cdef uint64_t v1 = secret_1 ^ 0x646F72616E646F6DULL
    cdef uint64_t v2 = secret_0 ^ 0x6C7967656E657261ULL
    cdef uint64_t v3 = secret_1 ^ 0x7465646279746573ULL
    cdef uint64_t last = <uint64_t>length << 56
    cdef uint64_t word
    while length >= 8:
        memcpy(&word, key, 8)
        v3 ^= word
        sip_round(v0, v1, v2, v3)
        v0 ^= word
        key += 8
        length -= 8
    word = 0
    memcpy(&word, key, length)
    last |= word
    v3 ^= last
    sip_round(v0, v1, v2, v3)
    v0 ^= last
    v2 ^= 0xFF
    sip_round(v0, v1, v2, v3)
    sip_round(v0, v1, v2, v3)
    sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3
