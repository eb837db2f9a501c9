/* `vif completion bash|zsh`: share/completion, from the tables of commands, flags and options. Both scripts
 * find out the command first, then either what a flag takes, or flags, or what the command is about. */
#include "cli/completion.h"

#include "cli/lab_flags.h"
#include "cli/print.h"
#include "cli/session.h"
#include "conf/options.h"

#include <stdio.h>

/* "a b c", from a list that ends with NULL. */
static void append_list(struct buffer *out, const char *const *list)
{
    for (const char *const *word = list; *word; word++)
        buffer_printf(out, "%s%s", word == list ? "" : " ", *word);
}

static void append_commands(struct buffer *out, const char *separator)
{
    for (const struct command *command = commands; command->name; command++)
        buffer_printf(out, "%s%s", command == commands ? "" : separator, command->name);
}

static void append_models(struct buffer *out)
{
    for (const struct lab_model *model = lab_models; model->name; model++)
        buffer_printf(out, "%s%s", model == lab_models ? "" : " ", model->name);
}

/* The names of a section's options, each with "=". */
static void append_names(struct buffer *out, enum option_section section)
{
    const struct option *option = NULL;
    while ((option = option_next(section, option)) != NULL)
        buffer_printf(out, "%s%s=", option == option_next(section, NULL) ? "" : " ", option->key);
}

void completion_append_values(struct buffer *out, const struct flag *flag)
{
    switch (flag->values) {
    case VALUES_ANY:
    case VALUES_FILE: return;
    case VALUES_LIMITS: append_names(out, SECTION_LIMITS); return;
    case VALUES_TIMEOUTS: append_names(out, SECTION_TIMEOUTS); return;
    case VALUES_WORDS: append_list(out, flag_words(flag)); return;
    case VALUES_MODEL:
    case VALUES_MODELS: append_models(out); return;
    case VALUES_SCENARIOS: append_list(out, lab_scenario_names); return;
    }
    UNREACHABLE();
}

/* --- bash --- */

/* What may stand behind a flag, if that is known. */
static void bash_values(struct buffer *out, const struct command *command, const struct flag *flag)
{
    buffer_printf(out, "    ");
    if (flag->letter)
        buffer_printf(out, "%s\\ -%c | ", command->name, flag->letter);
    buffer_printf(out, "%s\\ --%s) ", command->name, flag->name);
    if (flag->values == VALUES_FILE) {
        buffer_append(out, SLICE("_vif_files -f; return ;;\n"));
        return;
    }
    buffer_append(out, SLICE("words='"));
    completion_append_values(out, flag);
    bool by_commas = flag->values == VALUES_MODELS || flag->values == VALUES_SCENARIOS;
    buffer_printf(out, "'%s ;;\n", by_commas ? " commas=1" : "");
}

static void bash_all_values(struct buffer *out)
{
    for (const struct command *command = commands; command->name; command++) {
        for (size_t i = 0; i < flag_count; i++) {
            if ((flags[i].commands & command->flag) && flag_takes_value(&flags[i]))
                bash_values(out, command, &flags[i]);
        }
    }
}

static void bash_flags(struct buffer *out)
{
    for (const struct command *command = commands; command->name; command++) {
        buffer_printf(out, "        %s\\ -*) words='", command->name);
        const char *separator = "";
        for (size_t i = 0; i < flag_count; i++) {
            if (!(flags[i].commands & command->flag))
                continue;
            buffer_printf(out, "%s--%s", separator, flags[i].name);
            separator = " ";
        }
        buffer_append(out, SLICE("' ;;\n"));
    }
}

static void print_bash(struct buffer *out)
{
    buffer_append(
        out,
        SLICE("# Completion of vif for bash; made by \"vif completion bash\".\n"
              "_vif_files() {\n"
              "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
              "}\n"
              "_vif() {\n"
              "    local current=\"${COMP_WORDS[COMP_CWORD]}\" command=serve commas='' words='' before=''\n"
              "    local previous=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
              "    # --name=value is three words here.\n"
              "    [[ $current == '=' ]] && current=''\n"
              "    [[ $previous == '=' ]] && previous=\"${COMP_WORDS[COMP_CWORD - 2]}\"\n"
              "    COMPREPLY=()\n"
              "    case \"${COMP_WORDS[1]}\" in\n"
              "    "));
    append_commands(out, " | ");
    buffer_append(out, SLICE(") ((COMP_CWORD > 1)) && command=\"${COMP_WORDS[1]}\" ;;\n"
                             "    esac\n"
                             "    case \"$command $previous\" in\n"));
    bash_all_values(out);
    buffer_append(out, SLICE("    *)\n"
                             "        case \"$command $current\" in\n"));
    bash_flags(out);
    buffer_append(out, SLICE("        serve\\ *)\n"
                             "            _vif_files -f\n"
                             "            ((COMP_CWORD == 1)) && words='"));
    append_commands(out, " ");
    buffer_append(out, SLICE("'\n"
                             "            ;;\n"
                             "        run\\ * | check\\ *) _vif_files -f ;;\n"
                             "        lab\\ *) _vif_files -d ;;\n"
                             "        cert\\ *) words='list issue renew remove' ;;\n"
                             "        completion\\ *) words='bash zsh' ;;\n"
                             "        help\\ *) words='"));
    append_commands(out, " ");
    buffer_append(out, SLICE("' ;;\n"
                             "        esac\n"
                             "        ;;\n"
                             "    esac\n"
                             "    if [[ $commas && $current == *,* ]]; then\n"
                             "        before=\"${current%,*},\"\n"
                             "        current=\"${current##*,}\"\n"
                             "    fi\n"
                             "    COMPREPLY+=($(compgen -P \"$before\" -W \"$words\" -- \"$current\"))\n"
                             "    [[ $commas || ${COMPREPLY[*]} == *= ]] && compopt -o nospace\n"
                             "    return 0\n"
                             "}\n"
                             "complete -o filenames -F _vif vif\n"));
}

static int print_completion(struct session *session)
{
    struct argument shell = session->arguments.operand;
    struct buffer text;
    buffer_init(&text, 1u << 20);
    if (slice_equal(shell.text, SLICE("bash"))) {
        print_bash(&text);
    } else if (slice_equal(shell.text, SLICE("zsh"))) {
        completion_print_zsh(&text);
    } else {
        diagnostics_add(&session->diagnostics, shell.position, "expected the name of a shell: bash or zsh");
        print_diagnostics(&session->diagnostics);
        return EXIT_MISTAKE;
    }
    return print_finish(&text, 0);
}

int command_completion(char *const *words)
{
    return session_run(FLAG_OF_COMPLETION, words, print_completion);
}
