#include "run/directory.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const file_names[CNN_RUN_FILE_COUNT] = {
#define CNN_RUN_FILE_NAME(name, text) text,
    CNN_RUN_FILE_LIST(CNN_RUN_FILE_NAME)
#undef CNN_RUN_FILE_NAME
};

/* --- names --- */

cnn_status cnn_run_directory_name(const char *path, cnn_run_directory *directory,
                                  cnn_error *error) {
    *directory = (cnn_run_directory){.path = cnn_copy_string(path),
                                     .folds_table = cnn_path_join(path, CNN_FOLDS_TABLE)};
    bool complete = directory->path && directory->folds_table;
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        directory->file[i] = cnn_path_join(path, file_names[i]);
        complete = complete && directory->file[i];
    }
    return complete ? CNN_OK : cnn_fail_memory(error, "the run directory");
}

void cnn_run_directory_free(cnn_run_directory *directory) {
    cnn_free(directory->path);
    cnn_free(directory->folds_table);
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        cnn_free(directory->file[i]);
    }
    *directory = (cnn_run_directory){0};
}

char *cnn_run_fold_path(const char *directory, int fold) {
    char name[24];
    (void)snprintf(name, sizeof name, "fold-%d", fold);
    return cnn_path_join(directory, name);
}

char *cnn_run_member_path(const char *directory, int member) {
    char name[24];
    (void)snprintf(name, sizeof name, "%04d", member);
    return cnn_path_join(directory, name);
}

cnn_status cnn_run_member_directory(const char *sweep, int member, cnn_run_directory *directory,
                                    cnn_error *error) {
    *directory = (cnn_run_directory){0};
    char *path = cnn_run_member_path(sweep, member);
    cnn_status status =
        path ? cnn_run_directory_name(path, directory, error) : cnn_fail_memory(error, sweep);
    cnn_free(path);
    return status;
}

/* "model.bin.tmp.1234": a file that cnn_file_write was writing when the program was killed. */
static bool is_draft_of(const char *name, const char *file) {
    static const char mark[] = ".tmp.";
    size_t length = strlen(file);
    return strncmp(name, file, length) == 0 && strncmp(name + length, mark, sizeof mark - 1) == 0;
}

static bool is_draft(const char *name) {
    bool draft = is_draft_of(name, CNN_FOLDS_TABLE);
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        draft = draft || is_draft_of(name, file_names[i]);
    }
    return draft;
}

/* True if this file may be in a directory without a run. Drafts may: a program that is killed early
 * leaves only its first one. */
static bool may_be_in_unused(const char *name) {
    const char *const names[] = {".",
                                 "..",
                                 CNN_RUN_LOCK,
                                 CNN_RUN_START_LOCK,
                                 CNN_DATA_REPORT,
                                 CNN_AUGMENTED_SHEET,
                                 file_names[CNN_RUN_FAILURE]};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return is_draft(name) || strncmp(name, CNN_RUN_LOCK ".", sizeof CNN_RUN_LOCK) == 0 ||
           strncmp(name, CNN_RUN_START_LOCK ".", sizeof CNN_RUN_START_LOCK) == 0;
}

/* --- existing files --- */

cnn_status cnn_run_is_in_use(const char *path, bool *in_use, cnn_error *error) {
    *in_use = false;
    DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT ? CNN_OK : cnn_fail_errno(error, path, errno);
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        *in_use = *in_use || !may_be_in_unused(entry->d_name);
    }
    int reason = errno;
    (void)closedir(directory);
    return reason == 0 ? CNN_OK : cnn_fail_errno(error, path, reason);
}

cnn_status cnn_run_has_file(const cnn_run_directory *directory, cnn_run_file file, bool *has,
                            cnn_error *error) {
    *has = access(directory->file[file], F_OK) == 0;
    return *has || errno == ENOENT ? CNN_OK : cnn_fail_errno(error, directory->file[file], errno);
}

