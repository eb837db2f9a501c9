/* malloc and its kin: counted while the server runs, and refused when the seed says so. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static size_t blocks;

void memory_start(void)
{
    blocks = 0;
}

size_t memory_blocks(void)
{
    return blocks;
}

static void *must_have(void *block)
{
    if (block == NULL) {
        fputs("vif-sim: out of memory\n", stderr);
        exit(2);
    }
    return block;
}

void *kernel_alloc(size_t size)
{
    return must_have(__real_calloc(1, size));
}

void *kernel_realloc(void *block, size_t size)
{
    return must_have(__real_realloc(block, size));
}

void kernel_free(void *block)
{
    __real_free(block);
}

static bool is_refused(void)
{
    if (kernel_side() == SIDE_WORLD)
        return false;
    if (fault_for(CALL_malloc, (struct call_target){0}) == 0)
        return false;
    errno = ENOMEM;
    return true;
}

static void *count(void *block)
{
    blocks += kernel_side() != SIDE_WORLD && block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return is_refused() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (is_refused())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : count(moved);
}

/* Blocks never change sides. */
void __wrap_free(void *block)
{
    blocks -= kernel_side() != SIDE_WORLD && block != NULL;
    __real_free(block);
}
