/* The program as a table: a row is an instruction or a label, and jumps name labels. It is short enough for
 * that, and so building vif needs no compiler for BPF, and no object file lies in the tree that nobody can
 * read.
 *
 *     packet -> Ethernet, perhaps one VLAN tag -> IPv4 or IPv6, with TCP inside?
 *            -> is the source listed, and its time not over? -> is the destination one of our ports? -> drop,
 * count
 *
 * Everything else passes. A packet of a listed address that hides its ports (fragments, options of IPv4,
 * extension headers of IPv6) is dropped, too. Nothing is read beyond the packet's end: the kernel checks the
 * program for that when it is loaded. It uses no arithmetic on pointers with variables, so that CAP_BPF and
 * CAP_NET_ADMIN are enough to load it, without CAP_PERFMON. */
#include "sys/xdp_program.h"

#include "base/compiler.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

enum label { NOWHERE, PASS, ETHERNET, V4, V6, V6_HIDDEN, LOOK_UP, DROP, LABEL_COUNT };

enum map { MAP_NONE, MAP_BLOCKED, MAP_PORTS, MAP_TOTALS, MAP_COUNT };

struct row {
    struct bpf_insn instruction;
    enum label at; /* the row is this label, and no instruction */
    enum label to; /* the instruction jumps there */
    enum map map;  /* the instruction loads the address of that map, and takes the room of two */
};

/* Registers: R0 is what a function returned, R1 and R2 are its arguments, which it destroys like R3 to R5; it
 * leaves R6 to R9 alone; R10 is the end of the stack. */
#define R0       BPF_REG_0
#define R1       BPF_REG_1
#define R2       BPF_REG_2
#define PROTOCOL BPF_REG_6 /* of Ethernet, then whether the ports can be read: IPPROTO_TCP, else 0 */
#define END      BPF_REG_7 /* of the packet */
#define HEADER   BPF_REG_8 /* that is read next */
#define LENGTH   BPF_REG_9 /* of the packet of IP */
#define STACK    BPF_REG_10

/* Places on the stack. */
#define ADDRESS (-16) /* struct xdp_address */
#define PORT    (-24)
#define INDEX   (-32)
#define UNTIL   (-40)

#define ROW(opcode, to_register, from_register, offset, value) \
    {                                                          \
        .instruction = {                                       \
            .code = (opcode),                                  \
            .dst_reg = (to_register),                          \
            .src_reg = (from_register),                        \
            .off = (offset),                                   \
            .imm = (value)                                     \
        }                                                      \
    }
#define JUMP(opcode, one, other, value, label)                                                             \
    {                                                                                                      \
        .instruction = {.code = BPF_JMP | (opcode), .dst_reg = (one), .src_reg = (other), .imm = (value)}, \
        .to = (label)                                                                                      \
    }

#define LABEL(label)  \
    {                 \
        .at = (label) \
    }
#define LOAD(size, into, from, offset)   ROW(BPF_LDX | BPF_MEM | (size), into, from, offset, 0)
#define STORE(size, from, offset)        ROW(BPF_STX | BPF_MEM | (size), STACK, from, offset, 0)
#define STORE_VALUE(size, offset, value) ROW(BPF_ST | BPF_MEM | (size), STACK, 0, offset, value)
#define COPY(into, from)                 ROW(BPF_ALU64 | BPF_MOV | BPF_X, into, from, 0, 0)
#define SET(into, value)                 ROW(BPF_ALU64 | BPF_MOV | BPF_K, into, 0, 0, value)
#define ADD(into, value)                 ROW(BPF_ALU64 | BPF_ADD | BPF_K, into, 0, 0, value)
#define ADD_TO(into, from)               ROW(BPF_ALU64 | BPF_ADD | BPF_X, into, from, 0, 0)
#define AND(into, value)                 ROW(BPF_ALU64 | BPF_AND | BPF_K, into, 0, 0, value)
#define FROM_NETWORK(into)               ROW(BPF_ALU | BPF_END | BPF_TO_BE, into, 0, 0, 16)
#define CALL(function)                   ROW(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define WRITE_BACK(into, offset, from)   ROW(BPF_STX | BPF_MEM | BPF_DW, into, from, offset, 0)
#define RETURN                           ROW(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define GO(label)                        JUMP(BPF_JA, 0, 0, 0, label)
#define IF_EQUAL(one, value, label)      JUMP(BPF_JEQ | BPF_K, one, 0, value, label)
#define IF_NOT(one, value, label)        JUMP(BPF_JNE | BPF_K, one, 0, value, label)
#define IF_MORE(one, other, label)       JUMP(BPF_JGT | BPF_X, one, other, 0, label)
#define IF_NOT_LESS(one, other, label)   JUMP(BPF_JGE | BPF_X, one, other, 0, label)
#define LOAD_MAP(map_)                                                                                   \
    {                                                                                                    \
        .instruction = {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = R1, .src_reg = BPF_PSEUDO_MAP_FD}, \
        .map = (map_)                                                                                    \
    }

/* The packet must have as many bytes from HEADER on. */
#define NEED(bytes) COPY(R1, HEADER), ADD(R1, bytes), IF_MORE(R1, END, PASS)

/* R0 is the map's value for the key on the stack, or NULL. */
#define FIND(map_, key) LOAD_MAP(map_), COPY(R2, STACK), ADD(R2, key), CALL(BPF_FUNC_map_lookup_elem)

