/* Texts of the error table; codes outside it are -errno. */
#include "base/error.h"

#include <string.h>

const char *error_text(int error)
{
    switch (error) {
#define X(name, text) \
    case ERROR_##name: return text;
        ERROR_TABLE(X)
#undef X
    default: return strerror(-error);
    }
}
