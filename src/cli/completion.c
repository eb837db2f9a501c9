/* `vif completion bash|zsh`: share/completion, from the tables of flags, commands and options. */
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/print.h"
#include "conf/options.h"

#include <stdio.h>

static void append_commands(struct buffer *out)
{
    for (const struct command *command = commands; command->name; command++)
        buffer_printf(out, "%s%s", command == commands ? "" : " ", command->name);
}

/* The names of a section's options, each with "=". */
static void append_names(struct buffer *out, enum option_section section)
{
    const struct option *option = NULL;
    while ((option = option_next(section, option)) != NULL)
        buffer_printf(out, "%s%s=", option == option_next(section, NULL) ? "" : " ", option->key);
}

/* What may stand behind a flag, with blanks between; nothing where it is free, or a file. */
static void append_values(struct buffer *out, const struct flag *flag)
{
    switch (flag->values) {
    case VALUES_ANY:
    case VALUES_FILE: return;
    case VALUES_LIMITS: append_names(out, SECTION_LIMITS); return;
    case VALUES_TIMEOUTS: append_names(out, SECTION_TIMEOUTS); return;
    case VALUES_WORDS:
        for (const char *const *word = flag_words(flag); *word; word++)
            buffer_printf(out, "%s%s", word == flag_words(flag) ? "" : " ", *word);
        return;
    }
    UNREACHABLE();
}

/* The sub-commands that have flags; the last is the one without a name. */
static const struct {
    unsigned flag;
    const char *command;
} flag_commands[] = {{FLAG_OF_RUN, "run"},
                     {FLAG_OF_CHECK, "check"},
                     {FLAG_OF_LOAD, "load"},
                     {FLAG_OF_LAB, "lab"},
                     {FLAG_OF_SERVE, "*"}};

/* These share their flags; other commands give the same letters other meanings. */
#define SERVING (FLAG_OF_SERVE | FLAG_OF_RUN | FLAG_OF_CHECK)

/* --- bash --- */

static void bash_flag_pattern(struct buffer *out, const char *command, const struct flag *flag)
{
    if (flag->letter)
        buffer_printf(out, "%s\\ -%c | ", command, flag->letter);
    buffer_printf(out, "%s\\ --%s", command, flag->name);
}

/* Behind which flags what may stand: the command and the word before are looked at together. */
static void bash_values(struct buffer *out, unsigned of, const char *command)
{
    for (size_t i = 0; i < flag_count; i++) {
        if (!flag_takes_value(&flags[i]) || !(flags[i].commands & of))
            continue;
        buffer_append(out, SLICE("    "));
        bash_flag_pattern(out, command, &flags[i]);
        if (flags[i].values == VALUES_FILE) {
            buffer_append(out, SLICE(") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"));
            continue;
        }
        buffer_append(out, SLICE(") words='"));
        append_values(out, &flags[i]);
        buffer_append(out, SLICE("' ;;\n"));
    }
}

static void bash_flags(struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(flag_commands); i++) {
        buffer_printf(out, "            %s) words='", flag_commands[i].command);
        const char *separator = "";
        for (size_t j = 0; j < flag_count; j++) {
            if (!(flags[j].commands & flag_commands[i].flag))
                continue;
            buffer_printf(out, "%s--%s", separator, flags[j].name);
            separator = " ";
        }
        buffer_append(out, SLICE("' ;;\n"));
    }
}

static void print_bash(struct buffer *out)
{
    buffer_append(out, SLICE("# Completion of vif for bash; made by \"vif completion bash\".\n"
                             "_vif() {\n"
                             "    local current=\"${COMP_WORDS[COMP_CWORD]}\" words=''\n"
                             "    case \"${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}\" in\n"));
    bash_values(out, FLAG_OF_LOAD, "load");
    bash_values(out, FLAG_OF_LAB, "lab");
    bash_values(out, SERVING, "*");
    buffer_append(out, SLICE("    *\\ completion) words='bash zsh' ;;\n"
                             "    *\\ manual) words='--man --markdown' ;;\n"
                             "    *)\n"
                             "        if [[ $current == -* ]]; then\n"
                             "            case \"${COMP_WORDS[1]}\" in\n"));
    bash_flags(out);
    buffer_append(out, SLICE("            esac\n"
                             "        elif ((COMP_CWORD == 1)); then\n"
                             "            words='"));
    append_commands(out);
    buffer_append(out, SLICE("'\n"
                             "            COMPREPLY=($(compgen -d -- \"$current\"))\n"
                             "        else\n"
                             "            COMPREPLY=($(compgen -f -- \"$current\"))\n"
                             "        fi\n"
                             "        ;;\n"
                             "    esac\n"
                             "    COMPREPLY+=($(compgen -W \"$words\" -- \"$current\"))\n"
                             "    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace\n"
                             "    return 0\n"
                             "}\n"
                             "complete -o filenames -F _vif vif\n"));
}