cnn_status cnn_run_read_file(const cnn_run_directory *directory, cnn_run_file file, size_t limit,
                             char **text, size_t *size, cnn_error *error) {
    const char *path = directory->file[file];
    bool has;
    *text = NULL;
    *size = 0;
    CNN_TRY(cnn_run_has_file(directory, file, &has, error));
    if (!has) {
        return CNN_OK;
    }
    cnn_status status = cnn_file_read(path, limit, CNN_ERROR_RUNTIME, text, size, error);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}

/* N if the name is "fold-N", else 0. */
static int fold_number(const char *name) {
    static const char start[] = "fold-";
    if (strncmp(name, start, sizeof start - 1) != 0) {
        return 0;
    }
    const char *digits = name + sizeof start - 1;
    size_t length = strlen(digits);
    bool plain =
        length > 0 && length < 9 && digits[0] != '0' && strspn(digits, "0123456789") == length;
    return plain ? (int)strtol(digits, NULL, 10) : 0;
}

/* N if the name is that of a sweep's member, "000N", else 0. */
static int member_number(const char *name) {
    bool plain = strlen(name) == 4 && strspn(name, "0123456789") == 4;
    return plain ? (int)strtol(name, NULL, 10) : 0;
}

/* The kinds of directories in that of a set. */
typedef struct member_kind {
    int (*number)(const char *name);
    char *(*path)(const char *directory, int number);
} member_kind;

static const member_kind folds = {.number = fold_number, .path = cnn_run_fold_path};
static const member_kind members = {.number = member_number, .path = cnn_run_member_path};

static cnn_status is_folder(const char *path, const member_kind *kind, int number, bool *is,
                            cnn_error *error) {
    char *member_path = kind->path(path, number);
    cnn_status status = member_path ? cnn_folder_look(member_path, CNN_ERROR_RUNTIME, is, error)
                                    : cnn_fail_memory(error, path);
    cnn_free(member_path);
    return status;
}

/* *number: that of the next member's directory in the open folder; 0 if there are no more. path: of
 * the folder. */
static cnn_status next_member(DIR *folder, const char *path, const member_kind *kind, int *number,
                              cnn_error *error) {
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(folder)) != NULL) {
        *number = kind->number(entry->d_name);
        bool found = false;
        if (*number > 0) {
            CNN_TRY(is_folder(path, kind, *number, &found, error));
        }
        if (found) {
            return CNN_OK;
        }
    }
    *number = 0;
    return errno == 0 ? CNN_OK : cnn_fail_errno(error, path, errno);
}

cnn_status cnn_run_has_folds(const char *path, bool *has, cnn_error *error) {
    int fold = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        return cnn_fail_errno(error, path, errno);
    }
    cnn_status status = next_member(folder, path, &folds, &fold, error);
    (void)closedir(folder);
    *has = fold > 0;
    return status;
}

cnn_status cnn_run_is_complete(const cnn_run_directory *directory, bool with_test, bool *complete,
                               cnn_error *error) {
    *complete = true;
    int needed = CNN_RUN_TEST_PREDICTIONS + (with_test ? 1 : 0);
    for (int i = 0; i < needed && *complete; i++) {
        CNN_TRY(cnn_run_has_file(directory, (cnn_run_file)i, complete, error));
    }
    return CNN_OK;
}

/* --- removing --- */

/* A missing file is not an error. */
static cnn_status remove_file(const char *path, cnn_error *error) {
    return unlink(path) == 0 || errno == ENOENT ? CNN_OK : cnn_fail_errno(error, path, errno);
}

cnn_status cnn_run_remove(const cnn_run_directory *directory, cnn_run_file file, cnn_error *error) {
    return remove_file(directory->file[file], error);
}

cnn_status cnn_run_remove_results(const cnn_run_directory *directory, cnn_error *error) {
    CNN_TRY(cnn_run_remove(directory, CNN_RUN_REPORT, error));
    return cnn_run_remove(directory, CNN_RUN_SUMMARY, error);
}

