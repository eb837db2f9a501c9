/* The door that libFuzzer enters by. The input lies in an allocation of exactly its size; a property that
 * does not hold is an assert. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
