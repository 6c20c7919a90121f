#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/run/program.h"
#include "src/boxctl/boxctl.h"

static const struct command help_command, version_command;

static const struct command *const commands[] = {
    &migrate_command, &topics_command, &check_sql_command, &admin_command,   &account_command,
    &seed_command,    &doctor_command, &config_command,    &outbox_command,  &queue_command,
    &keys_command,    &ticket_command, &dlq_command,       &version_command, &help_command,
};

#define COMMAND_COUNT ARRAY_COUNT(commands)

static void print_commands(FILE *to)
{
    fputs("usage: boxctl COMMAND [ARGUMENTS]\n\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(to, "  %s%s%s\n", commands[i]->name, *commands[i]->args ? " " : "", commands[i]->args);
        fprintf(to, "      %s\n", commands[i]->help);
    }
    fputs("\nboxctl COMMAND --help names the settings it reads.\n", to);
}

static enum boxctl_status help(struct boxctl *box, int count, char **args)
{
    (void)box;
    (void)args;
    if (count != 0) {
        return BOXCTL_USAGE;
    }
    print_commands(stdout);
    return BOXCTL_OK;
}

static enum boxctl_status version(struct boxctl *box, int count, char **args)
{
    (void)box;
    (void)args;
    if (count != 0) {
        return BOXCTL_USAGE;
    }
    char program[] = "boxctl", option[] = "--version";
    program_options(program, SECTIONS(&cfg_process_section), 2, (char *[]){program, option, NULL});
    return BOXCTL_OK;
}

static const struct command version_command = {"version", "", "Print the version.", .run = version};
static const struct command help_command = {"help", "", "Print this list.", .run = help};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_usage(const struct command *command, FILE *to)
{
    fprintf(to, "usage: boxctl %s%s%s\n", command->name, *command->args ? " " : "", command->args);
}

static void print_help(const struct command *command, const struct cfg_section *const *sections)
{
    print_usage(command, stdout);
    printf("\n%s\n\nSettings are environment variables:\n", command->help);
    for (; *sections != NULL; sections++) {
        for (size_t i = 0; i < (*sections)->count; i++) {
            printf("  %-28s %s\n", (*sections)->keys[i].name, (*sections)->keys[i].help);
        }
    }
}

static enum boxctl_status open_and_run(const struct command *command, struct boxctl *box, int count, char **args)
{
    const char *why;
    if (command->role != NULL && boxctl_connect(box, command->role, &why) != NULL) {
        return boxctl_fail("%s", why);
    }
    return command->run(box, count, args);
}

static enum boxctl_status run_command(const struct command *command, int count, char **args)
{
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    program_sections(command->needs, command->settings, sections);
    if (count > 0 && strcmp(args[0], "--help") == 0) {
        print_help(command, sections);
        return BOXCTL_OK;
    }
    char program[] = "boxctl";
    if (command->settings != NULL) {
        program_options(program, sections, 1, (char *[]){program, NULL});
    }
    struct boxctl box = {.ctx = program_ctx_new(command->needs), .owner = cfg_db};
    ctx_begin(box.ctx, NULL, NULL);
    enum boxctl_status status = open_and_run(command, &box, count, args);
    program_ctx_free(&box.ctx);
    if (status == BOXCTL_USAGE) {
        print_usage(command, stderr);
    }
    return status;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* who waits for a long migration sees how far it is */
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "--version") == 0) {
        name += strlen("--");
    }
    const struct command *command = find_command(name);
    if (command == NULL) {
        print_commands(stderr);
        return BOXCTL_USAGE;
    }
    enum boxctl_status status = run_command(command, argc - 2, argv + 2);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return boxctl_fail("the answer could not be written");
    }
    return status;
}