static cnn_status remove_drafts_in(DIR *folder, const char *path, cnn_error *error) {
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(folder)) != NULL) {
        if (is_draft(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            return cnn_fail(error, CNN_ERROR_RUNTIME, "%s/%s: %s", path, entry->d_name,
                            strerror(errno));
        }
    }
    return errno == 0 ? CNN_OK : cnn_fail_errno(error, path, errno);
}

cnn_status cnn_run_remove_drafts(const char *path, cnn_error *error) {
    DIR *folder = opendir(path);
    if (!folder) {
        return cnn_fail_errno(error, path, errno);
    }
    cnn_status status = remove_drafts_in(folder, path, error);
    (void)closedir(folder);
    return status;
}

/* Removes the files of the run except config.json: it may be the file that the program was given,
 * and the run that starts replaces it in one step. */
static cnn_status clear_files(const cnn_run_directory *directory, cnn_error *error) {
    /* the checkpoint first: after an interruption, there is the old run, or one without a
     * checkpoint, which --resume starts from the beginning */
    CNN_TRY(cnn_run_remove(directory, CNN_RUN_CHECKPOINT, error));
    for (int i = CNN_RUN_FILE_COUNT - 1; i > CNN_RUN_CONFIG; i--) {
        CNN_TRY(cnn_run_remove(directory, (cnn_run_file)i, error));
    }
    return CNN_OK;
}

static cnn_status clear_named(const cnn_run_directory *member, cnn_error *error) {
    CNN_TRY(cnn_run_remove_drafts(member->path, error));
    CNN_TRY(clear_files(member, error));
    CNN_TRY(cnn_run_remove(member, CNN_RUN_CONFIG, error));
    return rmdir(member->path) == 0 || errno == ENOTEMPTY || errno == EEXIST
               ? CNN_OK
               : cnn_fail_errno(error, member->path, errno);
}

/* Removes the files of one member, and its directory if it is then empty. */
static cnn_status clear_member(const char *path, const member_kind *kind, int number,
                               cnn_error *error) {
    cnn_run_directory directory = {0};
    char *member_path = kind->path(path, number);
    cnn_status status = member_path ? cnn_run_directory_name(member_path, &directory, error)
                                    : cnn_fail_memory(error, path);
    if (status == CNN_OK) {
        status = clear_named(&directory, error);
    }
    cnn_free(member_path);
    cnn_run_directory_free(&directory);
    return status;
}

static cnn_status clear_members_in(DIR *folder, const char *path, const member_kind *kind,
                                   cnn_error *error) {
    int number;
    CNN_TRY(next_member(folder, path, kind, &number, error));
    while (number > 0) {
        CNN_TRY(clear_member(path, kind, number, error));
        CNN_TRY(next_member(folder, path, kind, &number, error));
    }
    return CNN_OK;
}

static cnn_status clear_members(const char *path, const member_kind *kind, cnn_error *error) {
    DIR *folder = opendir(path);
    if (!folder) {
        return cnn_fail_errno(error, path, errno);
    }
    cnn_status status = clear_members_in(folder, path, kind, error);
    (void)closedir(folder);
    return status;
}

cnn_status cnn_run_directory_clear(const cnn_run_directory *directory, cnn_error *error) {
    bool swept;
    CNN_TRY(clear_members(directory->path, &folds, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_MEMBERS, &swept, error));
    if (swept) { /* else a directory with such a name, 2024, is another's */
        CNN_TRY(clear_members(directory->path, &members, error));
    }
    CNN_TRY(remove_file(directory->folds_table, error));
    return clear_files(directory, error);
}

/* --- */

cnn_status cnn_run_sync(const cnn_run_directory *directory, cnn_error *error) {
    static const cnn_run_file files[] = {CNN_RUN_CONFIG, CNN_RUN_SPLIT, CNN_RUN_METRICS};
    CNN_TRY(cnn_folder_sync(directory->path, error));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CNN_TRY(cnn_file_sync(directory->file[files[i]], error));
    }
    return CNN_OK;
}
