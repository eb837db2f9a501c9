/* The script for zsh: a call of _arguments(1) for each command, which sees the words behind the command's
 * name only, as if that were the program's. */
#include "cli/commands.h"
#include "cli/completion.h"

#include <stdio.h>

/* Inside single quotes, brackets and a colon would end what they stand in. */
static void completion_zsh_append_text(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '[' || byte == ']' || byte == ':')
            buffer_append_byte(out, '\\');
        if (byte == '\'')
            buffer_append(out, SLICE("'\\'"));
        buffer_append_byte(out, byte == '`' ? '"' : byte);
    }
}

/* What completes the value, as the action of a specification. */
static void append_action(struct buffer *out, const struct flag *flag)
{
    switch (flag->values) {
    case VALUES_ANY: return;
    case VALUES_FILE: buffer_append(out, SLICE("_files")); return;
    case VALUES_WORDS:
    case VALUES_MODEL:
        buffer_append_byte(out, '(');
        completion_append_values(out, flag);
        buffer_append_byte(out, ')');
        return;
    case VALUES_LIMITS:
    case VALUES_TIMEOUTS:
        buffer_append(out, SLICE("{compadd -S \"\" -- "));
        completion_append_values(out, flag);
        buffer_append_byte(out, '}');
        return;
    case VALUES_MODELS:
    case VALUES_SCENARIOS:
        buffer_append(out, SLICE("_values -s , name "));
        completion_append_values(out, flag);
        return;
    }
    UNREACHABLE();
}

/* ":message:action", or "::message:action" where the value may be left out. */
static void append_value(struct buffer *out, const struct flag *flag)
{
    /* "[=FILE]" is about FILE. */
    struct slice value = slice_from(flag->value);
    bool is_optional = !flag_takes_value(flag);
    if (is_optional)
        value = slice_make(value.data + 2, value.length - 3);
    buffer_append(out, is_optional ? SLICE("::") : SLICE(":"));
    completion_zsh_append_text(out, value);
    buffer_append_byte(out, ':');
    append_action(out, flag);
}

/* How zsh is told that a value follows: "-p+" takes it in the same or the next word, "--port=" too,
 * "--cors=-" in the same only. A letter never has a value that may be left out. */
static void completion_zsh_append_flag(struct buffer *out, const struct flag *flag, bool by_letter)
{
    bool takes_value = flag->value && (flag_takes_value(flag) || !by_letter);
    if (by_letter)
        buffer_printf(out, "            '*-%c%s[", flag->letter, takes_value ? "+" : "");
    else
        buffer_printf(out, "            '*--%s%s[", flag->name,
                      !takes_value             ? ""
                      : flag_takes_value(flag) ? "="
                                               : "=-");
    completion_zsh_append_text(out, slice_from(flag->help));
    buffer_append_byte(out, ']');
    if (takes_value)
        append_value(out, flag);
    buffer_append(out, SLICE("' \\\n"));
}

/* What the word is that is no flag. */
static const char *operand_action(const struct command *command)
{
    switch ((enum flag_command)command->flag) {
    case FLAG_OF_SERVE: return "'1:folder or file:_files'";
    case FLAG_OF_PROXY: return "'*:server:_hosts'";
    case FLAG_OF_RUN:
    case FLAG_OF_CHECK: return "'1:configuration file:_files'";
    case FLAG_OF_LOAD: return "'1:URL:_urls'";
    case FLAG_OF_LAB: return "'1:folder:_files -/'";
    case FLAG_OF_CERT: return "'1:action:(list issue renew remove)'";
    case FLAG_OF_PASSWORD: return "'1:name:_users'";
    case FLAG_OF_UPSTREAM: return "'1:action:(list add weight drain remove)' '*:server:_hosts'";
    case FLAG_OF_COMPLETION: return "'1:shell:(bash zsh)'";
    case FLAG_OF_HELP: return "'1:command:_vif_commands'";
    case FLAG_OF_RELOAD:
    case FLAG_OF_STATUS:
    case FLAG_OF_STOP:
    case FLAG_OF_REOPEN:
    case FLAG_OF_UPGRADE:
    case FLAG_OF_TOP:
    case FLAG_OF_HARDENING:
    case FLAG_OF_SCHEMA:
    case FLAG_OF_MANUAL:
    case FLAG_OF_VERSION: return "";
    }
    UNREACHABLE();
}

static void completion_zsh_append_command(struct buffer *out, const struct command *command)
{
    buffer_printf(out, "    %s)\n        _arguments -s -S \\\n", command->name);
    for (size_t i = 0; i < flag_count; i++) {
        const struct flag *flag = &flags[i];
        if (!(flag->commands & command->flag))
            continue;
        if (flag->letter)
            completion_zsh_append_flag(out, flag, true);
        completion_zsh_append_flag(out, flag, false);
    }
    buffer_printf(out, "            %s\n        ;;\n", operand_action(command));
}

/* 'name:what it does', the first sentence of it. */
static void append_description(struct buffer *out, const struct command *command)
{
    struct slice summary = slice_from(command->summary);
    size_t end = 0;
    while (end < summary.length && !slice_starts_with(slice_skip(summary, end), SLICE(". ")))
        end++;
    summary = slice_take(summary, end);
    if (slice_ends_with(summary, SLICE(".")))
        summary.length--;
    buffer_printf(out, "        '%s:", command->name);
    completion_zsh_append_text(out, summary);
    buffer_append(out, SLICE("'\n"));
}

void completion_print_zsh(struct buffer *out)
{
    buffer_append(out, SLICE("#compdef vif\n"
                             "# Completion of vif for zsh; made by \"vif completion zsh\".\n"
                             "_vif_commands() {\n"
                             "    local -a commands\n"
                             "    commands=(\n"));
    for (const struct command *command = commands; command->name; command++)
        append_description(out, command);
    buffer_append(out, SLICE("    )\n"
                             "    _describe -t commands command commands\n"
                             "}\n"
                             "_vif() {\n"
                             "    local command=serve\n"
                             "    if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
                             "        _vif_commands\n"
                             "        _files\n"
                             "        return\n"
                             "    fi\n"
                             "    case $words[2] in\n"
                             "    "));
    for (const struct command *command = commands; command->name; command++)
        buffer_printf(out, "%s%s", command == commands ? "" : " | ", command->name);
    buffer_append(out, SLICE(")\n"
                             "        command=$words[2]\n"
                             "        shift words\n"
                             "        ((CURRENT--))\n"
                             "        ;;\n"
                             "    esac\n"
                             "    case $command in\n"));
    for (const struct command *command = commands; command->name; command++)
        completion_zsh_append_command(out, command);
    buffer_append(out, SLICE("    esac\n"
                             "}\n"
                             "_vif \"$@\"\n"));
}
