/* The program that sys/xdp.h attaches: its instructions, and its maps' keys and values. */
#ifndef SYS_XDP_PROGRAM_H
#define SYS_XDP_PROGRAM_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#define XDP_INSTRUCTIONS_MAX 128

/* Writes the instructions, which use the three maps, and returns how many there are. */
size_t xdp_program_write(int blocked_fd, int ports_fd, int totals_fd,
                         struct bpf_insn instructions[XDP_INSTRUCTIONS_MAX]);

#endif
