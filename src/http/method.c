/* The names of the methods, and parsing them. */
#include "http/method.h"

static const struct slice method_names[] = {[HTTP_METHOD_UNKNOWN] = {0},
#define X(name) [HTTP_METHOD_##name] = {.data = #name, .length = sizeof(#name) - 1},
                                            HTTP_METHOD_TABLE(X)
#undef X
};

enum http_method http_method_parse(struct slice token)
{
    for (size_t i = 1; i < ARRAY_LENGTH(method_names); i++) {
        if (slice_equal(token, method_names[i]))
            return (enum http_method)i;
    }
    return HTTP_METHOD_UNKNOWN;
}

struct slice http_method_name(enum http_method method)
{
    return method_names[method];
}