static const struct row rows[] = {
    LOAD(BPF_W, HEADER, R1, offsetof(struct xdp_md, data)),
    LOAD(BPF_W, END, R1, offsetof(struct xdp_md, data_end)),

    NEED(ETH_HLEN),
    LOAD(BPF_H, PROTOCOL, HEADER, 12),
    FROM_NETWORK(PROTOCOL),
    ADD(HEADER, ETH_HLEN),
    IF_EQUAL(PROTOCOL, ETH_P_8021Q, ETHERNET),
    IF_EQUAL(PROTOCOL, ETH_P_IP, V4),
    IF_EQUAL(PROTOCOL, ETH_P_IPV6, V6),
    GO(PASS),

    LABEL(ETHERNET), /* a VLAN tag */
    NEED(4),
    LOAD(BPF_H, PROTOCOL, HEADER, 2),
    FROM_NETWORK(PROTOCOL),
    ADD(HEADER, 4),
    IF_EQUAL(PROTOCOL, ETH_P_IPV6, V6),
    IF_NOT(PROTOCOL, ETH_P_IP, PASS),

    LABEL(V4),
    NEED(20),
    LOAD(BPF_B, R1, HEADER, 9),
    IF_NOT(R1, IPPROTO_TCP, PASS),
    STORE_VALUE(BPF_DW, ADDRESS, 0), /* ::ffff:a.b.c.d */
    STORE_VALUE(BPF_H, ADDRESS + 8, 0),
    STORE_VALUE(BPF_H, ADDRESS + 10, 0xffff),
    LOAD(BPF_W, R1, HEADER, 12),
    STORE(BPF_W, R1, ADDRESS + 12),
    LOAD(BPF_H, LENGTH, HEADER, 2),
    FROM_NETWORK(LENGTH),
    SET(PROTOCOL, 0),
    LOAD(BPF_H, R2, HEADER, 6),
    FROM_NETWORK(R2),
    LOAD(BPF_B, R1, HEADER, 0),
    ADD(HEADER, 20),
    AND(R2, 0x1fff), /* where the fragment begins: only the first one has ports */
    IF_NOT(R2, 0, LOOK_UP),
    IF_NOT(R1, 0x45, LOOK_UP), /* 20 bytes, without options */
    SET(PROTOCOL, IPPROTO_TCP),
    GO(LOOK_UP),

    LABEL(V6),
    NEED(40),
    LOAD(BPF_DW, R1, HEADER, 8),
    STORE(BPF_DW, R1, ADDRESS),
    STORE_VALUE(BPF_DW, ADDRESS + 8, 0),
    LOAD(BPF_H, LENGTH, HEADER, 4),
    FROM_NETWORK(LENGTH),
    ADD(LENGTH, 40),
    LOAD(BPF_B, PROTOCOL, HEADER, 6),
    ADD(HEADER, 40),
    IF_EQUAL(PROTOCOL, IPPROTO_TCP, LOOK_UP),
    IF_EQUAL(PROTOCOL, IPPROTO_HOPOPTS, V6_HIDDEN),
    IF_EQUAL(PROTOCOL, IPPROTO_ROUTING, V6_HIDDEN),
    IF_EQUAL(PROTOCOL, IPPROTO_FRAGMENT, V6_HIDDEN),
    IF_NOT(PROTOCOL, IPPROTO_DSTOPTS, PASS),
    LABEL(V6_HIDDEN),
    SET(PROTOCOL, 0),

    LABEL(LOOK_UP),
    FIND(MAP_BLOCKED, ADDRESS),
    IF_EQUAL(R0, 0, PASS),
    LOAD(BPF_DW, R1, R0, 0),
    STORE(BPF_DW, R1, UNTIL),
    CALL(BPF_FUNC_ktime_get_ns),
    LOAD(BPF_DW, R1, STACK, UNTIL),
    IF_NOT_LESS(R0, R1, PASS),
    IF_EQUAL(PROTOCOL, 0, DROP),
    NEED(4),
    LOAD(BPF_H, R1, HEADER, 2),
    STORE(BPF_H, R1, PORT),
    FIND(MAP_PORTS, PORT),
    IF_EQUAL(R0, 0, PASS),

    LABEL(DROP),
    STORE_VALUE(BPF_W, INDEX, 0),
    FIND(MAP_TOTALS, INDEX),
    IF_EQUAL(R0, 0, PASS), /* never: the kernel wants to see that it is looked at */
    LOAD(BPF_DW, R1, R0, 0),
    ADD(R1, 1),
    WRITE_BACK(R0, 0, R1),
    LOAD(BPF_DW, R1, R0, 8),
    ADD_TO(R1, LENGTH),
    WRITE_BACK(R0, 8, R1),
    SET(R0, XDP_DROP),
    RETURN,

    LABEL(PASS),
    SET(R0, XDP_PASS),
    RETURN,
};

static size_t xdp_program_room_of(const struct row *row)
{
    return row->at != NOWHERE ? 0 : row->map != MAP_NONE ? 2 : 1;
}

size_t xdp_program_write(int blocked_fd, int ports_fd, int totals_fd,
                         struct bpf_insn instructions[XDP_INSTRUCTIONS_MAX])
{
    const int fds[MAP_COUNT] = {[MAP_BLOCKED] = blocked_fd, [MAP_PORTS] = ports_fd, [MAP_TOTALS] = totals_fd};
    size_t places[LABEL_COUNT] = {0}, count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        places[rows[i].at] = count;
        count += xdp_program_room_of(&rows[i]);
    }
    assert(count <= XDP_INSTRUCTIONS_MAX);
    count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t room = xdp_program_room_of(&rows[i]);
        if (room == 0)
            continue;
        struct bpf_insn *instruction = &instructions[count];
        *instruction = rows[i].instruction;
        count += room;
        if (rows[i].to != NOWHERE) /* from the next instruction on */
            instruction->off = (int16_t)((long)places[rows[i].to] - (long)count);
        if (rows[i].map != MAP_NONE) {
            instruction[0].imm = fds[rows[i].map];
            instruction[1] = (struct bpf_insn){0};
        }
    }
    return count;
}
