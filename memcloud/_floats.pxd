"""INCRBYFLOAT's arithmetic where the compiler has the long double of x86.

What is not written as usual (exponents, hexadecimal, infinities, very many digits), or comes to
another kind of number, is left to `commands/long_double.py`, which knows every corner.
"""

cdef extern from *:
    """
    #include <float.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    #define MEMCLOUD_FLOAT_BYTES_MAX 40

    /* A sign, digits, and a fraction, with at least one digit in front of the point. */
    static int memcloud_read_float(const char* text, size_t size, long double* number) {
        char copy[MEMCLOUD_FLOAT_BYTES_MAX + 1];
        size_t i = 0, first;
        if (size == 0 || size > MEMCLOUD_FLOAT_BYTES_MAX)
            return 0;
        if (text[0] == '-' || text[0] == '+')
            i++;
        first = i;
        while (i < size && text[i] >= '0' && text[i] <= '9')
            i++;
        if (i == first)
            return 0;
        if (i < size && text[i] == '.') {
            first = ++i;
            while (i < size && text[i] >= '0' && text[i] <= '9')
                i++;
            if (i == first)
                return 0;
        }
        if (i != size)
            return 0;
        memcpy(copy, text, size);
        copy[size] = 0;
        *number = strtold(copy, NULL);
        return 1;
    }

    /* The sum as text, and its length; 0 if it is left to others. */
    static int memcloud_add_floats(const char* one, size_t one_size, const char* other,
                                   size_t other_size, char* text, size_t room) {
        long double a, b;
        int size;
        if (LDBL_MANT_DIG != 64 || !memcloud_read_float(one, one_size, &a) ||
            !memcloud_read_float(other, other_size, &b))
            return 0;
        size = snprintf(text, room, "%.17Lf", a + b);
        if (size <= 0 || (size_t)size >= room)
            return 0;
        while (text[size - 1] == '0')
            size--;
        if (text[size - 1] == '.')
            size--;
        return size == 2 && text[0] == '-' && text[1] == '0' ? 0 : size;
    }
    """
    enum:
        FLOAT_BYTES_MAX "MEMCLOUD_FLOAT_BYTES_MAX"
    int add_floats "memcloud_add_floats"(
        const char*, size_t, const char*, size_t, char*, size_t
    ) noexcept nogil
