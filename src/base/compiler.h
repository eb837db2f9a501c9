/* Compiler attributes, branch hints, common macros, and assertions.
 *
 * Assertions guard against bugs in vif only, and stay on in release builds. Bad input from a peer is
 * answered with an error response, never with an assertion. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <assert.h>
#include <stddef.h>

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The caller must use the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Argument number `at` (from 1) is a printf format whose values begin at `first`. */
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* The object that contains `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Marks a branch that can be reached only through a bug in vif. */
#define UNREACHABLE()            \
    do {                         \
        assert(!"unreachable");  \
        __builtin_unreachable(); \
    } while (0)

/* Under AddressSanitizer, free memory of arenas and pools is poisoned, so that their bugs are found as if
 * every object had come from malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define VIF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VIF_ASAN 1
#endif
#endif

#ifdef VIF_ASAN
#include <sanitizer/asan_interface.h>
/* gcc 12 treats poisoning as a read and warns about uninitialised memory. The empty asm hides from it
 * where the address comes from. */
#define POISON(address, size)                         \
    do {                                              \
        const void *poisoned_ = (address);            \
        __asm__("" : "+r"(poisoned_));                \
        __asan_poison_memory_region(poisoned_, size); \
    } while (0)
#define UNPOISON(address, size) __asan_unpoison_memory_region(address, size)
#else
#define POISON(address, size)   ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

#endif
