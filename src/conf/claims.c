/* Finds two that claim the same address, host or path: the claims are sorted, so that equal ones stand side
 * by side. */
#include "conf/claims.h"

#include <stdlib.h>

bool claims_add(struct claims *claims, struct claim claim)
{
    if (claims->count == claims->capacity) {
        size_t capacity = MAX(claims->capacity * 2, (size_t)16);
        struct claim *grown = reallocarray(claims->list, capacity, sizeof(*grown));
        if (grown == NULL)
            return false;
        claims->list = grown;
        claims->capacity = capacity;
    }
    claims->list[claims->count++] = claim;
    return true;
}

static int claims_compare_numbers(uintptr_t a, uintptr_t b)
{
    return (a > b) - (a < b);
}

static uintptr_t source_number(const struct claim *claim)
{
    return claim->position.source ? claim->position.source->number : 0;
}

/* By scope and text, and then by place. */
static int claims_compare(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    int order = claims_compare_numbers((uintptr_t)a->scope, (uintptr_t)b->scope);
    if (order == 0)
        order = memcmp(a->text.data, b->text.data, MIN(a->text.length, b->text.length));
    if (order == 0)
        order = claims_compare_numbers(a->text.length, b->text.length);
    if (order == 0)
        order = claims_compare_numbers(source_number(a), source_number(b));
    if (order == 0)
        order = claims_compare_numbers(a->position.line, b->position.line);
    return order ? order : claims_compare_numbers(a->position.column, b->position.column);
}

static uint64_t set_of(const struct claim *claim)
{
    return claim->set && *claim->set ? *claim->set : UINT64_MAX;
}

/* The nearest claim before `claims->list[index]` that conflicts with it, or NULL. */
static const struct claim *find_met(const struct claims *claims, size_t index)
{
    const struct claim *second = &claims->list[index];
    for (const struct claim *first = second; first-- > claims->list;) {
        if (first->scope != second->scope || !slice_equal(first->text, second->text))
            return NULL;
        if (set_of(first) & set_of(second))
            return first;
    }
    return NULL;
}

void claims_check(struct claims *claims, struct diagnostics *diagnostics)
{
    if (claims->count > 1)
        qsort(claims->list, claims->count, sizeof(claims->list[0]), claims_compare);
    for (size_t i = 1; i < claims->count; i++) {
        const struct claim *first = find_met(claims, i), *second = &claims->list[i];
        char where[POSITION_TEXT_MAX];
        if (first)
            diagnostics_add(diagnostics, second->position, "%s: duplicate \"%.*s\"%s", second->what,
                            (int)MIN(second->text.length, (size_t)200), second->text.data,
                            position_show(first->position, second->position.source, where));
    }
}

void claims_finish(struct claims *claims)
{
    free(claims->list);
    *claims = (struct claims){0};
}