/* --- zsh --- */

/* Inside single quotes, brackets and a colon would end what they stand in. */
static void zsh_text(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '[' || *text == ']' || *text == ':')
            buffer_append_byte(out, '\\');
        if (*text == '\'')
            buffer_append(out, SLICE("'\\'"));
        buffer_append_byte(out, *text);
    }
}

/* ":message:action", or "::message:action" where the value may be left out. */
static void zsh_value(struct buffer *out, const struct flag *flag)
{
    /* "[=FILE]" is about FILE. */
    struct slice value = slice_from(flag->value);
    bool is_optional = !flag_takes_value(flag);
    if (is_optional)
        value = slice_make(value.data + 2, value.length - 3);
    buffer_printf(out, "%s:%.*s:", is_optional ? ":" : "", SLICE_ARGS(value));
    if (flag->values == VALUES_FILE) {
        buffer_append(out, SLICE("_files"));
    } else if (flag->values != VALUES_ANY) {
        buffer_append_byte(out, '(');
        append_values(out, flag);
        buffer_append_byte(out, ')');
    }
}

/* How zsh is told that a value follows: "-p+" takes it in the same or the next word, "--port=" too,
 * "--cors=-" in the same only. A letter never has a value that may be left out. */
static void zsh_flag(struct buffer *out, const struct flag *flag, bool by_letter)
{
    bool takes_value = flag->value && (flag_takes_value(flag) || !by_letter);
    if (by_letter)
        buffer_printf(out, "        '*-%c%s[", flag->letter, takes_value ? "+" : "");
    else
        buffer_printf(out, "        '*--%s%s[", flag->name,
                      !takes_value             ? ""
                      : flag_takes_value(flag) ? "="
                                               : "=-");
    zsh_text(out, flag->help);
    buffer_append_byte(out, ']');
    if (takes_value)
        zsh_value(out, flag);
    buffer_append(out, SLICE("'\n"));
}

static void zsh_flags(struct buffer *out, unsigned of)
{
    for (size_t i = 0; i < flag_count; i++) {
        const struct flag *flag = &flags[i];
        if (!(flag->commands & of))
            continue;
        if (flag->letter)
            zsh_flag(out, flag, true);
        zsh_flag(out, flag, false);
    }
}

static void print_zsh(struct buffer *out)
{
    buffer_append(out, SLICE("#compdef vif\n"
                             "# Completion of vif for zsh; made by \"vif completion zsh\".\n"
                             "_vif() {\n"
                             "    local -a flags load_flags lab_flags commands\n"
                             "    flags=(\n"));
    zsh_flags(out, SERVING);
    buffer_append(out, SLICE("    )\n"
                             "    load_flags=(\n"));
    zsh_flags(out, FLAG_OF_LOAD);
    buffer_append(out, SLICE("    )\n"
                             "    lab_flags=(\n"));
    zsh_flags(out, FLAG_OF_LAB);
    buffer_append(out, SLICE("    )\n"
                             "    commands=("));
    append_commands(out);
    buffer_append(out, SLICE(")\n"
                             "    if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
                             "        compadd -a commands\n"
                             "        _files -/\n"
                             "        return\n"
                             "    fi\n"
                             "    case $words[2] in\n"
                             "    completion) compadd bash zsh ;;\n"
                             "    manual) compadd -- --man --markdown ;;\n"
                             "    load) _arguments -s $load_flags '*:URL:_urls' ;;\n"
                             "    lab) _arguments -s $lab_flags '*:folder:_files -/' ;;\n"
                             "    *) _arguments -s $flags '*:folder or file:_files' ;;\n"
                             "    esac\n"
                             "}\n"
                             "_vif \"$@\"\n"));
}

int command_completion(char *const *words)
{
    struct slice shell = slice_from(words[0]);
    struct buffer text;
    buffer_init(&text, 1u << 20);
    if (slice_equal(shell, SLICE("bash"))) {
        print_bash(&text);
    } else if (slice_equal(shell, SLICE("zsh"))) {
        print_zsh(&text);
    } else {
        fputs("vif: completion needs the name of a shell: bash or zsh\n", stderr);
        return EXIT_MISTAKE;
    }
    return print_finish(&text, 0);
}
